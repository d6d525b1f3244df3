import assert from "node:assert/strict";
import { NetworkMsg } from "../../../proto/gen/network.ts";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { encodeFrame, type Frame } from "../frame.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { testTransportContract } from "../testing/transport_contract.ts";
import { drain } from "./testing/drain.ts";
import { openTransport, type TestTransport } from "./testing/open_transport.ts";

/** Loopback ports below those that Linux hands out; nothing listens there. */
const CLOSED_ADDRESS = "/ip4/127.0.0.1/tcp/1";

testTransportContract("P2pTransport", {
  async open(count) {
    const nodes: TestTransport[] = [];
    while (nodes.length < count) {
      const peers = nodes.map(addressOf);
      nodes.push(await openTransport({ peers }));
    }
    await Promise.all(nodes.map(({ log }) => log.waitFor(/^session \d+ opened/, count - 1)));
    return nodes;
  },
});

function addressOf({ transport }: TestTransport): string {
  return `/dns4/localhost/tcp/${transport.port}`;
}

function frameOf(type: string, msg: Bytes = new Uint8Array([1])): Frame {
  return encodeFrame({ module: "m", type, origin: 0n, msg });
}

function typeOf({ bytes }: { readonly bytes: Bytes }): string {
  return decode(NetworkMsg, bytes).type;
}

/** Opens a connection that speaks no yamux by itself. */
function connectRaw({ transport }: TestTransport): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: transport.port });
}

Deno.test("P2pTransport keeps both sessions of nodes that dial each other, a broadcast twice", async () => {
  const clock = new ManualClock();
  await using a = await openTransport({ clock });
  await using b = await openTransport({ clock, peers: [addressOf(a)] });
  await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 1 opened/)));
  assert.equal(a.transport.dial(addressOf(b)), StatusCode.Success);
  await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 2 opened/)));
  assert.equal(a.transport.peerCount(), 1n);
  b.transport.broadcast(frameOf("twice"));
  const copies = await a.messages.take(2);
  assert.deepEqual(copies.map(typeOf), ["twice", "twice"]);
  assert.deepEqual(copies.map(({ origin }) => origin).sort(), [1n, 2n]);
});

Deno.test("P2pTransport of four nodes that list all others counts three peers", async () => {
  const nodes: TestTransport[] = [];
  for (let index = 0; index < 4; index++) nodes.push(await openTransport({}));
  for (const node of nodes) {
    for (const other of nodes) {
      if (other !== node) assert.equal(node.transport.dial(addressOf(other)), StatusCode.Success);
    }
  }
  await Promise.all(nodes.map(({ log }) => log.waitFor(/^session \d+ opened/, 6)));
  for (const [index, { transport }] of nodes.entries()) {
    assert.equal(transport.peerCount(), 3n);
    assert.equal(transport.peers().length, 6);
    transport.broadcast(frameOf(`from ${index}`));
  }
  for (const [index, { messages }] of nodes.entries()) {
    const types = (await messages.take(6)).map(typeOf).sort();
    const wanted = [0, 1, 2, 3].filter((other) => other !== index).map((n) => `from ${n}`);
    assert.deepEqual(types, wanted.flatMap((type) => [type, type]));
  }
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
});

Deno.test("P2pTransport.dial() answers at once, whatever becomes of it", async () => {
  await using node = await openTransport({});
  const { transport, log } = node;
  for (const bad of ["foo", "nonsense", "/ip4/1.2.3/tcp/1", "/ip4/127.0.0.1/tcp/1/"]) {
    assert.equal(transport.dial(bad), StatusCode.MultiAddrParseError, bad);
  }
  const undialable = ["", "/ip4/127.0.0.1", "/ip4/127.0.0.1/tcp/1/tls/a", "/memory/1"];
  for (const address of [CLOSED_ADDRESS, ...undialable]) {
    assert.equal(transport.dial(address), StatusCode.Success, address);
  }
  await log.waitFor(/^service error: DialerError/, 1 + undialable.length);
  assert.equal(log.count(/TlsError/), 1);
  assert.equal(transport.peerCount(), 0n);
  assert.equal(log.count(/^dial node\(\/ip4\/127.0.0.1\/tcp\/1\)/), 1);
});

