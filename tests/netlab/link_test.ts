import assert from "node:assert/strict";
import { type Random, seededRandom } from "../../shared/clock/mod.ts";
import { FlightHeap } from "./flight.ts";
import { Link } from "./link.ts";

const SEED = 8;
const PACKETS = 10_000;

/** The given numbers, again and again. */
function cycle(...numbers: readonly number[]): Random {
  let next = 0;
  return () => numbers[next++ % numbers.length] ?? 0;
}

Deno.test("Link delays packets and keeps their order in spite of jitter", () => {
  const exact = new Link({ delayMs: 50 }, seededRandom(SEED));
  assert.equal(exact.send(1000, 7), 57);
  const jittery = new Link({ delayMs: 50, jitterMs: 5 }, seededRandom(SEED));
  let lastMs = 0;
  for (let nowMs = 0; nowMs < 1000; nowMs++) {
    const arrivalMs = jittery.send(1000, nowMs) ?? 0;
    assert(arrivalMs >= lastMs && arrivalMs >= nowMs + 45 && arrivalMs <= nowMs + 55);
    lastMs = arrivalMs;
  }
});

Deno.test("Link loses its share of the packets, the same ones for the same seed", () => {
  const lostOf = (seed: number) => {
    const link = new Link({ delayMs: 1, loss: 0.02 }, seededRandom(seed));
    return Array.from({ length: PACKETS }, (_, i) => link.send(100, i)).filter((ms) => ms === null);
  };
  const lost = lostOf(SEED).length;
  assert(lost > PACKETS * 0.015 && lost < PACKETS * 0.025, `seed ${SEED}: ${lost} lost`);
  assert.equal(lostOf(SEED).length, lost);
});

Deno.test("Link lets some packets overtake others", () => {
  const link = new Link({ delayMs: 50, reorder: 0.5 }, cycle(0, 0, 0.9, 0, 0, 0.1));
  assert.deepEqual([link.send(100, 0), link.send(100, 1)], [50, 26]);
});

Deno.test("Link sends at its rate and drops what would wait too long", () => {
  const link = new Link({ delayMs: 10, bitsPerSecond: 80_000 }, seededRandom(SEED)); // 10 bytes/ms
  assert.deepEqual([link.send(1000, 0), link.send(1000, 0), link.send(1000, 0)], [110, 210, 310]);
  assert.equal(link.send(1000, 0), null, "300 ms of packets are before it");
  assert.equal(link.send(1000, 100), 410);
});

Deno.test("FlightHeap gives packets in the order of their arrival, and of their coming", () => {
  const heap = new FlightHeap();
  const random = seededRandom(SEED);
  assert.equal(heap.nextMs, Infinity);
  for (let i = 0; i < PACKETS; i++) {
    const packet = new Uint8Array([i >> 8, i]);
    heap.push({ arrivalMs: Math.floor(random() * 1000), to: 0, packet });
  }
  assert.equal(heap.pop(-1), null);
  let count = 0;
  let last = { arrivalMs: -1, serial: -1 };
  for (let flight = heap.pop(1000); flight !== null; flight = heap.pop(1000)) {
    const [high = 0, low = 0] = flight.packet;
    const serial = high * 256 + low;
    const isLater = flight.arrivalMs > last.arrivalMs;
    assert(isLater || (flight.arrivalMs === last.arrivalMs && serial > last.serial));
    last = { arrivalMs: flight.arrivalMs, serial };
    count += 1;
  }
  assert.equal(count, PACKETS);
});
