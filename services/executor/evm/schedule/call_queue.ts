import type { Clock } from "../../../../shared/clock/mod.ts";
import type { Caller } from "../../../../shared/rpc/mod.ts";
import { RefusedError } from "../../service.ts";
import { GAS_SLICE, type Pace, type Work } from "../work.ts";

/** A read-only call as it is asked for. */
export interface CallOrder<Source, Answer> {
  /** Begins the call; what it reads does not change until {@linkcode CallQueue.move}. */
  readonly start: (source: Source, pace: Pace) => Work<Answer>;
  readonly caller: Caller;
}

/** What is wanted of a {@linkcode CallQueue}. */
export interface CallQueueOptions {
  readonly clock: Clock;
  /** Time that a call may take, waiting left out. */
  readonly timeLimitMs: number;
}

/** Calls that may wait for those before them before further ones are refused. */
const WAITING_MAX = 10_000;

/** Calls that run by turns, so that a short one waits for slices of longer ones only. */
export const STARTED_MAX = 64;

/** One turn. */
const SLICE_MS = 1;

/**
 * Memory of paused calls above which only one of them runs, to its end. A call of the largest quota
 * can come to 140 MB, by contracts that create contracts of their own code while they are created.
 */
const HELD_BYTES_MAX = 128 * 1024 * 1024;

/** A call that has no answer yet. */
interface Call<Source> {
  readonly start: (source: Source, pace: Pace) => Work<unknown>;
  readonly caller: Caller;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (cause: unknown) => void;
  /** What it reads, null while it waits. */
  source: Source | null;
  /** Null when it is to begin. */
  work: Work<unknown> | null;
  usedMs: number;
  heldBytes: number;
}

/** Read-only calls, which run by turns whenever they are let. */
export class CallQueue<Source> {
  readonly #clock: Clock;
  readonly #timeLimitMs: number;
  readonly #pace: Pace;
  readonly #waiting = new Set<Call<Source>>();
  /** The next one first. */
  readonly #started = new Set<Call<Source>>();
  #heldBytes = 0;
  #sliceEndMs = 0;

  constructor({ clock, timeLimitMs }: CallQueueOptions) {
    this.#clock = clock;
    this.#timeLimitMs = timeLimitMs;
    this.#pace = {
      gasSlice: GAS_SLICE,
      mustPause: () => clock.monotonicMs() >= this.#sliceEndMs,
    };
  }

  /** Number of calls without an answer. */
  get size(): number {
    return this.#waiting.size + this.#started.size;
  }

  /** Adds a call. Its answer is a {@linkcode RefusedError} when a limit is reached. */
  add<Answer>({ start, caller }: CallOrder<Source, Answer>): Promise<Answer> {
    if (this.#waiting.size >= WAITING_MAX) {
      const text = `it must wait for at most ${WAITING_MAX} others, got ${this.#waiting.size}`;
      return Promise.reject(new RefusedError("busy", `Cannot take the call: ${text}`));
    }
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.add({
        start,
        caller,
        resolve: (answer) => resolve(answer as Answer),
        reject,
        source: null,
        work: null,
        usedMs: 0,
        heldBytes: 0,
      });
    });
  }

  /** Runs calls until none is left or the time is over; calls that begin read the source. */
  run(source: Source, untilMs: number): void {
    while (this.#clock.monotonicMs() < untilMs) {
      const call = this.#next();
      if (call === null) return;
      this.#runSlice(call, { source, untilMs });
    }
  }

  /** Lets the calls that read a source, which is gone, begin again on another. */
  move(from: Source, to: () => Source): void {
    for (const call of this.#started) {
      if (call.source !== from) continue;
      this.#stop(call);
      call.source = to();
    }
  }

  /** Lets all calls begin again. */
  startOver(): void {
    for (const call of this.#started) {
      this.#stop(call);
      call.source = null;
    }
  }

  /** Ends all calls. */
  rejectAll(cause: unknown): void {
    for (const call of [...this.#started, ...this.#waiting]) {
      this.#end(call, () => call.reject(cause));
    }
  }

  #next(): Call<Source> | null {
    for (const call of this.#waiting) {
      if (this.#started.size >= STARTED_MAX) break;
      this.#waiting.delete(call);
      this.#started.add(call);
    }
    for (const call of this.#started) return call;
    return null;
  }

  #runSlice(
    call: Call<Source>,
    { source, untilMs }: { readonly source: Source; readonly untilMs: number },
  ): void {
    if (call.caller.isGone) return this.#end(call, () => call.reject(goneError()));
    const startMs = this.#clock.monotonicMs();
    this.#sliceEndMs = Math.min(untilMs, startMs + SLICE_MS);
    try {
      call.work ??= call.start(call.source ??= source, this.#pace);
      const step = call.work.next();
      if (step.done === true) return this.#end(call, () => call.resolve(step.value));
      this.#hold(call, step.value);
    } catch (cause) {
      return this.#end(call, () => call.reject(cause));
    }
    call.usedMs += this.#clock.monotonicMs() - startMs;
    if (call.usedMs > this.#timeLimitMs) {
      return this.#end(call, () => call.reject(this.#timeError()));
    }
    if (this.#heldBytes > HELD_BYTES_MAX) return;
    this.#started.delete(call);
    this.#started.add(call);
  }

  #timeError(): RefusedError {
    const limit = `call_time_limit_ms of [executor_evm], ${this.#timeLimitMs} ms`;
    return new RefusedError("time", `Cannot answer the call: it must not run longer than ${limit}`);
  }

  #end(call: Call<Source>, settle: () => void): void {
    this.#stop(call);
    this.#started.delete(call);
    this.#waiting.delete(call);
    settle();
  }

  /** Takes a call back to its beginning. */
  #stop(call: Call<Source>): void {
    call.work?.return(undefined);
    call.work = null;
    call.usedMs = 0;
    this.#hold(call, 0);
  }

  #hold(call: Call<Source>, bytes: number): void {
    this.#heldBytes += bytes - call.heldBytes;
    call.heldBytes = bytes;
  }
}

function goneError(): RefusedError {
  return new RefusedError("gone", "Cannot answer the call: the caller is gone");
}
