import type { Ports } from "../ports.ts";

/**
 * What becomes of the call at which a process ends: it does not happen, it happens and nobody hears
 * of it, or it does not happen although calls that were made after it do.
 */
export type CrashMoment = "before" | "after" | "overtaken";

/** Calls that may be on their way at the same time. */
const OVERTAKING_COUNT = 2;

/** Ends a process at one of its calls that have an effect: nothing comes back any more. */
export class CrashPoint {
  readonly crashed: Promise<"crashed">;
  readonly #moment: CrashMoment;
  #callsLeft: number;
  #crash: (value: "crashed") => void = () => {};

  constructor(callsLeft: number, moment: CrashMoment = "before") {
    this.#callsLeft = callsLeft;
    this.#moment = moment;
    this.crashed = new Promise((resolve) => this.#crash = resolve);
  }

  /** Whether the process got as far as that call. */
  get isReached(): boolean {
    return this.#callsLeft < 0;
  }

  readonly wrap = (ports: Ports): Ports => ({
    ...ports,
    storage: {
      load: (region, key) => ports.storage.load(region, key),
      store: (record) => this.#call(() => ports.storage.store(record)),
    },
    executor: { exec: (block) => this.#call(() => ports.executor.exec(block)) },
    consensus: {
      reconfigure: (config) => this.#call(() => ports.consensus.reconfigure(config)),
      checkBlock: (block) => this.#call(() => ports.consensus.checkBlock(block)),
    },
    wal: {
      load: () => ports.wal.load(),
      append: (height, block) => this.#call(() => ports.wal.append(height, block)),
      clear: () => this.#call(() => ports.wal.clear()),
    },
  });

  async #call<Result>(run: () => Promise<Result>): Promise<Result> {
    const left = this.#callsLeft--;
    if (left > 0) return await run();
    const isOvertaking = left < 0 && left >= -OVERTAKING_COUNT;
    if (this.#moment === "overtaken" && isOvertaking) return await run();
    if (this.#moment === "after" && left === 0) await run();
    if (this.#moment !== "overtaken" || left < 0) this.#crash("crashed");
    return await new Promise(() => {});
  }
}
