/** The whole service over gRPC: spec/network.md section 11, the p2p part. */

import assert from "node:assert/strict";
import { NodeNetInfo, StatusCode as CodeMessage } from "../../../proto/gen/common.ts";
import {
  NetworkMsg,
  NetworkServiceService,
  NetworkStatusResponse,
  RegisterInfo,
} from "../../../proto/gen/network.ts";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { describeTable, parseDocument, readTable } from "../../../shared/config/mod.ts";
import { createCertificateAuthority, issueCertificate } from "../../../shared/x509/mod.ts";
import { connect, type RpcClient } from "../../../shared/rpc/mod.ts";
import { type FakeModule, startModule } from "../testing/fake_module.ts";
import { RecordingLogger } from "../testing/recording_logger.ts";
import { loadTapCalls, loadWireVectors } from "../testing/wire_vectors.ts";
import { P2P_TABLE } from "./config.ts";
import { startP2p } from "./start.ts";
import { loadSecioVectors } from "./testing/secio_vectors.ts";

interface Node extends AsyncDisposable {
  readonly client: RpcClient<typeof NetworkServiceService>;
  readonly log: RecordingLogger;
  /** Multiaddr for others. */
  readonly address: string;
}

async function startNode(...lines: readonly string[]): Promise<Node> {
  const source = ["[network_p2p]", "port = 0", "grpc_port = 0", ...lines].join("\n");
  const config = readTable(P2P_TABLE, parseDocument(source, "config.toml"));
  const log = new RecordingLogger();
  const network = await startP2p({ config, clock: SYSTEM_CLOCK, log });
  const client = connect(NetworkServiceService, { port: network.grpcPort });
  const dispose = async () => {
    client.close();
    await network.stop();
  };
  const address = `/dns4/localhost/tcp/${network.port}`;
  return { client, log, address, [Symbol.asyncDispose]: dispose };
}

/** A node and another one that it has configured as its peer, connected. */
async function startPair(): Promise<{ a: Node; b: Node }> {
  const b = await startNode();
  const a = await startNode("[[network_p2p.peers]]", `address = "${b.address}"`);
  await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 1 opened/)));
  return { a, b };
}

async function withPair(
  run: (pair: { a: Node; b: Node; module: FakeModule }) => Promise<void>,
): Promise<void> {
  const { a, b } = await startPair();
  await using _a = a;
  await using _b = b;
  await using module = await startModule();
  await run({ a, b, module });
}

function register({ client }: Node, name: string, port: number | string): Promise<CodeMessage> {
  const info = { moduleName: name, hostname: "127.0.0.1", port: String(port) };
  return client.registerNetworkMsgHandler(info);
}

function message(module: string, type: string, origin = 0n): NetworkMsg {
  return { module, type, origin, msg: new Uint8Array([1, 2]) };
}

Deno.test("network_p2p delivers to the module that a message names, with its own origin", async () => {
  await withPair(async ({ a, b, module }) => {
    assert.equal((await a.client.broadcast(message("m", "too early"))).code, 0);
    assert.equal((await register(b, "m", module.port)).code, 0);
    assert.equal((await a.client.broadcast(message("m", "all", 12345n))).code, 0);
    const got = await module.messages.next();
    assert.deepEqual(got, { ...message("m", "all"), origin: 1n, msg: got.msg });
    assert.equal(toHex(got.msg), "0102");
    assert.equal((await a.client.sendMsg(message("m", "to one", 1n))).code, 0);
    assert.equal((await module.messages.next()).type, "to one");
    assert.equal(module.messages.size, 0, "what came before the registration is gone");
  });
});

Deno.test("network_p2p answers 0 to SendMsg for an unknown session and sends nothing", async () => {
  await withPair(async ({ a, b, module }) => {
    await register(b, "m", module.port);
    for (const origin of [0n, 2n, 12345n, 2n ** 64n - 1n]) {
      assert.equal((await a.client.sendMsg(message("m", "lost", origin))).code, 0);
    }
    await a.client.sendMsg(message("m", "kept", 1n));
    assert.equal((await module.messages.next()).type, "kept");
  });
});

