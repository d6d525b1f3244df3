import type { Clock, Timer } from "../../shared/clock/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { untilWritten } from "./until_written.ts";

/** A state machine and how its effects are carried out; some of them are writes. */
export interface LoopParts<Input, Action, Write> {
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes an input at a monotonic time. */
  step(input: Input, nowMs: number): readonly (Action | Write)[];
  /** Whether an effect has to be on disk before anything after it happens. */
  isWrite(effect: Action | Write): effect is Write;
  /** Again and again while the disk is full. */
  write(effect: Write): Promise<void>;
  perform(effect: Action): void;
}

/**
 * Runs a state machine: one input at a time, its effects in their order, what goes to disk being
 * there before anything after it happens. Calls to other services go on meanwhile, their answers
 * are inputs. While the disk is full everything waits; a write that fails otherwise ends the
 * process: going on could mean to break a promise.
 */
export class MachineLoop<Input, Action, Write> {
  readonly #parts: LoopParts<Input, Action, Write>;
  readonly #queue: Input[] = [];
  readonly #timers = new Map<string, Timer>();
  readonly #stopping = new AbortController();
  #isBusy = false;
  #isDiskFull = false;
  /** The last input of {@linkcode postLatest}. */
  #latest: Input | null = null;
  /** Resolves when the queue is empty; rejects when a write failed. */
  #idle: Promise<void> = Promise.resolve();

  constructor(parts: LoopParts<Input, Action, Write>) {
    this.#parts = parts;
  }

  get isDiskFull(): boolean {
    return this.#isDiskFull;
  }

  /** Queues an input. */
  post(input: Input): void {
    if (this.#stopping.signal.aborted) return;
    this.#queue.push(input);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#idle = this.#run();
  }

  /** Queues an input; while the disk is full, in the place of the last one that was queued so. */
  postLatest(input: Input): void {
    const place = this.#isDiskFull
      ? this.#queue.findLastIndex((waiting) => waiting === this.#latest)
      : -1;
    this.#latest = input;
    if (place >= 0) this.#queue[place] = input;
    else this.post(input);
  }

  /** Queues an input when it is there; resolves then. */
  async postWhenReady(input: Promise<Input>): Promise<void> {
    this.post(await input);
  }

  /** Queues an input after a time, in place of the one that was set with the same key. */
  postAfter(key: string, delayMs: number, input: Input): void {
    this.cancel(key);
    if (this.#stopping.signal.aborted) return;
    this.#timers.set(key, this.#parts.clock.setTimer(delayMs, () => this.post(input)));
  }

  cancel(key: string): void {
    this.#timers.get(key)?.cancel();
  }

  /** Takes no more inputs, and resolves when the one at hand is done. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#queue.length = 0;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    await this.#idle;
  }

  async #run(): Promise<void> {
    const parts = this.#parts;
    // an input without effects ends the loop at once: post() must have kept this promise before
    await Promise.resolve();
    for (let input = this.#queue.shift(); input !== undefined; input = this.#queue.shift()) {
      for (const effect of parts.step(input, parts.clock.monotonicMs())) {
        if (!parts.isWrite(effect)) parts.perform(effect);
        else if (!(await this.#write(effect))) return;
      }
    }
    this.#isBusy = false;
  }

  /** False when the loop was stopped before there was room: what follows must not happen. */
  async #write(effect: Write): Promise<boolean> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    const onFull = () => {
      this.#isDiskFull = true;
    };
    const options = { clock, log, signal, onFull };
    const isWritten = await untilWritten(() => this.#parts.write(effect), options);
    this.#isDiskFull = false;
    return isWritten;
  }
}