Deno.test("P2pTransport.dial() ignores an address that is being dialled, not one connected", async () => {
  await using a = await openTransport({});
  await using b = await openTransport({});
  assert.equal(b.transport.dial(addressOf(a)), StatusCode.Success);
  assert.equal(b.transport.dial(addressOf(a)), StatusCode.Success);
  await b.log.waitFor(/^session 1 opened/);
  assert.equal(b.log.count(/^dial node/), 1);
  assert.equal(b.transport.dial(addressOf(a)), StatusCode.Success);
  await b.log.waitFor(/^session 2 opened/);
});

Deno.test("P2pTransport can dial itself", async () => {
  await using node = await openTransport({});
  node.transport.dial(addressOf(node));
  await node.log.waitFor(/^session \d opened/, 2);
  node.transport.broadcast(frameOf("echo"));
  assert.deepEqual((await node.messages.take(2)).map(typeOf), ["echo", "echo"]);
});

Deno.test("P2pTransport finds a peer again that was away, under a new origin", async () => {
  const clock = new ManualClock();
  const first = await openTransport({});
  const { port } = first.transport;
  await using node = await openTransport({ clock, peers: [addressOf(first)] });
  await node.log.waitFor(/^session 1 opened/);
  await first.transport.close();
  await node.log.waitFor(/^session 1 closed/);
  assert.deepEqual(node.transport.peers(), []);
  clock.advance(10_000);
  await node.log.waitFor(/^service error: DialerError/);
  await using second = await openTransport({ port });
  clock.advance(10_000);
  await node.log.waitFor(/^session 2 opened/);
  await second.log.waitFor(/^session 1 opened/);
  assert.deepEqual(node.transport.peers().map(({ origin }) => origin), [2n]);
  second.transport.broadcast(frameOf("back"));
  assert.equal(typeOf(await node.messages.next()), "back");
});

Deno.test("P2pTransport ends the session of a 20 MB message and dials again", async () => {
  const clock = new ManualClock();
  await using a = await openTransport({});
  await using b = await openTransport({ clock, peers: [addressOf(a)] });
  await b.log.waitFor(/^session 1 opened/);
  const frame = frameOf("large", new Uint8Array(20_000_000));
  assert.equal(await b.transport.send(1n, frame), StatusCode.Success);
  await b.log.waitFor(/^service error: ProtocolError/);
  assert.equal(b.transport.peerCount(), 0n);
  clock.advance(10_000);
  await b.log.waitFor(/^session 2 opened/);
});

Deno.test("P2pTransport delivers a 20 MB message when both limits allow it", async () => {
  const frameSizeMax = 64 * 1024 * 1024;
  await using a = await openTransport({ frameSizeMax });
  await using b = await openTransport({ frameSizeMax, peers: [addressOf(a)] });
  await b.log.waitFor(/^session 1 opened/);
  const msg = new Uint8Array(20_000_000);
  for (let at = 0; at < msg.length; at += 997) msg[at] = at;
  await b.transport.send(1n, frameOf("large", msg));
  const { bytes } = await a.messages.next();
  assert(decode(NetworkMsg, bytes).msg.every((byte, at) => byte === msg[at]));
});

Deno.test("P2pTransport keeps the order of many small messages", async () => {
  await using a = await openTransport({});
  await using b = await openTransport({ peers: [addressOf(a)] });
  await b.log.waitFor(/^session 1 opened/);
  for (let index = 0; index < 5_000; index++) b.transport.broadcast(frameOf(String(index)));
  const types = (await a.messages.take(5_000)).map(typeOf);
  assert(types.every((type, index) => type === String(index)));
});

Deno.test("P2pTransport closes a connection that says nothing for 10 s", async () => {
  const clock = new ManualClock();
  await using node = await openTransport({ clock });
  await using caller = await openTransport({});
  const socket = await connectRaw(node);
  caller.transport.dial(addressOf(node)); // accepted after the silent one
  await node.log.waitFor(/^session 2 opened/);
  clock.advance(10_000);
  await node.log.waitFor(/^service error: SessionTimeout/);
  await drain(socket);
  assert.equal(node.transport.peers().length, 1);
});

