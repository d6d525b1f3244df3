/**
 * The recorded session of two Rust nodes, played again with one side or both being ours, byte for
 * byte. Only literal bytes and sockets stand on the other side.
 */

import assert from "node:assert/strict";
import { NetworkMsg } from "../../../proto/gen/network.ts";
import { toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { encodeFrame } from "../frame.ts";
import { readHex, writeHex } from "../testing/hex_stream.ts";
import { entryHex, loadWireVectors, requestBytes, type WireCall } from "../testing/wire_vectors.ts";
import { openTransport, type TestTransport } from "./testing/open_transport.ts";

const VECTORS = loadWireVectors("p2p");

/** Bytes of one direction that follow each other without a mark in between. */
interface Turn {
  readonly dir: "A->B" | "B->A";
  readonly hex: string;
  /** What was done just before, such as a label of a call. */
  readonly mark: string;
}

/** The first connection of the recording as turns. */
function recordedTurns(): Turn[] {
  const turns: Turn[] = [];
  let mark = "";
  for (const entry of VECTORS.wire.slice(1)) {
    if (entry.mark === "connection accepted from A") break;
    if (entry.mark !== undefined) mark = entry.mark;
    if (entry.dir === undefined) continue;
    const last = turns.at(-1);
    if (last?.dir === entry.dir && last.mark === mark) {
      turns[turns.length - 1] = { ...last, hex: last.hex + entryHex(entry) };
    } else {
      turns.push({ dir: entry.dir, hex: entryHex(entry), mark });
    }
  }
  return turns;
}

function callOf(label: string): WireCall | undefined {
  return VECTORS.calls.find((call) => call.label === label);
}

/** Does at our side what the recorded call did there. */
async function perform(call: WireCall, { transport }: TestTransport): Promise<void> {
  const message = decode(NetworkMsg, requestBytes(call));
  const frame = encodeFrame(message);
  const isBroadcast = call.method.endsWith("Broadcast");
  const code = isBroadcast
    ? transport.broadcast(frame)
    : await transport.send(message.origin, frame);
  assert.equal(code, 0);
}

/** Plays the recording: `ours` is A or B, the other side are the recorded bytes. */
async function replay(side: "A" | "B", ours: TestTransport, socket: Deno.Conn): Promise<void> {
  for (const turn of recordedTurns()) {
    const call = callOf(turn.mark);
    if (turn.dir.startsWith(side)) {
      if (call !== undefined) {
        await ours.log.waitFor(/^session 1 opened/);
        await perform(call, ours);
      }
      assert.equal(await readHex(socket, turn.hex.length / 2), turn.hex, turn.mark);
    } else {
      await writeHex(socket, turn.hex);
    }
  }
  const others = side === "A" ? "B" : "A";
  for (const call of VECTORS.calls) {
    const isSent = recordedTurns().some(({ mark }) => mark === call.label);
    if (call.at !== others || !isSent) continue;
    const { origin, bytes } = await ours.messages.next();
    assert.equal(origin, 1n);
    assert.equal(toHex(bytes), toHex(requestBytes(call)), call.label);
  }
}

Deno.test("P2pTransport as A writes what the Rust node wrote", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `/dns4/127.0.0.1/tcp/${listener.addr.port}`;
  await using ours = await openTransport({ peers: [address] });
  const socket = await listener.accept();
  await replay("A", ours, socket);
  assert.deepEqual(ours.transport.peers(), [{ multiAddress: address, origin: 1n }]);
  assert.equal(ours.transport.peerCount(), 1n);
  socket.close();
  listener.close();
  await ours.log.waitFor(/^session 1 closed/);
  assert.equal(ours.transport.peerCount(), 0n);
});

Deno.test("P2pTransport as B writes what the Rust node wrote", async () => {
  await using ours = await openTransport({});
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: ours.transport.port });
  await replay("B", ours, socket);
  const { port } = socket.localAddr;
  assert.deepEqual(ours.transport.peers(), [
    { multiAddress: `/ip4/127.0.0.1/tcp/${port}`, origin: 1n },
  ]);
  socket.close();
  await ours.log.waitFor(/^session 1 closed/);
});

Deno.test("Two P2pTransports deliver what the recorded nodes delivered", async () => {
  await using b = await openTransport({});
  await using a = await openTransport({ peers: [`/dns4/127.0.0.1/tcp/${b.transport.port}`] });
  await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 1 opened/)));
  for (const call of VECTORS.calls) {
    if (!/SendMsg|Broadcast/.test(call.method)) continue;
    await perform(call, call.at === "A" ? a : b);
  }
  for (const { at, request_hex } of VECTORS.received) {
    const inbox = (at === "A" ? a : b).messages;
    let message: NetworkMsg;
    do {
      const { origin, bytes } = await inbox.next();
      message = { ...decode(NetworkMsg, bytes), origin };
    } while (message.module === "nomod"); // what no module is registered for is dropped
    const hex = toHex(encode(NetworkMsg, message));
    assert(hex.startsWith(request_hex.replace("...", "")), request_hex.slice(0, 40));
  }
  assert.equal(a.messages.size + b.messages.size, 0);
});
