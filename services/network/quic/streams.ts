import type { Bytes } from "../../../shared/bytes/mod.ts";
import { EngineError } from "./engine.ts";

/** One waits on a stream at a time: for room, for data, or for the end. */
class Waiter {
  #pending: PromiseWithResolvers<void> | null = null;

  wait(): Promise<void> {
    this.#pending ??= Promise.withResolvers();
    return this.#pending.promise;
  }

  wake(): void {
    this.#pending?.resolve();
    this.#pending = null;
  }
}

/** What the engine does for a stream of ours. */
export interface SendParts {
  /** How many of the bytes the stream took. */
  readonly write: (bytes: Bytes) => number;
  readonly finish: () => void;
  /** To be called when the engine may have something to send. */
  readonly wake: () => void;
  /** To be called when nothing more is to be told about the stream. */
  readonly forget: () => void;
}

/** A stream to the peer. */
export class SendStream {
  readonly #parts: SendParts;
  readonly #waiter = new Waiter();
  #isEnded = false;
  #error: Error | null = null;

  constructor(parts: SendParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the stream has taken all of the parts, before the peer has them. Rejects when the
   * connection is lost or the peer wants no more of the stream.
   */
  async write(parts: readonly Bytes[]): Promise<void> {
    for (const part of parts) {
      for (let rest = part; rest.length > 0;) {
        // the engine does not tell while the connection has no room
        if (this.#isEnded) throw this.#error ?? new EngineError("Cannot write: it is stopped");
        rest = rest.subarray(this.#parts.write(rest));
        if (rest.length === 0) continue;
        this.#parts.wake();
        await this.#waiter.wait();
      }
    }
    this.#parts.wake();
  }

  /** Ends the stream; resolves when the peer has all of it or never will. */
  async finish(): Promise<void> {
    if (!this.#isEnded) this.#parts.finish();
    this.#parts.wake();
    while (!this.#isEnded) await this.#waiter.wait();
  }

  /** Takes that there is room again. */
  wake(): void {
    this.#waiter.wake();
  }

  /** Takes that the stream is over; without an error when the peer has all that it wants. */
  end(error: Error | null): void {
    this.#isEnded = true;
    this.#error = error;
    this.#parts.forget();
    this.#waiter.wake();
  }
}

/** What the engine does for a stream of the peer. */
export interface ReceiveParts {
  readonly read: () => { readonly bytes: Bytes; readonly isEnded: boolean };
  readonly stop: () => void;
  /** To be called when the engine may have something to send. */
  readonly wake: () => void;
  /** To be called when nothing more is to be told about the stream. */
  readonly forget: () => void;
}

/** A stream of the peer. What is not read of it slows the peer down. */
export class ReceiveStream {
  readonly #parts: ReceiveParts;
  readonly #waiter = new Waiter();
  #isEnded = false;
  #error: Error | null = null;

  constructor(parts: ReceiveParts) {
    this.#parts = parts;
  }

  /**
   * Waits for data and gives all that there is, up to 256 KiB; null at the end of the stream.
   * Rejects when the connection is lost or the peer gave the stream up.
   */
  async read(): Promise<Bytes | null> {
    for (;;) {
      if (this.#error !== null) throw this.#error;
      if (this.#isEnded) return null;
      const bytes = this.#take();
      if (bytes.length > 0) return bytes;
      if (!this.#isEnded) await this.#waiter.wait();
    }
  }

  /** Tells the peer that no more of the stream is wanted. */
  stop(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#parts.stop();
    this.#parts.wake();
    this.#parts.forget();
    this.#waiter.wake();
  }

  /** Takes that there is something to read. */
  wake(): void {
    this.#waiter.wake();
  }

  /** Takes that the connection is lost. */
  end(error: Error): void {
    this.#error = error;
    this.#parts.forget();
    this.#waiter.wake();
  }

  #take(): Bytes {
    try {
      const { bytes, isEnded } = this.#parts.read();
      this.#parts.wake(); // what was read makes room for more
      this.#isEnded = isEnded;
      if (isEnded) this.#parts.forget();
      return bytes;
    } catch (error) {
      this.#parts.forget();
      throw error;
    }
  }
}