Deno.test("P2pTransport closes connections that send rubbish and serves the others", async () => {
  await using node = await openTransport({});
  await using honest = await openTransport({ peers: [addressOf(node)] });
  await honest.log.waitFor(/^session 1 opened/);
  const opening = "000100010000000100000000";
  const rubbish = new Map([
    ["474554202f20485454502f312e310d0a", /^service error: yamux.version=71/],
    ["0000000000000001ffffffff", /^service error: yamux.length=4294967295/],
    [
      `${opening}0000000000000001000000040fffffff`,
      /^service error: ProtocolError: msg too large: frame of 268/,
    ],
    [`${opening}${opening}`, /^service error: stream 1 is opened twice/],
  ]);
  for (const [hex, reason] of rubbish) {
    const socket = await connectRaw(node);
    await socket.write(fromHex(hex));
    await node.log.waitFor(reason);
    await drain(socket);
  }
  const reset = await connectRaw(node);
  await reset.write(fromHex(opening));
  reset.close();
  await node.log.waitFor(/^session 6 closed: |^service error: connection lost/);
  honest.transport.broadcast(frameOf("still here"));
  assert.equal(typeOf(await node.messages.next()), "still here");
});

Deno.test("P2pTransport ends the session of a peer that stops reading, others go on", async () => {
  const clock = new ManualClock();
  await using node = await openTransport({ clock });
  await using honest = await openTransport({ peers: [addressOf(node)] });
  await honest.log.waitFor(/^session 1 opened/);
  const socket = await connectRaw(node);
  const info = "270000000c00000016000000060000002f7032702f3011000000080000000500" +
    "0000302e302e31";
  const data = `00000000000000010000002b00000027${info}`;
  await socket.write(fromHex(`000100010000000100000000${data}`));
  await node.log.waitFor(/^session 2 opened/);
  const frame = frameOf("much", new Uint8Array(1_000_000));
  for (let count = 0; count < 9; count++) await node.transport.send(2n, frame);
  const slow = node.transport.send(2n, frame);
  clock.advance(500); // the longest that a sender waits
  assert.equal(await slow, StatusCode.Success);
  for (let count = 0; count < 18; count++) {
    node.transport.broadcast(frame);
    assert.equal(typeOf(await honest.messages.next()), "much");
  }
  assert.equal(node.log.count(/^service error: /), 0);
  clock.advance(30_000);
  assert.equal(node.log.count(/^service error: the peer takes too little of what waits/), 1);
  clock.advance(500); // the time for the last bytes
  await drain(socket);
  assert.equal(node.transport.waitingSize, 0);
});

Deno.test("P2pTransport.send() waits while a peer takes what it has queued", async () => {
  const clock = new ManualClock();
  await using node = await openTransport({ clock });
  await using other = await openTransport({ clock, peers: [addressOf(node)] });
  await node.log.waitFor(/^session 1 opened/);
  const frame = frameOf("much", new Uint8Array(9_000_000));
  node.transport.send(1n, frame);
  const sending = node.transport.send(1n, frame);
  const outcome = await Promise.race([sending, Promise.resolve("waits")]);
  assert.equal(outcome, "waits");
  assert.equal(await sending, StatusCode.Success);
  for (let count = 0; count < 2; count++) {
    assert.equal(typeOf(await other.messages.next()), "much");
  }
});

Deno.test("P2pTransport.listen() names the port that is taken", async () => {
  await using node = await openTransport({});
  const { port } = node.transport;
  await assert.rejects(openTransport({ port }), new RegExp(`Cannot listen on 0.0.0.0:${port}`));
});

Deno.test("P2pTransport answers with the codes of a closed service after close()", async () => {
  const { transport } = await openTransport({});
  await transport.close();
  assert.equal(await transport.send(1n, frameOf("x")), StatusCode.SendMsgError);
  assert.equal(transport.broadcast(frameOf("x")), StatusCode.BroadcastMsgError);
  assert.equal(transport.dial(CLOSED_ADDRESS), StatusCode.DialNodeFail);
  assert.equal(transport.dial("foo"), StatusCode.MultiAddrParseError);
});
