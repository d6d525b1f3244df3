import assert from "node:assert/strict";
import { type Bytes, concatBytes, EMPTY_BYTES, u32be } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { MemoryBudget } from "../core/memory_budget.ts";
import { MESSAGE_SIZE_MAX } from "../domains/carrier.ts";
import { encodeFrame } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import { Inbox } from "../testing/inbox.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import type { TlsSocket } from "../tls_socket.ts";
import { Traffic } from "../traffic.ts";
import { TlsChannel } from "./channel.ts";

/** A socket whose other side is the test. */
class FakeSocket implements TlsSocket {
  readonly remoteAddr = { hostname: "127.0.0.1", port: 1 };
  readonly peerChain = [];
  readonly incoming = new Inbox<Bytes | null>();
  writtenSize = 0;
  /** Whether writes wait for ever. */
  isStuck = false;
  isClosed = false;

  async read(buffer: Bytes): Promise<number | null> {
    const chunk = await this.incoming.next();
    if (chunk !== null) buffer.set(chunk);
    return chunk?.length ?? null;
  }

  write(bytes: Bytes): Promise<number> {
    if (this.isStuck) return new Promise(() => {});
    this.writtenSize += bytes.length;
    return Promise.resolve(bytes.length);
  }

  setNoDelay(): void {}

  close(): void {
    this.isClosed = true;
  }
}

function setup() {
  const socket = new FakeSocket();
  const clock = new ManualClock();
  const channel = new TlsChannel({ socket, budget: new MemoryBudget(1_000_000), clock });
  const outbox = new Outbox(new Traffic());
  const ends = new Inbox<string>();
  const messages = new Inbox<Bytes>();
  const start = () => channel.start({ outbox, message: messages.push, ended: ends.push });
  const vote = encodeFrame({ module: "consensus", type: "vote", origin: 0n, msg: EMPTY_BYTES });
  const send = () => {
    assert(outbox.push(vote));
    channel.flush();
  };
  return { socket, clock, channel, outbox, ends, messages, start, send, voteSize: vote.size };
}

/** Lets everything run that waits for nothing from outside. */
function settle(): Promise<void> {
  return SYSTEM_CLOCK.sleep(0);
}

function framed(message: Bytes): Bytes {
  return concatBytes(u32be(message.length), message);
}

Deno.test("TlsChannel.flush() right after start() sends", async () => {
  const { socket, start, send, voteSize } = setup();
  start();
  send();
  await settle();
  assert.equal(socket.writtenSize, voteSize);
});

Deno.test("TlsChannel.flush() sends in whichever moment of an earlier write it is called", async () => {
  for (let moments = 0; moments < 16; moments++) {
    const { socket, start, send, voteSize } = setup();
    start();
    send();
    for (let moment = 0; moment < moments; moment++) await Promise.resolve();
    send();
    await settle();
    assert.equal(socket.writtenSize, 2 * voteSize, `${moments} microtasks later`);
  }
});

Deno.test("TlsChannel ends on a message above the limit", async () => {
  const { channel, ends, outbox, socket, start } = setup();
  start();
  outbox.push({ parts: [], size: 4 + MESSAGE_SIZE_MAX + 1, lane: "sync" });
  channel.flush();
  assert.match(await ends.next(), /frame limit exceed/);
  assert(socket.isClosed);
});

Deno.test("TlsChannel ends when an unfinished message makes no progress for 30 s", async () => {
  const { clock, ends, messages, socket, start } = setup();
  start();
  socket.incoming.push(framed(Uint8Array.of(1)));
  await settle();
  clock.advance(60_000); // between messages is no reason
  socket.incoming.push(Uint8Array.of(0, 0, 0, 2, 1));
  await settle();
  clock.advance(29_999);
  assert.deepEqual([messages.size, ends.size], [1, 0]);
  clock.advance(1);
  assert.match(await ends.next(), /decode error: an unfinished message makes no progress/);
  assert(socket.isClosed);
});

Deno.test("TlsChannel tells a message that is too large from one without memory", async () => {
  for (
    const [size, reason] of [
      [MESSAGE_SIZE_MAX + 1, /decode error: msg too large/],
      [3_000_000, /decode error: no memory for a frame of 3000000 bytes/],
    ] as const
  ) {
    const { ends, socket, start } = setup();
    start();
    socket.incoming.push(u32be(size));
    for (let sent = 0; sent < 300; sent++) socket.incoming.push(new Uint8Array(1_000));
    assert.match(await ends.next(), reason);
  }
});

Deno.test("TlsChannel.close() lets no message through while it waits for its last bytes", async () => {
  const { channel, clock, ends, messages, socket, start, send } = setup();
  start();
  socket.incoming.push(framed(Uint8Array.of(1)));
  assert.deepEqual(await messages.next(), Uint8Array.of(1));
  socket.isStuck = true;
  send();
  const closed = channel.close();
  socket.incoming.push(framed(Uint8Array.of(2)));
  await settle();
  assert(!socket.isClosed, "there is something to send");
  clock.advance(500);
  await closed;
  assert(socket.isClosed);
  assert.deepEqual([messages.size, ends.size], [0, 0]);
});
