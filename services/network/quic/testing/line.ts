import assert from "node:assert/strict";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { Random } from "../../../../shared/clock/mod.ts";
import { type Address, encodeAddress } from "../address.ts";
import { type Credentials, Engine, type EngineEvent } from "../engine.ts";

/** What a line does to datagrams, each as a part of all of them. */
export interface LineFaults {
  readonly lost: number;
  readonly doubled: number;
  readonly damaged: number;
  /** How much longer than the delay a datagram may take; they overtake one another. */
  readonly jitterMs: number;
}

const NO_FAULTS: LineFaults = { lost: 0, doubled: 0, damaged: 0, jitterMs: 0 };

/** A way takes so long. */
const DELAY_MS = 5;

/** An engine at the end of a line. */
export interface Station {
  readonly engine: Engine;
  readonly address: Bytes;
  /** In the order of their arrival; a test may empty it. */
  readonly events: EngineEvent[];
}

interface Flight {
  readonly dueMs: number;
  readonly from: Bytes;
  readonly to: Station;
  readonly datagram: Bytes;
}

/** Engines in one process that are joined by a line with faults, in a time of its own. */
export class Line implements Disposable {
  nowMs = 0;
  readonly #random: Random;
  readonly #faults: LineFaults;
  readonly #stations = new Map<string, Station>();
  #flights: Flight[] = [];

  constructor(random: Random, faults: LineFaults = NO_FAULTS) {
    this.#random = random;
    this.#faults = faults;
  }

  /** Adds an engine with the next address. */
  add(credentials: Credentials): Station {
    const place = { host: `10.0.0.${this.#stations.size + 1}`, port: 4000 };
    const station = {
      engine: new Engine(credentials, this.nowMs),
      address: addressOf(place),
      events: [],
    };
    this.#stations.set(nameOf(place), station);
    return station;
  }

  /** Lets time pass until a condition holds; fails when that takes too long. */
  runUntil(condition: () => boolean, limitMs = 60_000): void {
    const endMs = this.nowMs + limitMs;
    while (!condition()) {
      assert(this.nowMs <= endMs, `after ${limitMs} ms the condition does not hold`);
      this.#step();
    }
  }

  /** Lets time pass. */
  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) this.#step();
  }

  [Symbol.dispose](): void {
    for (const { engine } of this.#stations.values()) engine[Symbol.dispose]();
  }

  #step(): void {
    const stations = [...this.#stations.values()];
    for (const station of stations) this.#sendAll(station);
    this.nowMs = Math.max(this.nowMs + 0.01, this.#nextMs(stations));
    const due = this.#flights.filter(({ dueMs }) => dueMs <= this.nowMs);
    this.#flights = this.#flights.filter(({ dueMs }) => dueMs > this.nowMs);
    for (const { to, from, datagram } of due) to.engine.receive(this.nowMs, from, datagram);
    for (const { engine, events } of stations) {
      engine.handleTimeout(this.nowMs);
      for (let event = engine.nextEvent(); event !== null; event = engine.nextEvent()) {
        events.push(event);
      }
    }
  }

  #nextMs(stations: readonly Station[]): number {
    const timeouts = stations.map(({ engine }) => engine.timeoutMs() ?? this.nowMs + 1);
    return Math.min(...timeouts, ...this.#flights.map(({ dueMs }) => dueMs));
  }

  #sendAll({ engine, address: from }: Station): void {
    for (let batch = engine.transmit(this.nowMs); batch; batch = engine.transmit(this.nowMs)) {
      const to = this.#stations.get(nameOf(batch.address));
      if (to === undefined) continue;
      for (const datagram of batch.datagrams) this.#carry({ from, to, datagram });
    }
  }

  #carry({ from, to, datagram }: Omit<Flight, "dueMs">): void {
    const { lost, doubled, damaged, jitterMs } = this.#faults;
    if (this.#random() < lost) return;
    const copies = this.#random() < doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const bytes = Uint8Array.from(datagram);
      const place = Math.floor(this.#random() * bytes.length);
      if (this.#random() < damaged) bytes.set([(bytes[place] ?? 0) ^ 0x10], place);
      const dueMs = this.nowMs + DELAY_MS + this.#random() * jitterMs;
      this.#flights.push({ dueMs, from, to, datagram: bytes });
    }
  }
}

/** An address as the engine takes it. */
export function addressOf(address: Address): Bytes {
  const encoded = encodeAddress(address);
  assert(encoded !== null);
  return encoded;
}

function nameOf({ host, port }: Address): string {
  return `${host} ${port}`;
}
