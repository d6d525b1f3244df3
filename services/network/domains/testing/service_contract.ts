/** Whole services over gRPC: spec/network.md section 11, the part of tls and quic. */

import assert from "node:assert/strict";
import { HealthCheckResponse_ServingStatus, HealthService } from "../../../../proto/gen/health.ts";
import { NetworkMsg } from "../../../../proto/gen/network.ts";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { decode } from "../../../../shared/codec/mod.ts";
import { connect, RpcCode, type RpcFault } from "../../../../shared/rpc/mod.ts";
import { createCertificateAuthority } from "../../../../shared/x509/mod.ts";
import { freePort } from "../../../../tests/free_ports.ts";
import { Outbox } from "../../outbox.ts";
import { type FakeModule, startModule } from "../../testing/fake_module.ts";
import { Inbox } from "../../testing/inbox.ts";
import { Traffic } from "../../traffic.ts";
import type { Channel } from "../carrier.ts";
import { originOf } from "../core/origin.ts";
import { identityKeys, identityOf } from "./certificates.ts";
import {
  multiaddrOf,
  type ServiceNode,
  startServiceNode,
  type TestedFlavour,
  undialable,
} from "./service_node.ts";

const ESTABLISHED = /^new connection established/;

function message(module: string, type: string, origin = 0n, msg: Bytes = Uint8Array.of(1, 2)) {
  return { module, type, origin, msg };
}

async function register({ client }: ServiceNode, name: string, port: number): Promise<void> {
  const info = { moduleName: name, hostname: "127.0.0.1", port: String(port) };
  assert.equal((await client.registerNetworkMsgHandler(info)).code, 0);
}

async function peerCount({ client }: ServiceNode): Promise<bigint> {
  return (await client.getNetworkStatus({})).peerCount;
}

async function codeOfAddNode({ client }: ServiceNode, multiAddress: string): Promise<number> {
  return (await client.addNode({ multiAddress, origin: 0n })).code;
}

