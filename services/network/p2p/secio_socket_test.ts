import assert from "node:assert/strict";
import { MemoryBudget } from "../core/memory_budget.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import type { ByteSocket } from "../tls_socket.ts";
import { secureSocket } from "./secio_socket.ts";
import { keyOf } from "./testing/node_keys.ts";

/** A peer that says nothing; as with those of Deno, a second close throws. */
class SilentSocket implements ByteSocket {
  readonly remoteAddr = { hostname: "127.0.0.1", port: 1 };
  readonly #ended = Promise.withResolvers<null>();
  closeCount = 0;

  read(): Promise<number | null> {
    return this.#ended.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.closeCount > 0) return Promise.reject(new Deno.errors.BadResource("Bad resource ID"));
    return Promise.resolve(bytes.length);
  }

  setNoDelay(): void {}

  close(): void {
    this.closeCount += 1;
    if (this.closeCount > 1) throw new Deno.errors.BadResource("Bad resource ID");
    this.end();
  }

  /** As if the peer closed the connection. */
  end(): void {
    this.#ended.resolve(null);
  }
}

function open(signal: AbortSignal) {
  const [socket, clock] = [new SilentSocket(), new ManualClock()];
  const budget = new MemoryBudget(2 ** 20);
  const key = keyOf(1);
  const secured = secureSocket({ socket, key, budget, refusalOf: () => null, clock, signal });
  return { socket, clock, secured };
}

Deno.test("secureSocket() closes once when the time is over and the signal aborts together", async () => {
  for (const isTimerFirst of [true, false]) {
    const stop = new AbortController();
    const { socket, clock, secured } = open(stop.signal);
    const giveUps = [
      () => clock.advance(10_000),
      () => stop.abort(new Error("more than 2 connections are half-open")),
    ];
    for (const giveUp of isTimerFirst ? giveUps : giveUps.toReversed()) giveUp();
    await assert.rejects(secured, isTimerFirst ? /no handshake within/ : /half-open/);
    assert.equal(socket.closeCount, 1);
  }
});

Deno.test("secureSocket() closes once when the peer breaks off", async () => {
  const { socket, secured } = open(new AbortController().signal);
  socket.end();
  await assert.rejects(secured, /broke the handshake off/);
  assert.equal(socket.closeCount, 1);
});

Deno.test("secureSocket() gives up at once when the signal has aborted before", async () => {
  const { socket, secured } = open(AbortSignal.abort(new Error("this node stops")));
  await assert.rejects(secured, /this node stops/);
  assert.equal(socket.closeCount, 1);
});
