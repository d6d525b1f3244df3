/**
 * The wires of the network services from raw bytes: none of the code that is tested stands on the
 * other side.
 */

import assert from "node:assert/strict";
import { concatBytes, toHex } from "../../shared/bytes/mod.ts";
import { encodeFrame, frameOf, u32 } from "../interop/raw_peer/message.ts";
import { dataFrame, DIALLER_START, hex, openSocket, RawP2pPeer } from "../interop/raw_peer/p2p.ts";
import { BAD_ANSWERS, P2P_ATTACKS } from "../interop/raw_peer/p2p_attacks.ts";
import { RawSocket } from "../interop/raw_peer/socket.ts";
import { LoneNetwork, type NetworkPorts } from "./lone_network.ts";
import {
  assertMemoryBounded,
  DEAF_MESSAGES,
  MEMORY_MAX_WITH_SILENT,
  openSilent,
  trickle,
} from "./network_strain.ts";
import { waitFor } from "./wait.ts";

/** Larger than several windows of yamux. */
const LARGE_SIZE = 3_000_000;

/** Connections at once that announce a message of 16 MB. */
const BOMB_COUNT = 500;

/** A peer may take nothing for 30 s. */
const DEAF_TIMEOUT_MS = 40_000;

/** The configuration of a service that dials these ports. */
function p2pConfig(...peers: readonly number[]): (ports: NetworkPorts) => string {
  const entries = peers.map((port) =>
    `[[network_p2p.peers]]\naddress = "/ip4/127.0.0.1/tcp/${port}"\n`
  );
  return ({ grpc, listen }) =>
    [`[network_p2p]\ngrpc_port = ${grpc}\nport = ${listen}\n`, ...entries].join("\n");
}

Deno.test("network_p2p speaks section 10 to a raw peer that dials it", async () => {
  await using network = await LoneNetwork.start(p2pConfig());
  using peer = await RawP2pPeer.dial(network.ports.listen);
  await network.exchange(peer);
  await network.exchange(peer, LARGE_SIZE);
  const message = { module: "controller", type: "send_tx", msg: new Uint8Array([1]) };
  const wanted = "000000180a0a636f6e74726f6c6c6572120773656e645f7478220101";
  assert.equal(toHex(encodeFrame(message)), wanted, "the frame of section 10");
});

Deno.test("network_p2p speaks section 10 to a raw peer that it dials", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using network = await LoneNetwork.start(p2pConfig(port));
  using peer = await RawP2pPeer.accept(listener);
  await network.exchange(peer);
  await network.exchange(peer, LARGE_SIZE);
});

Deno.test("network_p2p takes frames in any pieces", async () => {
  await using network = await LoneNetwork.start(p2pConfig());
  using peer = await RawP2pPeer.dial(network.ports.listen);
  const messages = [network.message(), network.message(), network.message()];
  const bytes = concatBytes(...messages.map(encodeFrame));
  const pieces = Array.from(bytes, (_, i) => dataFrame(bytes.subarray(i, i + 1)));
  await peer.socket.write(concatBytes(...pieces));
  for (const { type } of messages) assert.equal((await network.delivered()).type, type);
  await network.exchange(peer);
});

Deno.test("network_p2p outlives every attack on its wire, and honest peers do not notice", async (t) => {
  await using network = await LoneNetwork.start(p2pConfig());
  using honest = await RawP2pPeer.dial(network.ports.listen);
  await network.exchange(honest);
  for (const { name, run } of P2P_ATTACKS) {
    await t.step(name, async () => {
      await run(network.ports.listen);
      await network.exchange(honest);
      assertMemoryBounded(network);
    });
  }
});

Deno.test("network_p2p outlives bad answers of peers that it dials, and keeps the good ones", async () => {
  const answers = Object.values(BAD_ANSWERS);
  const listeners = answers.map(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  using good = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports = [...listeners, good].map(({ addr }) => addr.port);
  await using network = await LoneNetwork.start(p2pConfig(...ports));
  using honest = await RawP2pPeer.accept(good);
  await Promise.all(listeners.map(async (listener, i) => {
    using socket = new RawSocket(await listener.accept());
    listener.close();
    assert.equal(toHex(await socket.read(DIALLER_START.length)), toHex(DIALLER_START));
    await socket.write(answers[i] ?? new Uint8Array());
    await socket.readToEnd();
  }));
  await network.exchange(honest);
  assert.equal((await network.client.getPeersNetInfo({})).nodes.length, 1);
  assertMemoryBounded(network);
});

Deno.test("network_p2p skips what is no message and goes on with the next", async () => {
  await using network = await LoneNetwork.start(p2pConfig());
  using peer = await RawP2pPeer.dial(network.ports.listen);
  const bad = ["ff", "0aff", "0a04776972", "220a01", "08", "0b0c", "0a02c328", "00"].map(hex);
  for (const bytes of [new Uint8Array(), ...bad]) {
    await peer.socket.write(dataFrame(frameOf(bytes)));
    await network.exchange(peer);
  }
});

Deno.test("network_p2p needs no memory for messages that are announced and do not come", async () => {
  await using network = await LoneNetwork.start(p2pConfig());
  using honest = await RawP2pPeer.dial(network.ports.listen);
  const peers = [];
  for (let i = 0; i < BOMB_COUNT; i++) peers.push(await RawP2pPeer.dial(network.ports.listen));
  const bomb = concatBytes(u32(16_777_215), new Uint8Array(1_000));
  for (const { socket } of peers) await socket.write(dataFrame(bomb));
  await network.exchange(honest);
  assertMemoryBounded(network);
  for (const peer of peers) peer[Symbol.dispose]();
});

Deno.test("network_p2p ends peers that say nothing or too little, or do not read; others do not notice", async () => {
  await Promise.all([endSilentPeers(), endDeafPeer()]); // both are long waits
});

/** 10,000 connections at once. */
async function endSilentPeers(): Promise<void> {
  await using network = await LoneNetwork.start(p2pConfig());
  using honest = await RawP2pPeer.dial(network.ports.listen);
  const silent = await openSilent(network);
  using slow = await openSocket(network.ports.listen);
  const slowness = trickle(slow, DIALLER_START, 1_000);
  await network.exchange(honest);
  const ends = [slow, ...silent].map((socket) => socket.readToEnd());
  await Promise.all([...ends, slowness]);
  await network.exchange(honest);
  assert.equal((await network.client.getPeersNetInfo({})).nodes.length, 1);
  assertMemoryBounded(network, MEMORY_MAX_WITH_SILENT);
  for (const socket of silent) socket[Symbol.dispose]();
}

async function endDeafPeer(): Promise<void> {
  await using network = await LoneNetwork.start(p2pConfig());
  using honest = await RawP2pPeer.dial(network.ports.listen);
  using _deaf = await RawP2pPeer.dial(network.ports.listen);
  const message = { ...network.message(1_000_000), origin: 0n };
  for (let i = 0; i < DEAF_MESSAGES; i++) {
    await network.client.broadcast(message);
    assert.equal((await honest.receive()).type, message.type);
  }
  await network.exchange(honest);
  assertMemoryBounded(network);
  const isCutOff = async () =>
    (await network.client.getPeersNetInfo({})).nodes.length === 1 ? true : null;
  await waitFor(isCutOff, { what: "the end of the deaf session", timeoutMs: DEAF_TIMEOUT_MS });
  await network.exchange(honest);
}
