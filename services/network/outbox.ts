import type { Clock } from "../../shared/clock/mod.ts";
import { type Lane, LANES } from "./core/lane.ts";
import type { Frame } from "./frame.ts";

/** Frames of one lane that may wait for a neighbour. */
export const LANE_FRAMES_MAX = 16_384;

/** Their bytes before the next frame: one frame always fits into an empty lane. */
export const LANE_SIZES_MAX: Readonly<Record<Lane, number>> = {
  urgent: 64 * 1024 * 1024,
  sync: 64 * 1024 * 1024,
  transactions: 24 * 1024 * 1024,
};

/** Above this many waiting bytes a sender is asked to wait. */
const SLOW_SIZE = 8 * 1024 * 1024;

/** How long a sender waits at most, since others may wait behind it. */
const SLOW_WAIT_MS = 500;

/** While sync and transactions wait, every so many frames one is of the transactions. */
const TRANSACTION_TURN = 4;

/** Learns what happens to frames. */
export interface OutboxObserver {
  sent(lane: Lane, size: number): void;
  dropped(lane: Lane, size: number): void;
}

interface Queue {
  readonly frames: Frame[];
  size: number;
}

/**
 * Frames that wait for one neighbour, in a lane for each class of messages. The connection takes
 * the most urgent one when it can send it, so that a vote waits for one frame at most, however many
 * blocks were queued before. A frame that finds its lane full is dropped, which modules must expect
 * of a network; a neighbour that takes nothing is ended by its connection.
 */
export class Outbox {
  readonly #queues: Readonly<Record<Lane, Queue>> = {
    urgent: newQueue(),
    sync: newQueue(),
    transactions: newQueue(),
  };
  readonly #observer: OutboxObserver;
  readonly #waiters = new Set<() => void>();
  #size = 0;
  #turn = 0;
  #isClosed = false;

  constructor(observer: OutboxObserver) {
    this.#observer = observer;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#size;
  }

  /** Queues a frame; false when it was dropped. */
  push(frame: Frame): boolean {
    const { lane, size } = frame;
    const queue = this.#queues[lane];
    const isFull = queue.size > LANE_SIZES_MAX[lane] || queue.frames.length >= LANE_FRAMES_MAX;
    if (isFull || this.#isClosed) {
      this.#observer.dropped(lane, size);
      return false;
    }
    queue.frames.push(frame);
    queue.size += size;
    this.#size += size;
    return true;
  }

  /** Takes the frame to send next out of all lanes; null when none waits. */
  next(): Frame | null {
    if (this.#size === 0) return null;
    return this.nextOf("urgent") ?? this.#nextOfOthers();
  }

  /** Takes the next frame of one lane, for connections that send lanes side by side. */
  nextOf(lane: Lane): Frame | null {
    const queue = this.#queues[lane];
    const frame = queue.frames.shift();
    if (frame === undefined) return null;
    queue.size -= frame.size;
    this.#size -= frame.size;
    this.#observer.sent(lane, frame.size);
    this.#wake();
    return frame;
  }

  /**
   * Resolves when a sender of this lane may go on, after a moment at the latest. Whoever sends what
   * is urgent does not wait for the others.
   */
  async waitForRoom(lane: Lane, clock: Clock): Promise<void> {
    if (lane === "urgent" || this.#size <= SLOW_SIZE || this.#isClosed) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        timer.cancel();
        this.#waiters.delete(finish);
        resolve();
      };
      const timer = clock.setTimer(SLOW_WAIT_MS, finish);
      this.#waiters.add(finish);
    });
  }

  /** Drops what waits; nothing can be queued any more. */
  close(): void {
    this.#isClosed = true;
    this.#size = 0;
    for (const lane of LANES) {
      const queue = this.#queues[lane];
      for (const frame of queue.frames.splice(0)) this.#observer.dropped(lane, frame.size);
      queue.size = 0;
    }
    this.#wake();
  }

  #nextOfOthers(): Frame | null {
    this.#turn = (this.#turn + 1) % TRANSACTION_TURN;
    return this.#turn === 0
      ? this.nextOf("transactions") ?? this.nextOf("sync")
      : this.nextOf("sync") ?? this.nextOf("transactions");
  }

  #wake(): void {
    if (this.#size > SLOW_SIZE) return;
    for (const finish of [...this.#waiters]) finish();
  }
}

function newQueue(): Queue {
  return { frames: [], size: 0 };
}
