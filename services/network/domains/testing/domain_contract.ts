import assert from "node:assert/strict";
import { NetworkMsg } from "../../../../proto/gen/network.ts";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { decode } from "../../../../shared/codec/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { createCertificateAuthority } from "../../../../shared/x509/mod.ts";
import { encodeFrame, type Frame } from "../../frame.ts";
import { testTransportContract } from "../../testing/transport_contract.ts";
import type { Carrier } from "../carrier.ts";
import { originOf } from "../core/origin.ts";
import type { CarrierOptions } from "../start.ts";
import { identityOf } from "./certificates.ts";
import {
  CLOSED_PORT,
  openDomain,
  openDomains,
  type TestDomain,
  untilConnected,
} from "./open_domain.ts";

function frameOf(type: string, msg: Bytes = new Uint8Array([1])): Frame {
  return encodeFrame({ module: "m", type, origin: 0n, msg });
}

/** Where nobody listens. */
const NOBODY = { host: "127.0.0.1", port: CLOSED_PORT };

function typeOf({ bytes }: { readonly bytes: Bytes }): string {
  return decode(NetworkMsg, bytes).type;
}

async function disposed(nodes: readonly TestDomain[], run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } finally {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

/** What the flavours with certificates promise, whatever carries their connections. */
export function testDomainContract(
  name: string,
  createCarrier: (options: CarrierOptions) => Carrier,
): void {
  const open = (domain: string, more = {}) => openDomain({ domain, createCarrier, ...more });

  testTransportContract(name, { open: (count) => openDomains(count, createCarrier) });

  Deno.test(`${name} sends to all neighbours what is for an unknown origin`, async () => {
    const nodes = await openDomains(3, createCarrier);
    await disposed(nodes, async () => {
      const [a, b, c] = nodes;
      assert(a !== undefined && b !== undefined && c !== undefined);
      assert.equal(await a.transport.send(12345n, frameOf("to all")), StatusCode.Success);
      assert.equal(typeOf(await b.messages.next()), "to all");
      assert.equal(typeOf(await c.messages.next()), "to all");
      const nodeInfo = { multiAddress: `/dns4/127.0.0.1/tcp/${b.peer.port}/tls/node-1.test` };
      const info = a.transport.peers().find(({ multiAddress }) =>
        multiAddress === nodeInfo.multiAddress
      );
      assert.equal(info?.origin, originOf(b.peer));
    });
  });

  Deno.test(`${name} keeps one connection when both nodes dial, and finds a lost one`, async () => {
    const a = await open("a.test");
    let b = await open("b.test");
    await disposed([a], async () => {
      b.transport.setPeers([a.peer]);
      a.transport.setPeers([b.peer]);
      await untilConnected([a, b]);
      const origin = a.transport.peers()[0]?.origin;
      const { port } = b.peer;
      await b[Symbol.asyncDispose]();
      await a.log.waitFor(/^connection ended/);
      assert.equal(a.transport.peerCount(), 0n);
      assert.equal(await a.transport.send(origin ?? 0n, frameOf("lost")), StatusCode.Success);
      assert.equal(a.log.count(/^drop outbound msgs since no available stream/), 1);
      b = await open("b.test", { port, peers: [a.peer] });
      await disposed([b], async () => {
        await untilConnected([a, b]);
        assert.deepEqual(a.transport.peers().map((peer) => peer.origin), [origin]);
        b.transport.broadcast(frameOf("again"));
        const { origin: from } = await a.messages.next();
        assert.equal(from, origin);
      });
    });
  });

  Deno.test(`${name}.dial() takes a multiaddr with host, port and domain`, async () => {
    const a = await open("a.test");
    const b = await open("b.test", { peers: [a.peer] });
    await disposed([a, b], async () => {
      const reasonOf = (address: string) => {
        const answer = a.transport.dial(address);
        return typeof answer === "number" ? answer : answer.reason;
      };
      assert.match(String(reasonOf("foo")), /^parse multiaddr failed: /);
      assert.equal(reasonOf("/tcp/1/tls/b.test"), "host not present in multiaddr");
      assert.equal(reasonOf("/ip4/127.0.0.1/tls/b.test"), "port not present in multiaddr");
      assert.equal(reasonOf("/ip4/127.0.0.1/tcp/1"), "domain not present in multiaddr");
      const address = `/tls/b.test/ip4/127.0.0.1/tcp/${b.peer.port}`;
      assert.equal(reasonOf(address), StatusCode.Success);
      await untilConnected([a, b]);
      assert.equal(reasonOf(address), StatusCode.AddExistedPeer);
      assert.equal(reasonOf("/ip4/127.0.0.1/tcp/1/tls/down.test"), StatusCode.Success);
      assert.equal(reasonOf("/ip4/127.0.0.1/tcp/1/tls/down.test"), StatusCode.Success);
    });
  });

  Deno.test(`${name}.setPeers() dials new peers and ends the connections of others`, async () => {
    const nodes = await openDomains(2, createCarrier);
    const c = await open("c.test");
    await disposed([...nodes, c], async () => {
      const [a, b] = nodes;
      assert(a !== undefined && b !== undefined);
      c.transport.setPeers([a.peer]);
      a.transport.setPeers([c.peer]);
      await b.log.waitFor(/^connection ended$/); // the reason, which others send, is a field
      await untilConnected([a, c]);
      b.transport.setPeers([]);
      b.transport.setPeers([a.peer]);
      assert.deepEqual(a.transport.knownPeers(), [c.peer]);
      await a.log.waitFor(/^tls report error: the certificate is of no known peer/);
      assert.equal(a.log.count(/^peer deleted: node-1.test/), 1);
      assert.equal(a.transport.peerCount(), 1n);
    });
  });

  Deno.test(`${name} is no peer of itself, and says which peers it cannot have`, async () => {
    const domains = ["A.test.", "no name", "b.test", "B.test"];
    const a = await open("a.test", { peers: domains.map((domain) => ({ ...NOBODY, domain })) });
    await disposed([a], () => {
      assert.deepEqual(a.transport.knownPeers().map(({ domain }) => domain), ["b.test"]);
      const reasons = ["it is this node's own", "it must be a DNS name", "another peer has it"];
      for (const reason of reasons) {
        assert.equal(a.log.count(new RegExp(`^Cannot use the peer of .*: ${reason}$`)), 1, reason);
      }
      return Promise.resolve();
    });
  });

  Deno.test(`${name} lets nobody in whose certificate is not good`, async () => {
    const strangers = {
      "another authority": identityOf("b.test", createCertificateAuthority()),
      "another domain": identityOf("c.test"),
    };
    for (const [reason, identity] of Object.entries(strangers)) {
      const a = await open("a.test", { peers: [{ ...NOBODY, domain: "b.test" }] });
      const stranger = await open("b.test", { identity, peers: [a.peer] });
      await disposed([a, stranger], async () => {
        await a.log.waitFor(/^tls report error: (a node is not let in|.* is of no known peer)$/);
        assert.equal(a.transport.peerCount(), 0n, reason);
        stranger.transport.broadcast(frameOf("from a stranger"));
        assert.equal(a.messages.size, 0);
      });
    }
  });

  Deno.test(`${name} trusts no node that it dials whose certificate is not good`, async () => {
    const wrong = await open("b.test", { identity: identityOf("c.test") });
    const foreign = await open("b.test", {
      identity: identityOf("b.test", createCertificateAuthority()),
    });
    for (const { peer } of [wrong, foreign]) {
      const a = await open("a.test", { peers: [peer] });
      await a.log.waitFor(/^cannot connect to peer/, 2);
      assert.equal(a.transport.peerCount(), 0n);
      await a[Symbol.asyncDispose]();
    }
    await disposed([wrong, foreign], () => Promise.resolve());
  });

  Deno.test(`${name} delivers messages of 0 bytes to 20 MB in their order`, async () => {
    const nodes = await openDomains(2, createCarrier);
    await disposed(nodes, async () => {
      const [a, b] = nodes;
      assert(a !== undefined && b !== undefined);
      const sizes = [0, 1, 100, 70_000, 1_000_000, 20_000_000, 5];
      for (const size of sizes) {
        const msg = new Uint8Array(size).map((_, index) => index % 251);
        a.transport.broadcast(frameOf(String(size), msg));
      }
      for (const size of sizes) {
        const { bytes } = await b.messages.next();
        const { type, msg }: NetworkMsg = decode(NetworkMsg, bytes);
        assert.deepEqual([type, msg.length], [String(size), size]);
        assert(msg.every((byte, index) => byte === index % 251));
      }
    });
  });
}
