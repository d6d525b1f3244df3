import type { OwnBytes } from "./libc.ts";

/** A packet under way. */
export interface Flight {
  readonly arrivalMs: number;
  /** Number of the node that it reaches. */
  readonly to: number;
  readonly packet: OwnBytes;
}

/** Packets under way, the next one to arrive first: a binary heap. */
export class FlightHeap {
  readonly #heap: { readonly flight: Flight; readonly serial: number }[] = [];
  #nextSerial = 0;

  /** When the next packet arrives; infinity when none is under way. */
  get nextMs(): number {
    return this.#heap[0]?.flight.arrivalMs ?? Infinity;
  }

  /** Adds a packet; packets of the same time leave in the order in which they came. */
  push(flight: Flight): void {
    const heap = this.#heap;
    let place = heap.push({ flight, serial: this.#nextSerial++ }) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(place, parent)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  /** Takes the next packet that has arrived by now; null when there is none. */
  pop(nowMs: number): Flight | null {
    const heap = this.#heap;
    const [first] = heap;
    if (first === undefined || first.flight.arrivalMs > nowMs) return null;
    this.#swap(0, heap.length - 1);
    heap.pop();
    for (let place = 0;;) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      const child = right < heap.length && this.#isBefore(right, left) ? right : left;
      if (child >= heap.length || !this.#isBefore(child, place)) return first.flight;
      this.#swap(place, child);
      place = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return false;
    const distanceMs = first.flight.arrivalMs - second.flight.arrivalMs;
    return distanceMs < 0 || (distanceMs === 0 && first.serial < second.serial);
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}
