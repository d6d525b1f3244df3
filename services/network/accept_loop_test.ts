import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { ManualClock } from "./testing/manual_clock.ts";
import { acceptAll, REPORT_INTERVAL_MS } from "./accept_loop.ts";

interface Step {
  /** The code of the error; null for a connection. */
  readonly code: string | null;
}

const GONE: Step = { code: "ENOTCONN" };
const CONNECTION: Step = { code: null };

/** Runs the loop over what `accept` does next, until all of it is done. */
class Run {
  readonly clock = new ManualClock();
  readonly accepted: number[] = [];
  readonly reports: string[] = [];
  readonly closed: number[] = [];
  readonly #stop = new AbortController();
  readonly #exhausted = Promise.withResolvers<void>();
  readonly done: Promise<void>;

  constructor(readonly steps: readonly Step[], onAccepted: (index: number) => void = () => {}) {
    let next = 0;
    this.done = acceptAll({
      listener: { accept: () => this.#accept(next++) },
      clock: this.clock,
      signal: this.#stop.signal,
      onAccepted: ({ index }) => {
        this.accepted.push(index);
        onAccepted(index);
      },
      onFailure: (reason) => this.reports.push(reason),
    });
  }

  /** Resolves when the last step is done. */
  get exhausted(): Promise<void> {
    return this.#exhausted.promise;
  }

  stop(): void {
    this.#stop.abort();
  }

  #accept(index: number) {
    const step = this.steps[index];
    if (step === undefined) {
      this.#exhausted.resolve();
      return new Promise<never>(() => {});
    }
    if (step.code === null) {
      return Promise.resolve({ index, close: () => void this.closed.push(index) });
    }
    return Promise.reject(Object.assign(new Error(`no luck: ${step.code}`), { code: step.code }));
  }
}

Deno.test("acceptAll() goes on at once after peers that are gone, and reports them rarely", async () => {
  const crowd = Array.from({ length: 100 }, () => GONE);
  const run = new Run([...crowd, CONNECTION]);
  await run.exhausted;
  assert.deepEqual(run.accepted, [100]);
  assert.deepEqual(run.reports, ["no luck: ENOTCONN"]);
});

Deno.test("acceptAll() reports again after a while, with how many there were", async () => {
  const run: Run = new Run(
    [GONE, GONE, GONE, CONNECTION, GONE],
    () => run.clock.advance(REPORT_INTERVAL_MS),
  );
  await run.exhausted;
  assert.deepEqual(run.reports, ["no luck: ENOTCONN", "no luck: ENOTCONN, and 2 before"]);
});

Deno.test("acceptAll() pauses while the system has no room", async () => {
  for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]) {
    const run = new Run([{ code }, CONNECTION]);
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.deepEqual(run.accepted, [], code);
    run.clock.advance(100);
    await run.exhausted;
    assert.deepEqual(run.accepted, [1], code);
  }
});

Deno.test("acceptAll() lets others run while connections come without a break", async () => {
  let acceptedBefore = 0;
  const run: Run = new Run(Array.from({ length: 200 }, () => CONNECTION));
  setImmediate(() => acceptedBefore = run.accepted.length);
  await run.exhausted;
  assert(acceptedBefore < 50, `${acceptedBefore} were accepted in one go`);
});

Deno.test("acceptAll() takes no connection once it is stopped", async () => {
  const run: Run = new Run([CONNECTION, CONNECTION], () => run.stop());
  await run.done;
  assert.deepEqual(run.accepted, [0]);
  const late = new Run([CONNECTION]);
  late.stop();
  await late.done;
  assert.deepEqual([late.accepted, late.closed], [[], [0]]);
});

Deno.test("acceptAll() does not hide a defect of its owner", async () => {
  const run = new Run([CONNECTION], () => {
    throw new TypeError("a defect");
  });
  await assert.rejects(run.done, /a defect/);
  assert.deepEqual(run.reports, []);
});
