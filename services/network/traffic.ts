import type { Lane } from "./core/lane.ts";
import type { OutboxObserver } from "./outbox.ts";

/** What happened to messages, counted since the start. */
export const TRAFFIC_KINDS = ["sent", "received", "unsent", "undelivered"] as const;

/** One of {@linkcode TRAFFIC_KINDS}: the last two were dropped, on the way out and on the way in. */
export type TrafficKind = typeof TRAFFIC_KINDS[number];

/** Messages and their bytes, the length in front of each included. */
export interface TrafficCount {
  messages: number;
  bytes: number;
}

/** Counts the messages of this node by lane, for the metrics and for those who ask why. */
export class Traffic implements OutboxObserver {
  readonly #counts = {
    sent: newCounts(),
    received: newCounts(),
    unsent: newCounts(),
    undelivered: newCounts(),
  };

  sent(lane: Lane, size: number): void {
    add(this.#counts.sent[lane], size);
  }

  dropped(lane: Lane, size: number): void {
    add(this.#counts.unsent[lane], size);
  }

  /** A message of a neighbour, whatever becomes of it. */
  received(lane: Lane, size: number): void {
    add(this.#counts.received[lane], size);
  }

  /** A message of a neighbour that found no module, or no room in its queue. */
  undelivered(lane: Lane, size: number): void {
    add(this.#counts.undelivered[lane], size);
  }

  /** What was counted. */
  count(kind: TrafficKind, lane: Lane): Readonly<TrafficCount> {
    return this.#counts[kind][lane];
  }
}

function newCounts(): Record<Lane, TrafficCount> {
  const none = () => ({ messages: 0, bytes: 0 });
  return { urgent: none(), sync: none(), transactions: none() };
}

function add(count: TrafficCount, size: number): void {
  count.messages += 1;
  count.bytes += size;
}
