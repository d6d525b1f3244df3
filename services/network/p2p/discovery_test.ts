/** Nodes that find each other: `enable_discovery`. */

import assert from "node:assert/strict";
import { NetworkMsg } from "../../../proto/gen/network.ts";
import { TotalNodeNetInfo } from "../../../proto/gen/common.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { freePort } from "../../../tests/free_ports.ts";
import { encodeFrame, joinFrame } from "../frame.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { Discovery } from "./discovery.ts";
import { openTransport, type TestTransport } from "./testing/open_transport.ts";

const addressOf = (port: number) => `/ip4/127.0.0.1/tcp/${port}`;

interface NodeOptions {
  readonly port: number;
  readonly peers?: readonly string[];
  readonly clock: ManualClock;
}

/** A node that looks for others and tells its address. */
function openNode({ port, peers = [], clock }: NodeOptions): Promise<TestTransport> {
  const discovery = new Discovery({
    advertised: addressOf(port),
    configured: peers,
    needsDomain: false,
  });
  return openTransport({ port, peers, clock, discovery });
}

Deno.test("nodes that know one of them become neighbours of all, each dialling each once", async () => {
  const clock = new ManualClock();
  const ports = Array.from({ length: 4 }, freePort);
  const [first = 0, ...others] = ports;
  // a configured peer on this machine is what makes addresses of this machine worth a dial
  const peers = others.slice(0, 1).map(addressOf);
  const nodes = [await openNode({ port: first, peers, clock })];
  for (const port of others) {
    nodes.push(await openNode({ port, peers: [addressOf(first)], clock }));
    await nodes.at(-1)?.log.waitFor(/^session \d+ opened/);
  }
  // a look every 10 s: the first node dials back, the others hear of each other
  const isComplete = () => nodes.every(({ transport }) => transport.peers().length === 6);
  for (let look = 0; look < 200 && !isComplete(); look++) {
    clock.advance(10_000);
    await settle();
  }
  for (const { transport } of nodes) assert.equal(transport.peerCount(), 3n);
  for (let look = 0; look < 5; look++) {
    clock.advance(10_000);
    await settle();
  }
  for (const [index, { transport, messages }] of nodes.entries()) {
    const dialled = ports.filter((_, other) => other !== index).map(addressOf);
    const addresses = transport.peers().map(({ multiAddress }) => multiAddress);
    for (const address of dialled) {
      assert(addresses.includes(address), `${address} in ${addresses}`);
    }
    assert.equal(addresses.length, 6, "and each of them has dialled this one");
    assert.equal(messages.size, 0, "modules see nothing of it");
  }
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
});

/** Lets what the network has under way happen. */
async function settle(): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (let round = 0; round < 4; round++) {
    const [client, accepted] = await Promise.all([
      Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
      listener.accept(),
    ]);
    client.close();
    accepted.close();
  }
  listener.close();
}

Deno.test("a node without discovery gets the message as one for a module it does not have", async () => {
  const clock = new ManualClock();
  const port = freePort();
  await using plain = await openTransport({ clock });
  await using node = await openNode({ port, peers: [addressOf(plain.transport.port)], clock });
  await node.log.waitFor(/^session 1 opened/);
  const { bytes } = await plain.messages.next();
  const { module, type, msg } = decode(NetworkMsg, bytes);
  assert.deepEqual([module, type], ["network", "addresses"]);
  const [own] = decode(TotalNodeNetInfo, msg).nodes;
  assert.equal(own?.multiAddress, addressOf(port));
  assert.notEqual(own?.origin, 0n);
});

Deno.test("Discovery survives malformed messages and takes those of modules for none", () => {
  const options = { advertised: null, configured: [], needsDomain: false };
  const discovery = new Discovery(options);
  discovery.opened({ origin: 1n, role: "acceptor", address: "/ip4/1.2.3.4/tcp/1" });
  const bytesOf = (message: Partial<NetworkMsg>) =>
    joinFrame(encodeFrame(NetworkMsg.fromPartial(message))).subarray(4);
  assert(!discovery.isAddressed(bytesOf({ module: "networks", type: "x" })));
  assert(!discovery.isAddressed(bytesOf({ module: "controller", type: "network" })));
  assert(!discovery.isAddressed(new Uint8Array(0)));
  const nodes = [{ multiAddress: "/ip4/1.2.3.4/tcp/5", origin: 7n }];
  const msg = encode(TotalNodeNetInfo, { nodes });
  for (const type of ["", "other"]) {
    const bytes = bytesOf({ module: "network", type, msg });
    assert(discovery.isAddressed(bytes));
    assert.equal(discovery.receive(1n, bytes, 0), false);
  }
  const rubbish = [new Uint8Array([0xff]), new Uint8Array(0), msg.subarray(1)];
  for (const part of rubbish) {
    discovery.receive(1n, bytesOf({ module: "network", type: "addresses", msg: part }), 0);
  }
  discovery.receive(1n, bytesOf({ module: "network", type: "addresses", msg }).subarray(0, 12), 0);
  assert.deepEqual(discovery.due(0), []);
  discovery.receive(1n, bytesOf({ module: "network", type: "addresses", msg }), 60_000);
  assert.deepEqual(discovery.due(60_000).map(({ text }) => text), ["/ip4/1.2.3.4/tcp/5"]);
});