/** What a flavour with certificates serves, whatever carries its connections. */
export function testDomainService(name: string, flavour: TestedFlavour): void {
  const start = (options: Parameters<typeof startServiceNode>[1]) =>
    startServiceNode(flavour, options);

  /** A node and another one that it dials, connected, and a module that is not registered yet. */
  async function withPair(
    run: (pair: { a: ServiceNode; b: ServiceNode; module: FakeModule }) => Promise<void>,
  ): Promise<void> {
    await using b = await start({ domain: "b.test", peers: [undialable("a.test")] });
    await using a = await start({ domain: "a.test", peers: [b.peer] });
    await Promise.all([a, b].map(({ log }) => log.waitFor(ESTABLISHED)));
    await using module = await startModule();
    await run({ a, b, module });
  }

  Deno.test(`${name} delivers to the module that a message names, with its own origin`, async () => {
    await withPair(async ({ a, b, module }) => {
      assert.equal((await a.client.broadcast(message("m", "too early"))).code, 0);
      await b.log.waitFor(/^unregistered module, will drop msg$/);
      await register(b, "m", module.port);
      assert.equal((await a.client.broadcast(message("m", "all", 12345n))).code, 0);
      const got = await module.messages.next();
      const origin = originOf(undialable("a.test"));
      assert.deepEqual({ ...got, msg: [...got.msg] }, {
        ...message("m", "all", origin),
        msg: [1, 2],
      });
      assert.equal((await a.client.sendMsg(message("m", "one", originOf(b.peer)))).code, 0);
      assert.equal((await module.messages.next()).type, "one");
      assert.equal(module.messages.size, 0, "what came before the registration is gone");
    });
  });

  Deno.test(`${name} sends what is for an unknown origin to all that are connected`, async () => {
    await withPair(async ({ a, b, module }) => {
      await using c = await start({ domain: "c.test", peers: [a.peer] });
      assert.equal(await codeOfAddNode(a, multiaddrOf(undialable("c.test"))), 0);
      await Promise.all([a.log.waitFor(ESTABLISHED, 2), c.log.waitFor(ESTABLISHED)]);
      await register(b, "m", module.port);
      await register(c, "m", module.port);
      assert.equal((await a.client.sendMsg(message("m", "to all", 12345n))).code, 0);
      const types = (await module.messages.take(2)).map(({ type }) => type);
      assert.deepEqual(types, ["to all", "to all"]);
    });
  });

  Deno.test(`${name} without neighbours has none, and is healthy`, async () => {
    await using alone = await start({ domain: "a.test" });
    assert.equal(await peerCount(alone), 0n);
    assert.deepEqual(await alone.client.getPeersNetInfo({}), { nodes: [] });
    assert.equal((await alone.client.broadcast(message("m", "x"))).code, 0);
    assert.equal((await alone.client.sendMsg(message("m", "x", 1n))).code, 0);
    const health = connect(HealthService, { port: alone.grpcPort });
    const { status } = await health.check({ service: "" });
    assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
    health.close();
  });

  Deno.test(`${name} tells of its neighbours, and answers AddNode`, async () => {
    await withPair(async ({ a, b }) => {
      const { port } = b.peer;
      assert.equal(await peerCount(a), 1n);
      const info = { multiAddress: multiaddrOf(b.peer), origin: originOf(b.peer) };
      assert.deepEqual(await a.client.getPeersNetInfo({}), { nodes: [info] });
      assert.equal(await codeOfAddNode(a, multiaddrOf(b.peer)), 405);
      assert.equal(await codeOfAddNode(a, multiaddrOf(undialable("down.test"))), 0);
      assert.equal(await codeOfAddNode(a, multiaddrOf(undialable("down.test"))), 0);
      const bad = {
        "foo": /^parse multiaddr failed: /,
        [`/tcp/${port}/tls/c.test`]: /^host not present in multiaddr$/,
        "/ip4/127.0.0.1/tls/c.test": /^port not present in multiaddr$/,
        [`/ip4/127.0.0.1/tcp/${port}`]: /^domain not present in multiaddr$/,
      };
      for (const [address, reason] of Object.entries(bad)) {
        await assert.rejects(codeOfAddNode(a, address), (error: RpcFault) => {
          return error.code === RpcCode.InvalidArgument && reason.test(error.details);
        });
      }
    });
  });

  Deno.test(`${name} refuses to register a module without a usable host and port`, async () => {
    await using node = await start({ domain: "a.test" });
    const bad = [["", "1"], ["a b", "1"], ["h/x", "1"], ["h", "1 2"]];
    for (const [hostname = "", port = ""] of bad) {
      const info = { moduleName: "m", hostname, port };
      await assert.rejects(
        node.client.registerNetworkMsgHandler(info),
        (error: RpcFault) =>
          error.code === RpcCode.InvalidArgument &&
          /^invalid host and port: /.test(error.details),
      );
    }
    // where nobody listens, and no ports at all: no matter at registration, as in the recording
    await register(node, "m", 1);
    for (const port of ["", "notaport", "65536"]) {
      const info = { moduleName: "m", hostname: "x", port };
      assert.equal((await node.client.registerNetworkMsgHandler(info)).code, 0);
    }
  });

  Deno.test(`${name} lets no stranger in`, async () => {
    const foreign = identityKeys("b.test", createCertificateAuthority());
    for (const keys of [foreign, identityKeys("c.test")]) {
      await using a = await start({ domain: "a.test", peers: [undialable("b.test")] });
      await using stranger = await start({ domain: "b.test", keys, peers: [a.peer] });
      await a.log.waitFor(/^tls report error: /);
      await stranger.client.broadcast(message("m", "from a stranger"));
      assert.equal(await peerCount(a), 0n);
    }
  });

  Deno.test(`${name} connects to a restarted neighbour again, with the same origin`, async () => {
    const port = freePort();
    const options = { domain: "b.test", port, peers: [undialable("a.test")] };
    const first = await start(options);
    await using a = await start({ domain: "a.test", peers: [first.peer] });
    await a.log.waitFor(ESTABLISHED);
    const before = await a.client.getPeersNetInfo({});
    await first[Symbol.asyncDispose]();
    await a.log.waitFor(/^connection ended/);
    assert.equal(await peerCount(a), 0n);
    assert.equal(await codeOfAddNode(a, multiaddrOf(first.peer)), 0, "known, and not connected");
    await using _again = await start(options);
    const restartedMs = SYSTEM_CLOCK.monotonicMs();
    await a.log.waitFor(ESTABLISHED, 2);
    const tookMs = SYSTEM_CLOCK.monotonicMs() - restartedMs;
    assert(tookMs < 5_000, `it took ${tookMs} ms at a reconnect_timeout of 1 s`);
    assert.deepEqual(await a.client.getPeersNetInfo({}), before);
  });

  Deno.test(`${name} delivers messages of 20 MB and of 200 MB`, async () => {
    await withPair(async ({ a, b, module }) => {
      await register(b, "m", module.port);
      for (const size of [20_000_000, 200_000_000]) {
        const sent = new Uint8Array(size);
        for (let offset = 0; offset < size; offset += 9_973) sent[offset] = offset % 251;
        assert.equal((await a.client.sendMsg(message("m", "big", originOf(b.peer), sent))).code, 0);
        const { msg } = await module.messages.next();
        assert.equal(msg.length, size);
        assert(msg.every((byte, offset) => byte === sent[offset]));
      }
    });
  });

  Deno.test(`${name} delivers a broadcast once when two nodes dial each other`, async () => {
    await using b = await start({ domain: "b.test" });
    await using a = await start({ domain: "a.test", peers: [b.peer] });
    await b.log.waitFor(/^tls report error: /); // not known yet
    await codeOfAddNode(b, multiaddrOf(a.peer));
    await Promise.all([a, b].map(({ log }) => log.waitFor(ESTABLISHED)));
    await using module = await startModule();
    await register(a, "m", module.port);
    await register(b, "m", module.port);
    for (const node of [a, b]) {
      const { type } = await sendUntilReceived(node, module);
      assert.equal(type, "once");
      assert.equal(await peerCount(node), 1n);
    }
    await a.client.broadcast(message("m", "last"));
    assert.equal((await module.messages.next()).type, "last", "no second delivery came before");
  });

  Deno.test(`${name} takes changed peers from its file while it runs`, async () => {
    await withPair(async ({ a, b, module }) => {
      await using c = await start({ domain: "c.test", peers: [undialable("a.test")] });
      a.writePeers([c.peer, b.peer]);
      await c.log.waitFor(ESTABLISHED);
      await a.log.waitFor(/^peer added: c.test$/);
      a.writePeers([c.peer]);
      await b.log.waitFor(/^connection ended/);
      assert.equal(a.log.count(/^peer deleted: b.test$/), 1);
      assert.equal(await peerCount(a), 1n);
      await register(c, "m", module.port);
      await a.client.broadcast(message("m", "still here"));
      assert.equal((await module.messages.next()).type, "still here");
    });
  });

  Deno.test(`${name} puts no origin on the wire`, async () => {
    const accepted = new Inbox<Channel>();
    await using a = await start({ domain: "a.test", peers: [undialable("b.test")] });
    const options = { identity: identityOf("b.test"), port: 0, clock: SYSTEM_CLOCK, log: a.log };
    const carrier = flavour.createCarrier(options);
    await carrier.listen(accepted.push);
    const channel = await carrier.dial(a.peer, new AbortController().signal);
    const messages = new Inbox<Bytes>();
    const outbox = new Outbox(new Traffic());
    channel.start({ outbox, message: messages.push, ended() {} });
    await a.log.waitFor(ESTABLISHED);
    await a.client.broadcast(message("m", "all", 7n));
    await a.client.sendMsg(message("m", "one", originOf(undialable("b.test"))));
    for (const type of ["all", "one"]) {
      const got = decode(NetworkMsg, await messages.next());
      assert.deepEqual([got.type, got.origin], [type, 0n]);
    }
    await channel.close();
    await carrier.close();
  });

  Deno.test(`${name} shows its neighbours and the lanes of messages as metrics`, async () => {
    const port = freePort();
    await using b = await start({ domain: "b.test", peers: [undialable("a.test")] });
    const lines = [`metrics_port = ${port}`];
    await using a = await start({ domain: "a.test", peers: [b.peer], lines });
    await a.log.waitFor(ESTABLISHED);
    await using module = await startModule();
    await register(a, "consensus", module.port);
    await a.client.broadcast(message("controller", "send_tx"));
    await b.client.broadcast(message("consensus", "vote"));
    await module.messages.next();
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const shown = text.split("\n");
    for (
      const line of [
        "cita_cloud_network_peers 1",
        "cita_cloud_network_connections 1",
        "cita_cloud_network_modules 1",
        'cita_cloud_network_messages_total{kind="received",lane="urgent"} 1',
        'cita_cloud_network_messages_total{kind="sent",lane="transactions"} 1',
        'cita_cloud_network_messages_total{kind="sent",lane="urgent"} 0',
      ]
    ) assert(shown.includes(line), `${line} in ${text}`);
  });

  Deno.test(`${name} does not start with a taken port or a key of another certificate`, async () => {
    await using node = await start({ domain: "a.test" });
    await assert.rejects(start({ domain: "b.test", port: node.peer.port }), /Cannot listen|in use/);
    const { cert } = identityKeys("b.test");
    await assert.rejects(
      start({ domain: "b.test", keys: { ...identityKeys("b.test"), cert } }),
      /priv_key: it must be the key of/,
    );
  });
}

/**
 * Broadcasts until one arrives: while both nodes dial, a message may go with a connection that
 * another one replaces.
 */
async function sendUntilReceived({ client }: ServiceNode, { messages }: FakeModule) {
  const stop = new AbortController();
  const received = messages.next().finally(() => stop.abort());
  while (!stop.signal.aborted) {
    await client.broadcast(message("m", "once"));
    await SYSTEM_CLOCK.sleep(1_000, stop.signal);
  }
  return await received;
}
