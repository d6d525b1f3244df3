import type { Duplex } from "node:stream";
import process from "node:process";

/**
 * Sends what is written to a connection during one turn of the event loop in one piece: HTTP/2
 * writes each frame of a call by itself, and a write costs more than making the frame.
 */
export class WriteBatch {
  readonly #socket: Pick<Duplex, "cork" | "uncork">;
  #isHeld = false;

  constructor(socket: Pick<Duplex, "cork" | "uncork">) {
    this.#socket = socket;
  }

  /** Holds back what is written from now on until the code that runs now has ended. */
  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isHeld = false;
      this.#socket.uncork();
    });
  }
}
