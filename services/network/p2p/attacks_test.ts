/** Peers that speak the wire of network_p2p from raw sockets, and mean harm (spec/network.md, 3). */

import assert from "node:assert/strict";
import { type Bytes, concatBytes, fromHex, joinBytes, u32be } from "../../../shared/bytes/mod.ts";
import { encodeFrame } from "../frame.ts";
import { HALF_OPEN_MAX } from "../half_open.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { drain } from "./testing/drain.ts";
import { openTransport, type TestTransport } from "./testing/open_transport.ts";

/** Stream 1 and the proposal of the node protocol in it (section 10). */
const OPENING = fromHex(
  "000100010000000100000000" + "00000000000000010000002b" + "00000027" +
    "270000000c00000016000000060000002f7032702f3011000000080000000500" +
    "0000302e302e31",
);

interface Attack extends AsyncDisposable {
  readonly node: TestTransport;
  /** Opens a connection that says nothing by itself. */
  connect(): Promise<Deno.TcpConn>;
  /** Passes only when an honest neighbour of before still gets messages. */
  assertUnaffected(): Promise<void>;
}

/** A node with an honest neighbour, to be attacked. */
async function openAttack(): Promise<Attack & { readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const node = await openTransport({ clock });
  const { port } = node.transport;
  const honest = await openTransport({ peers: [`/ip4/127.0.0.1/tcp/${port}`] });
  await Promise.all([node, honest].map(({ log }) => log.waitFor(/^session 1 opened/)));
  let count = 0;
  return {
    clock,
    node,
    connect: () => Deno.connect({ hostname: "127.0.0.1", port }),
    async assertUnaffected() {
      count += 1;
      const msg = new Uint8Array([count]);
      node.transport.broadcast(encodeFrame({ module: "m", type: "x", origin: 0n, msg }));
      assert.equal((await honest.messages.next()).bytes.at(-1), count);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([node[Symbol.asyncDispose](), honest[Symbol.asyncDispose]()]);
    },
  };
}

/** Writes until everything is taken or the other side has had enough. */
async function flood(socket: Deno.TcpConn, bytes: Bytes): Promise<void> {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await socket.write(rest));
  } catch (cause) {
    assert(cause instanceof Deno.errors.BrokenPipe || cause instanceof Deno.errors.ConnectionReset);
  }
}

function header(type: number, flags: number, streamId: number, length: number): Bytes {
  return concatBytes(Uint8Array.of(0, type, flags >> 8, flags), u32be(streamId), u32be(length));
}

function repeat(count: number, part: (index: number) => Bytes): Bytes {
  return joinBytes(Array.from({ length: count }, (_, index) => part(index)));
}

Deno.test("attack: 20,000 streams in one session: 256 are kept, the flood ends the session", async () => {
  await using attack = await openAttack();
  const socket = await attack.connect();
  await flood(socket, repeat(20_000, (index) => header(1, 1, 3 + 2 * index, 0)));
  await drain(socket);
  await attack.node.log.waitFor(/does not read the answers it asks for/);
  await attack.assertUnaffected();
});

Deno.test("attack: a flood of pings without reading ends the session", async () => {
  await using attack = await openAttack();
  const socket = await attack.connect();
  await flood(
    socket,
    concatBytes(OPENING, repeat(20_000, (index) => header(2, 1, 0, index % 1000))),
  );
  await drain(socket);
  await attack.node.log.waitFor(/^service error: .*does not read the answers|^session 2 closed/);
  await attack.assertUnaffected();
});

Deno.test("attack: length bombs of every layer take no memory", async () => {
  await using attack = await openAttack();
  const bombs: readonly [Bytes, RegExp][] = [
    [header(0, 1, 1, 0xffff_ffff), /yamux.length=4294967295/],
    [concatBytes(header(0, 1, 1, 4), u32be(0xffff_ffff)), /frame of 4294967295 bytes exceeds/],
    [
      concatBytes(OPENING, header(0, 0, 1, 4), u32be(0xffff_ffff)),
      /frame of 4294967295 bytes exce/,
    ],
    [concatBytes(OPENING, header(1, 0, 1, 0xffff_ffff)), /yamux.length=4294967295/],
    [
      concatBytes(
        header(0, 1, 1, 44),
        u32be(40),
        fromHex("ffffffff0c000000ffffffff"),
        new Uint8Array(28),
      ),
      /malformed/,
    ],
  ];
  for (const [bomb, reason] of bombs) {
    const socket = await attack.connect();
    await flood(socket, bomb);
    await drain(socket);
    await attack.node.log.waitFor(reason);
  }
  await attack.assertUnaffected();
});

Deno.test("attack: slow loris, a byte now and then, ends with the time for the select", async () => {
  await using attack = await openAttack();
  const socket = await attack.connect();
  for (const [index] of OPENING.subarray(0, 10).entries()) {
    await flood(socket, OPENING.subarray(index, index + 1));
    attack.clock.advance(1_000);
  }
  attack.clock.advance(1_000);
  await attack.node.log.waitFor(/SessionTimeout: no protocol was opened in time/);
  await drain(socket);
  await attack.assertUnaffected();
});

Deno.test("attack: half-open connections are bounded, the oldest ends, nobody is locked out", async () => {
  await using attack = await openAttack();
  const silent: Deno.TcpConn[] = [];
  for (let count = 0; count < HALF_OPEN_MAX + 20; count++) silent.push(await attack.connect());
  await attack.node.log.waitFor(/closed: more than 1024 connections are half-open/, 20);
  await using late = await openTransport({
    peers: [`/ip4/127.0.0.1/tcp/${attack.node.transport.port}`],
  });
  await late.log.waitFor(/^session 1 opened/);
  await attack.assertUnaffected();
  for (const socket of silent) socket.close();
});

Deno.test("attack: sessions that open and say nothing more do not count as half-open", async () => {
  await using attack = await openAttack();
  const open = await attack.connect();
  await flood(open, OPENING);
  await attack.node.log.waitFor(/^session 2 opened/);
  const silent: Deno.TcpConn[] = [];
  for (let count = 0; count < HALF_OPEN_MAX + 1; count++) silent.push(await attack.connect());
  await attack.node.log.waitFor(/closed: more than 1024 connections are half-open/);
  assert.equal(attack.node.log.count(/^session 2 closed/), 0);
  for (const socket of [open, ...silent]) socket.close();
});