Deno.test("network_p2p has no peers when alone, and tells of those it has", async () => {
  {
    await using alone = await startNode();
    assert.deepEqual(await alone.client.getNetworkStatus({}), { peerCount: 0n });
    assert.deepEqual(await alone.client.getPeersNetInfo({}), { nodes: [] });
  }
  await withPair(async ({ a, b }) => {
    assert.deepEqual(await a.client.getNetworkStatus({}), { peerCount: 1n });
    const { nodes } = await a.client.getPeersNetInfo({});
    assert.deepEqual(nodes, [{ multiAddress: b.address, origin: 1n }]);
    const [info] = (await b.client.getPeersNetInfo({})).nodes;
    assert.match(info?.multiAddress ?? "", /^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/);
  });
});

Deno.test("network_p2p counts a mutual pair once and delivers its broadcasts twice", async () => {
  await withPair(async ({ a, b, module }) => {
    await register(b, "m", module.port);
    assert.equal((await b.client.addNode({ multiAddress: a.address, origin: 9n })).code, 0);
    await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 2 opened/)));
    assert.deepEqual(await b.client.getNetworkStatus({}), { peerCount: 1n });
    await a.client.broadcast(message("m", "twice"));
    const origins = (await module.messages.take(2)).map(({ origin }) => origin);
    assert.deepEqual(origins.sort(), [1n, 2n]);
  });
});

Deno.test("network_p2p AddNode refuses bad addresses only", async () => {
  await using node = await startNode();
  const codeOf = async (multiAddress: string) =>
    (await node.client.addNode({ multiAddress, origin: 0n })).code;
  for (const bad of ["foo", "/ip4/1.2.3/tcp/1", "nonsense"]) assert.equal(await codeOf(bad), 403);
  assert.equal(await codeOf("/ip4/127.0.0.1/tcp/1"), 0);
  await node.log.waitFor(/^service error: DialerError\(\/ip4\/127.0.0.1\/tcp\/1\)/);
});

Deno.test("network_p2p drops messages of a module without a usable port", async () => {
  await withPair(async ({ a, b, module }) => {
    assert.equal((await register(b, "m", "")).code, 0);
    assert.equal((await register(b, "other", "notaport")).code, 0);
    await register(b, "good", module.port);
    for (const name of ["m", "other", "good"]) await a.client.broadcast(message(name, "x"));
    assert.equal((await module.messages.next()).module, "good");
  });
});

Deno.test("network_p2p reaches a module again that was restarted", async () => {
  await withPair(async ({ a, b, module }) => {
    await register(b, "m", module.port);
    await a.client.broadcast(message("m", "before"));
    await module.messages.next();
    await module[Symbol.asyncDispose]();
    await a.client.broadcast(message("m", "lost"));
    await b.log.waitFor(/^module m does not take messages/);
    await using again = await startModule(module.port);
    const reached = again.messages.next();
    const stop = new AbortController();
    reached.then(() => stop.abort());
    while (!stop.signal.aborted) {
      await a.client.broadcast(message("m", "after"));
      await SYSTEM_CLOCK.sleep(50, stop.signal); // the client waits a moment between attempts
    }
    assert.equal((await reached).type, "after");
  });
});

Deno.test("network_p2p answers the calls of Rust modules as the Rust service did", async () => {
  await withPair(async ({ a, b, module }) => {
    await register(b, "consensus", module.port);
    await register(b, "controller", module.port);
    const sent: string[] = [];
    for (const { method, request_hex, response_hex } of await loadTapCalls()) {
      const answer = await replayCall(a, method, request_hex);
      if (answer !== null) assert.equal(answer, response_hex, `${method} ${request_hex}`);
      if (!/\/(Broadcast|SendMsg)$/.test(method)) continue;
      const { module: name, type, origin, msg } = decode(NetworkMsg, fromHex(request_hex));
      const isSent = method.endsWith("Broadcast") || origin === 1n;
      if (isSent) sent.push([name, type, toHex(msg)].join());
    }
    const received = await module.messages.take(sent.length);
    const byModule = (name: string) => (line: string) => line.startsWith(name);
    const lines = received.map(({ module: name, type, msg }) => [name, type, toHex(msg)].join());
    for (const name of ["consensus", "controller"]) {
      assert.deepEqual(lines.filter(byModule(name)), sent.filter(byModule(name)), "in order");
    }
  });
});

