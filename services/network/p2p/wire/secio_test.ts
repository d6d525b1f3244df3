/** spec/network.md, section 9, between whole transports. */

import assert from "node:assert/strict";
import { type Clock, SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { MemoryBudget } from "../../core/memory_budget.ts";
import { HALF_OPEN_MAX } from "../../half_open.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { testTransportContract } from "../../testing/transport_contract.ts";
import { idOf, keyOf } from "../testing/node_keys.ts";
import {
  openTransport,
  type TestTransport,
  type TestTransportOptions,
} from "../testing/open_transport.ts";
import { PlainWire } from "./plain.ts";
import { SecioWire } from "./secio.ts";

interface SecioOptions extends TestTransportOptions {
  /** What the secret key is made of. */
  readonly key: number;
  readonly knownPeers?: readonly string[];
}

function openSecio({ key, knownPeers, ...options }: SecioOptions): Promise<TestTransport> {
  const clock: Clock = options.clock ?? SYSTEM_CLOCK;
  const wire = new SecioWire({
    inner: new PlainWire(clock),
    key: keyOf(key),
    knownPeers: knownPeers === undefined ? null : new Set(knownPeers),
    budget: new MemoryBudget(2 ** 30),
    clock,
  });
  return openTransport({ ...options, wire });
}

const addressOf = ({ transport }: TestTransport) => `/ip4/127.0.0.1/tcp/${transport.port}`;

testTransportContract("P2pTransport with secio", {
  async open(count) {
    const nodes: TestTransport[] = [];
    while (nodes.length < count) {
      const key = nodes.length + 1;
      nodes.push(await openSecio({ key, peers: nodes.map(addressOf) }));
    }
    await Promise.all(nodes.map(({ log }) => log.waitFor(/^session \d+ opened/, count - 1)));
    return nodes;
  },
});

Deno.test("secio: accepted peers have their id in their address, dialled ones their own", async () => {
  await using a = await openSecio({ key: 1 });
  const address = `${addressOf(a)}/p2p/${idOf(1)}`;
  await using b = await openSecio({ key: 2, peers: [address] });
  await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 1 opened/)));
  assert.deepEqual(b.transport.peers().map(({ multiAddress }) => multiAddress), [address]);
  const [peer] = a.transport.peers();
  assert.match(peer?.multiAddress ?? "", new RegExp(`/p2p/${idOf(2)}$`));
});

Deno.test("secio: a peer with another id than the dialled one is refused", async () => {
  await using a = await openSecio({ key: 1 });
  await using b = await openSecio({ key: 2, peers: [`${addressOf(a)}/p2p/${idOf(3)}`] });
  await b.log.waitFor(new RegExp(`PeerIdNotMatch: the peer is ${idOf(1)}`));
  assert.equal(b.transport.peerCount(), 0n);
});

Deno.test("secio: with known_peers_only others are refused on both sides", async () => {
  await using a = await openSecio({ key: 1, knownPeers: [idOf(2)] });
  await using stranger = await openSecio({ key: 3, peers: [addressOf(a)] });
  await a.log.waitFor(/known_peers_only: no configured address names/);
  await using b = await openSecio({ key: 2, peers: [addressOf(a)] });
  await b.log.waitFor(/^session \d+ opened/);
  await a.log.waitFor(/^session \d+ opened/);
  assert.equal(a.transport.peers().length, 1);
  a.transport.dial(addressOf(stranger));
  await a.log.waitFor(/DialerError.*known_peers_only/);
});

Deno.test("secio: a node does not connect to itself", async () => {
  await using a = await openSecio({ key: 1 });
  a.transport.dial(addressOf(a));
  await a.log.waitFor(/DialerError.*SecioError: the peer is this node itself/);
  assert.equal(a.transport.peerCount(), 0n);
});

Deno.test("secio: a plain neighbour is refused with the reason, whoever dials", async () => {
  const clock = new ManualClock();
  await using secure = await openSecio({ key: 1, clock });
  await using plain = await openTransport({ peers: [addressOf(secure)] });
  await secure.log.waitFor(/SecioError: the peer does not encrypt/);
  secure.transport.dial(addressOf(plain));
  await secure.log.waitFor(/DialerError.*SecioError: the peer does not encrypt/);
  assert.equal(secure.transport.peerCount(), 0n);
});

Deno.test("secio: a silent connection ends after 10 s", async () => {
  const clock = new ManualClock();
  await using node = await openSecio({ key: 1, clock });
  const silent = await Deno.connect({ hostname: "127.0.0.1", port: node.transport.port });
  await silent.read(new Uint8Array(4)); // the proposal: the handshake has begun
  clock.advance(10_000);
  await node.log.waitFor(/SecioError: no handshake within 10000 ms, the peer may have no key_file/);
  silent.close();
});

Deno.test("secio: half-open connections are bounded, and lock nobody out", async () => {
  await using node = await openSecio({ key: 1 });
  const silent: Deno.Conn[] = [];
  for (let count = 0; count < HALF_OPEN_MAX + 3; count++) {
    silent.push(await Deno.connect({ hostname: "127.0.0.1", port: node.transport.port }));
  }
  await node.log.waitFor(/SecioError: more than 1024 connections are half-open/, 3);
  await using honest = await openSecio({ key: 2, peers: [addressOf(node)] });
  await honest.log.waitFor(/^session 1 opened/);
  for (const socket of silent) socket.close();
});
