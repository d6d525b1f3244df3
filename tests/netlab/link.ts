import type { Random } from "../../shared/clock/mod.ts";

/** What a link does to packets, each direction by itself. */
export interface LinkQuality {
  /** Time that a packet is under way, one way. */
  readonly delayMs: number;
  /** The delay differs by at most this much, up or down; below {@linkcode delayMs}. */
  readonly jitterMs?: number;
  /** Share of the packets that do not arrive, 0 to 1. */
  readonly loss?: number;
  /** Share of the packets that overtake those before them: they need half the delay. */
  readonly reorder?: number;
  /** Rate; a packet waits while those before it are sent. No limit unless given. */
  readonly bitsPerSecond?: number;
}

/** A packet that would wait longer than this for its turn is dropped, as by a full router. */
const QUEUE_MS_MAX = 200;

/** One direction between two nodes: says when a packet arrives. It has no clock of its own. */
export class Link {
  readonly #quality: Required<LinkQuality>;
  readonly #random: Random;
  /** When the last bit of the packets so far has left. */
  #idleMs = 0;
  /** When the last packet arrives that overtakes no other. */
  #lastArrivalMs = 0;

  constructor(quality: LinkQuality, random: Random) {
    this.#quality = { jitterMs: 0, loss: 0, reorder: 0, bitsPerSecond: Infinity, ...quality };
    this.#random = random;
  }

  /** When a packet of some bytes, sent now, arrives; null when it is lost. */
  send(size: number, nowMs: number): number | null {
    const { delayMs, jitterMs, loss, reorder, bitsPerSecond } = this.#quality;
    const startMs = Math.max(nowMs, this.#idleMs);
    if (startMs - nowMs > QUEUE_MS_MAX) return null;
    this.#idleMs = startMs + size * 8_000 / bitsPerSecond;
    if (this.#random() < loss) return null; // on its way, so it took its share of the rate
    const spreadMs = (2 * this.#random() - 1) * jitterMs;
    if (this.#random() < reorder) return this.#idleMs + (delayMs + spreadMs) / 2;
    const arrivalMs = this.#idleMs + delayMs + spreadMs;
    this.#lastArrivalMs = Math.max(arrivalMs, this.#lastArrivalMs);
    return this.#lastArrivalMs;
  }
}