/** Performs a recorded call; null when the answer depends on the node that it was recorded at. */
async function replayCall({ client }: Node, method: string, hex: string): Promise<string | null> {
  const bytes = fromHex(hex);
  const code = (answer: CodeMessage) => toHex(encode(CodeMessage, answer));
  switch (method.split("/").at(-1)) {
    case "SendMsg":
      return code(await client.sendMsg(decode(NetworkMsg, bytes)));
    case "Broadcast":
      return code(await client.broadcast(decode(NetworkMsg, bytes)));
    case "RegisterNetworkMsgHandler":
      return code(await client.registerNetworkMsgHandler(decode(RegisterInfo, bytes)));
    case "AddNode":
      return code(await client.addNode(decode(NodeNetInfo, bytes)));
    default:
      return null;
  }
}

Deno.test("network_p2p answers the calls of network_p2p_wire.json as recorded", async () => {
  await withPair(async ({ a, b, module }) => {
    const nodeOf = (at: "A" | "B") => at === "A" ? a : b;
    for (const { at, method, label, request_hex, response_hex } of loadWireVectors("p2p").calls) {
      if (label === "status B after A died" || request_hex.endsWith("...")) continue;
      const { client } = nodeOf(at);
      if (method.endsWith("GetNetworkStatus")) {
        const answer = encode(NetworkStatusResponse, await client.getNetworkStatus({}));
        assert.equal(toHex(answer), response_hex, label);
      } else if (label.startsWith("register m1")) {
        const { code } = await register(nodeOf(at), "m1", module.port); // nobody is at the recorded one
        assert.equal(toHex(encode(CodeMessage, { code })), response_hex, label);
      } else {
        const answer = await replayCall(nodeOf(at), method, request_hex);
        if (answer !== null) assert.equal(answer, response_hex, label);
      }
    }
  });
});

Deno.test("startP2p() refuses a port that is taken", async () => {
  await using node = await startNode();
  const port = node.address.split("/").at(-1);
  const source = `[network_p2p]\nport = ${port}\ngrpc_port = 0\n`;
  const config = readTable(P2P_TABLE, parseDocument(source, "config.toml"));
  const log = new RecordingLogger();
  await assert.rejects(
    startP2p({ config, clock: SYSTEM_CLOCK, log }),
    new RegExp(`Cannot listen on 0.0.0.0:${port}`),
  );
});

/** Runs with a file of a key, which is gone afterwards. */
async function withKeyFile(text: string, mode: number, run: (line: string) => Promise<void>) {
  const path = await Deno.makeTempFile({ prefix: "p2p-key-" });
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
  try {
    await run(`key_file = "${path}"`);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("network_p2p with key_file logs its id and speaks secio with its like only", async () => {
  const { own_secret_key_hex, own_peer_id } = loadSecioVectors();
  await withKeyFile(`0x${own_secret_key_hex}\n`, 0o600, async (line) => {
    await using a = await startNode(line);
    await a.log.waitFor(new RegExp(`^peer id of this node: ${own_peer_id}$`));
    assert.equal(a.log.count(/other users may read/), 0);
    await withKeyFile("11".repeat(32), 0o644, async (line) => {
      const peer = ["[[network_p2p.peers]]", `address = "${a.address}/p2p/${own_peer_id}"`];
      await using b = await startNode(line, "known_peers_only = true", ...peer);
      await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 1 opened/)));
      assert.equal(b.log.count(/other users may read the key file .* set its mode to 0600/), 1);
      await using plain = await startNode();
      await plain.client.addNode({ multiAddress: a.address, origin: 0n });
      await a.log.waitFor(/SecioError: the peer does not encrypt, it may have no key_file/);
    });
  });
});

Deno.test("startP2p() warns of ids that are not checked, and of nobody who may connect", async () => {
  const { own_peer_id } = loadSecioVectors();
  const peer = ["[[network_p2p.peers]]", `address = "/ip4/127.0.0.1/tcp/1/p2p/${own_peer_id}"`];
  const countOf = async (pattern: RegExp, ...lines: readonly string[]) => {
    await using node = await startNode(...lines);
    return node.log.count(pattern);
  };
  const [unchecked, nobody] = [/^peers: .* is not checked without key_file/, /^known_peers_only: /];
  assert.equal(await countOf(unchecked, ...peer), 1);
  await withKeyFile("11".repeat(32), 0o600, async (line) => {
    assert.equal(await countOf(unchecked, line, ...peer), 0);
    assert.equal(await countOf(nobody, line, "known_peers_only = true"), 1);
    assert.equal(await countOf(nobody, line, "known_peers_only = true", ...peer), 0);
  });
});

