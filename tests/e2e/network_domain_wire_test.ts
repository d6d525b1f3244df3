/** The wires of network_tls and network_quic from raw bytes: spec/network.md, sections 4.5 and 5. */

import assert from "node:assert/strict";
import { type Bytes, concatBytes, EMPTY_BYTES } from "../../shared/bytes/mod.ts";
import { GOOD_HELLO } from "../interop/raw_peer/client_hello.ts";
import type { DomainWire } from "../interop/raw_peer/domain_wire.ts";
import { encodeFrame, frameOf, u32 } from "../interop/raw_peer/message.ts";
import { hex, openSocket } from "../interop/raw_peer/p2p.ts";
import { QUIC_WIRE } from "../interop/raw_peer/quic.ts";
import { Tap } from "../interop/raw_peer/tap.ts";
import { TLS_WIRE } from "../interop/raw_peer/tls.ts";
import { ATTACKER, dial, HONEST, IDENTITIES, start } from "./domain_network.ts";
import {
  assertMemoryBounded,
  DEAF_MESSAGES,
  MEMORY_MAX_WITH_SILENT,
  openSilent,
  trickle,
} from "./network_strain.ts";
import { waitFor } from "./wait.ts";

/** Larger than the windows of streams and connections. */
const LARGE_SIZE = 3_000_000;

/** A peer may take nothing for 30 s. */
const DEAF_TIMEOUT_MS = 45_000;

/** The largest message (section 4.5). */
const FRAME_SIZE_MAX = 268_435_456;

/** What a peer with a good certificate may send although it should not, by what it is. */
const BAD_FRAMES: Readonly<Record<string, () => Bytes>> = {
  "a message above the limit": () => u32(FRAME_SIZE_MAX + 1),
  "a message of 2^32 - 1 bytes, then nothing": () => u32(2 ** 32 - 1),
  "a message of the largest size, then nothing": () => u32(FRAME_SIZE_MAX),
  "half a length": () => hex("0000"),
  "no message": () => frameOf(hex("ff")),
  "a field longer than the message": () => frameOf(hex("0aff")),
  "a text that is none": () => frameOf(hex("0a02c328")),
  "empty messages": () => new Uint8Array(400_000),
  "a megabyte of noise": () => Uint8Array.from({ length: 1 << 20 }, (_, i) => i * i >> 3),
};

/**
 * Peers that send them, one each, since a peer that comes and goes all the time is kept out for a
 * moment; nobody listens at their ports.
 */
const ATTACKERS = Object.keys(BAD_FRAMES).map((_, index) => `attacker-${index}.fy`);
const ATTACKER_PORTS = Object.fromEntries(ATTACKERS.map((domain, index) => [domain, 10 + index]));

const WIRES = [TLS_WIRE, QUIC_WIRE];

for (const wire of WIRES) {
  const name = `network_${wire.flavour}`;

  Deno.test(`${name} exchanges frames with a raw peer that dials it`, async () => {
    await using network = await start(wire);
    using peer = await dial(wire, HONEST, network.ports.listen);
    await network.exchange(peer);
    await network.exchange(peer, LARGE_SIZE);
  });

  Deno.test(`${name} exchanges frames with a raw peer that it dials`, async () => {
    await using honest = await wire.listen(IDENTITIES.good(HONEST), IDENTITIES.authorityPem);
    await using network = await start(wire, { [HONEST]: honest.port });
    using peer = await honest.accept();
    await network.exchange(peer);
    await network.exchange(peer, LARGE_SIZE);
  });

  Deno.test(`${name} outlives every bad frame, and honest peers do not notice`, async (t) => {
    await using network = await start(wire, ATTACKER_PORTS);
    using honest = await dial(wire, HONEST, network.ports.listen);
    await network.exchange(honest);
    for (const [index, [what, bytes]] of Object.entries(BAD_FRAMES).entries()) {
      await t.step(what, async () => {
        const domain = ATTACKERS[index] ?? ATTACKER;
        using attacker = await dial(wire, domain, network.ports.listen);
        await network.exchange(attacker);
        await attacker.sendBytes(bytes());
        await network.exchange(honest);
        assertMemoryBounded(network);
      });
    }
  });

  Deno.test(`${name} skips empty messages and goes on with the next`, async () => {
    await using network = await start(wire);
    using peer = await dial(wire, HONEST, network.ports.listen);
    await network.exchange(peer);
    const message = network.message();
    await peer.sendBytes(concatBytes(frameOf(EMPTY_BYTES), encodeFrame(message)));
    assert.equal((await network.delivered()).type, message.type);
    await network.exchange(peer);
  });
}

Deno.test("network_tls and network_quic end peers that say nothing or do not read; others do not notice", async () => {
  await Promise.all([endSilentPeers(), ...WIRES.map(endDeafPeer)]); // all are long waits
});

async function endDeafPeer(wire: DomainWire): Promise<void> {
  await using network = await start(wire);
  using honest = await dial(wire, HONEST, network.ports.listen);
  using tap = new Tap(network.ports.listen);
  const port = wire.flavour === "tls" ? tap.port : network.ports.listen;
  using deaf = await dial(wire, ATTACKER, port);
  await network.exchange(honest);
  await network.exchange(deaf);
  tap.hold(); // streams of QUIC wait until they are asked for
  const message = { ...network.message(1_000_000), origin: 0n };
  for (let i = 0; i < DEAF_MESSAGES; i++) {
    await network.client.broadcast(message);
    assert.equal((await honest.receive()).type, message.type);
  }
  await network.exchange(honest);
  assertMemoryBounded(network);
  const isCutOff = async () =>
    (await network.client.getNetworkStatus({})).peerCount === 1n ? true : null;
  await waitFor(isCutOff, { what: "the end of the deaf peer", timeoutMs: DEAF_TIMEOUT_MS });
}

/** 10,000 connections at once; those of QUIC are in network_quic_wire_test.ts. */
async function endSilentPeers(): Promise<void> {
  await using network = await start(TLS_WIRE);
  using honest = await dial(TLS_WIRE, HONEST, network.ports.listen);
  const silent = await openSilent(network);
  using slow = await openSocket(network.ports.listen);
  const slowness = trickle(slow, GOOD_HELLO, 1_000);
  await network.exchange(honest);
  await Promise.all([slowness, ...[slow, ...silent].map((socket) => socket.readToEnd())]);
  await network.exchange(honest);
  assert.equal((await network.client.getNetworkStatus({})).peerCount, 1n);
  assertMemoryBounded(network, MEMORY_MAX_WITH_SILENT);
  for (const socket of silent) socket[Symbol.dispose]();
}
