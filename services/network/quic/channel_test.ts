import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { MemoryBudget } from "../core/memory_budget.ts";
import { MESSAGE_SIZE_MAX } from "../domains/carrier.ts";
import { encodeFrame } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import { Inbox } from "../testing/inbox.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { Traffic } from "../traffic.ts";
import { QuicChannel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { Endpoint } from "./endpoint.ts";
import { credentialsOf } from "./testing/credentials.ts";

/** A channel in use whose other side is left to the test. */
async function setup() {
  const connections = new Inbox<Connection>();
  const open = (domain: string) =>
    new Endpoint({
      credentials: credentialsOf(domain),
      port: 0,
      clock: SYSTEM_CLOCK,
      onConnection: connections.push,
      onRefusal() {},
    });
  const [a, b] = [open("a.fy"), open("b.fy")];
  const connection = await a.connect({ host: "127.0.0.1", port: b.port }, "b.fy");
  const clock = new ManualClock();
  const refusals = new Inbox<string>();
  const budget = new MemoryBudget(1_000_000);
  const channel = new QuicChannel({ connection, clock, budget, onRefusal: refusals.push });
  const outbox = new Outbox(new Traffic());
  const ends = new Inbox<string>();
  const messages = new Inbox<Uint8Array>();
  channel.start({ outbox, message: messages.push, ended: ends.push });
  const send = (size: number) => {
    const message = { module: "controller", type: "sync_block", origin: 0n };
    assert(outbox.push(encodeFrame({ ...message, msg: new Uint8Array(size) })));
    channel.flush();
  };
  return {
    connection,
    channel,
    clock,
    ends,
    messages,
    outbox,
    refusals,
    send,
    peer: await connections.next(),
    [Symbol.asyncDispose]: async () => {
      await a.close("the test is over");
      await b.close("the test is over");
    },
  };
}

Deno.test("QuicChannel ends when the other side takes nothing for half a minute", async () => {
  await using test = await setup();
  const { connection, clock, ends, peer, send } = test;
  clock.advance(60_000); // nothing to send is no reason
  assert.equal(ends.size, 0);
  send(50_000_000);
  await new Promise((resolve) => peer.acceptStreams(resolve));
  clock.advance(20_000);
  assert.equal(ends.size, 0);
  while (clock.monotonicMs() < 200_000 && ends.size === 0) {
    clock.advance(10_000);
    await Promise.resolve();
  }
  assert.match(await ends.next(), /takes nothing/);
  assert(connection.writtenSize < 10_000_000);
  await peer.lost;
});

Deno.test("QuicChannel drops a stream whose unfinished message is above the budget", async () => {
  await using test = await setup();
  const { ends, messages, peer, refusals } = test;
  const announced = Uint8Array.of(0x01, 0, 0, 0); // 16 MiB
  const stream = peer.openStream(0);
  await assert.rejects(async () => {
    await stream.write([announced]);
    for (let sent = 0; sent < 15; sent++) await stream.write([new Uint8Array(1_000_000)]);
  }, /stopped/);
  assert.match(await refusals.next(), /^no memory for a frame of 16777216 bytes/);
  await peer.openStream(0).write([Uint8Array.of(0, 0, 0, 1, 9)]);
  assert.deepEqual(await messages.next(), Uint8Array.of(9));
  assert.equal(ends.size, 0);
});

Deno.test("QuicChannel ends a stream with an unfinished message and nothing more for 30 s", async () => {
  await using test = await setup();
  const { clock, ends, messages, peer, refusals } = test;
  const [idle, silent] = [peer.openStream(0), peer.openStream(0)];
  await idle.write([Uint8Array.of(0, 0, 0, 1, 7)]);
  assert.deepEqual(await messages.next(), Uint8Array.of(7));
  await silent.write([Uint8Array.of(0, 0, 0, 1, 8, 0, 0, 0, 9, 1)]);
  assert.deepEqual(await messages.next(), Uint8Array.of(8));
  await SYSTEM_CLOCK.sleep(0); // the rest is looked at
  clock.advance(29_999);
  assert.equal(refusals.size, 0);
  clock.advance(1);
  assert.match(await refusals.next(), /makes no progress/);
  await silent.finish();
  clock.advance(60_000);
  await idle.write([Uint8Array.of(0, 0, 0, 1, 9)]);
  assert.deepEqual(await messages.next(), Uint8Array.of(9));
  assert.deepEqual([refusals.size, ends.size], [0, 0]);
});

Deno.test("QuicChannel ends on a message above the limit", async () => {
  await using test = await setup();
  const { channel, ends, outbox, peer } = test;
  outbox.push({ parts: [], size: 4 + MESSAGE_SIZE_MAX + 1, lane: "sync" });
  channel.flush();
  assert.match(await ends.next(), /frame limit exceed/);
  await peer.lost;
});

Deno.test("QuicChannel.close() waits a moment only for what the other side does not take", async () => {
  await using test = await setup();
  const { channel, clock, ends, peer, send } = test;
  send(50_000_000);
  await new Promise((resolve) => peer.acceptStreams(resolve));
  const closed = channel.close();
  clock.advance(500);
  await closed;
  await peer.lost;
  assert.equal(ends.size, 0);
});