Deno.test("startP2p() refuses settings of secio, TLS and discovery that it cannot use", async () => {
  const refuses = (lines: readonly string[], wanted: RegExp) =>
    assert.rejects(startNode(...lines), wanted);
  await refuses(["known_peers_only = true"], /known_peers_only: it needs network_p2p.key_file/);
  await refuses(["enable_tls = true"], /enable_tls: it needs network_p2p.ca_cert/);
  await refuses(['key_file = "/nowhere"'], /Cannot read network_p2p.key_file "\/nowhere"/);
  for (const text of ["", "12", "zz".repeat(32), "00".repeat(32), "ff".repeat(32)]) {
    await withKeyFile(text, 0o600, async (line) => {
      await refuses([line], /it must hold 32 bytes of a secp256k1 key in hex$/);
      await refuses([line, "enable_tls = true"], /key_file: it must be absent with enable_tls/);
    });
  }
  const lines = ["enable_discovery = true", 'advertised_address = "here"'];
  await refuses(lines, /advertised_address: it must be a multiaddr, got "here"/);
});

Deno.test("network_p2p with enable_tls refuses strangers in a self-test and connects its like", async () => {
  const authority = createCertificateAuthority();
  const folder = await Deno.makeTempDir({ prefix: "p2p-start-" });
  const linesOf = (domain: string) => {
    const { certificatePem, privateKeyPem } = issueCertificate(authority, domain);
    const files = { server_chain_certs: certificatePem, server_key: privateKeyPem };
    const all = Object.entries({ ca_cert: authority.certificatePem, ...files });
    for (const [name, text] of all) Deno.writeTextFileSync(`${folder}/${domain}-${name}`, text);
    const keys = all.map(([name]) => `${name} = "${folder}/${domain}-${name}"`);
    return ["enable_tls = true", `domain = "${domain}"`, ...keys];
  };
  await using a = await startNode(...linesOf("a.fy"));
  const peer = ["[[network_p2p.peers]]", `address = "${a.address}/tls/a.fy"`];
  await using b = await startNode(...linesOf("b.fy"), ...peer);
  await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 1 opened/)));
  assert.equal(a.log.count(/peers will refuse/), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("network_p2p with enable_discovery dials back what a neighbour advertises", async () => {
  const discovery = "enable_discovery = true";
  const peersOf = ({ address }: Node) => ["[[network_p2p.peers]]", `address = "${address}"`];
  await using c = await startNode();
  await using a = await startNode(discovery, ...peersOf(c)); // so that it dials this machine
  const advertised = 'advertised_address = "/ip4/127.0.0.1/tcp/1"';
  await using b = await startNode(discovery, advertised, ...peersOf(a), ...peersOf(c));
  await a.log.waitFor(/^dial node\(\/ip4\/127.0.0.1\/tcp\/1\)/);
  await c.log.waitFor(/^session 1 opened/);
  assert.equal(c.log.count(/^dial node/), 0, "it is off by default");
  assert.equal(b.log.count(/^dial node/), 2);
});

Deno.test("startP2p() skips configured peers that cannot be parsed", async () => {
  await using node = await startNode("[[network_p2p.peers]]", 'address = "rubbish"');
  assert.equal(node.log.count(/^parse listen multi-addr\(rubbish\) failed$/), 1);
});

Deno.test("P2P_TABLE has the keys and defaults of the reference, and the README shows them", () => {
  const config = readTable(P2P_TABLE, parseDocument("[network_p2p]", "config.toml"));
  assert.deepEqual(config, {
    port: 40000,
    grpc_port: 50000,
    peers: [],
    grpc_frame: 16_777_215,
    enable_tls: false,
    domain: "",
    server_chain_certs: null,
    server_key: null,
    ca_cert: null,
    protocols: null,
    cypher_suits: null,
    enable_discovery: false,
    advertised_address: null,
    key_file: null,
    known_peers_only: false,
    enable_metrics: true,
    metrics_port: 0,
    metrics_buckets: [0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 100, 250, 500],
  });
  const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
  const columns = (text: string) =>
    text.split("\n").map((line) => line.split(/\s*\|\s*/).join("|"));
  const shown = columns(readme);
  for (const row of columns(describeTable(P2P_TABLE)).slice(2)) assert(shown.includes(row), row);
});
