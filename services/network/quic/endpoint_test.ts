import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { createCertificateAuthority } from "../../../shared/x509/mod.ts";
import { Inbox } from "../testing/inbox.ts";
import { type Connection, ConnectionLost } from "./connection.ts";
import { Endpoint } from "./endpoint.ts";
import type { Credentials } from "./engine.ts";
import { AUTHORITY, credentialsOf } from "./testing/credentials.ts";
import type { ReceiveStream } from "./streams.ts";

const A = credentialsOf("a.fy");
const B = credentialsOf("b.fy");
const LOCALHOST = "127.0.0.1";

/** An endpoint with what it has told. */
interface Node extends AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly connections: Inbox<Connection>;
  readonly refusals: Inbox<string>;
}

function open(credentials: Credentials): Node {
  const connections = new Inbox<Connection>();
  const refusals = new Inbox<string>();
  const endpoint = new Endpoint({
    credentials,
    port: 0,
    clock: SYSTEM_CLOCK,
    onConnection: connections.push,
    onRefusal: (_address, reason) => refusals.push(reason),
  });
  const dispose = () => endpoint.close("the test is over");
  return { endpoint, connections, refusals, [Symbol.asyncDispose]: dispose };
}

/** Where a node listens. */
function placeOf({ endpoint }: Node, host = LOCALHOST) {
  return { host, port: endpoint.port };
}

function incomingStream(connection: Connection): Promise<ReceiveStream> {
  return new Promise((resolve) => connection.acceptStreams(resolve));
}

async function readText(stream: ReceiveStream): Promise<string> {
  let text = "";
  for (let bytes = await stream.read(); bytes !== null; bytes = await stream.read()) {
    text += new TextDecoder().decode(bytes);
  }
  return text;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A client that is not ours: the QUIC of Deno, without ALPN. */
function foreignClient(node: Node, credentials: Credentials, withCertificate = true) {
  const identity = withCertificate ? { cert: credentials.cert, key: credentials.key } : {};
  const options = {
    hostname: LOCALHOST,
    port: node.endpoint.port,
    serverName: "b.fy",
    alpnProtocols: [],
    caCerts: [AUTHORITY.certificatePem],
    ...identity,
  };
  return Deno.connectQuic(options);
}

Deno.test("Endpoint carries streams both ways between two nodes", async () => {
  await using a = open(A);
  await using b = open(B);
  const dialled = await a.endpoint.connect(placeOf(b), "b.fy");
  const accepted = await b.connections.next();
  assert.deepEqual(accepted.address, placeOf(a), "a node dials from the port that it listens at");
  assert.deepEqual(accepted.peerDomains, ["a.fy"]);
  for (const [from, to] of [[dialled, accepted], [accepted, dialled]] as const) {
    const stream = from.openStream(0);
    await stream.write([bytesOf("hello "), bytesOf("world")]);
    const finished = stream.finish();
    assert.equal(await readText(await incomingStream(to)), "hello world");
    await finished;
  }
  assert(dialled.statistics.roundTripMs > 0);
});

Deno.test("Endpoint finds out that datagrams may be large within a machine", async () => {
  await using a = open(A);
  await using b = open(B);
  const dialled = await a.endpoint.connect(placeOf(b), "b.fy");
  const accepted = await b.connections.next();
  const stream = dialled.openStream(0);
  const sent = stream.write([new Uint8Array(4_000_000)]).then(() => stream.finish());
  assert.equal((await readText(await incomingStream(accepted))).length, 4_000_000);
  await sent;
  const { datagramSize } = dialled.statistics;
  assert(datagramSize > 10_000 && datagramSize <= 16_384, `${datagramSize} bytes`);
});

Deno.test("Endpoint tells the other side that a connection is over, and why", async () => {
  await using a = open(A);
  await using b = open(B);
  const dialled = await a.endpoint.connect(placeOf(b), "b.fy");
  const accepted = await b.connections.next();
  await dialled.openStream(0).write([bytesOf("x")]);
  const stream = await incomingStream(accepted);
  await stream.read();
  const rest = stream.read();
  dialled.close("enough");
  assert.match(await accepted.lost, /enough/);
  await assert.rejects(rest, ConnectionLost);
  assert.throws(() => accepted.openStream(0), ConnectionLost);
  assert.equal(await dialled.lost, "enough");
});

Deno.test("Endpoint rejects a dial that is refused, given up, or goes nowhere", async () => {
  await using a = open(A);
  await using b = open(credentialsOf("b.fy", createCertificateAuthority()));
  await using c = open(B);
  const { endpoint } = a;
  await assert.rejects(endpoint.connect(placeOf(b), "b.fy"), /UnknownIssuer|BadSignature/);
  await assert.rejects(endpoint.connect(placeOf(c), "other.fy"), /not valid for name/);
  await assert.rejects(endpoint.connect(placeOf(c, "localhost"), "b.fy"), /it must be an IP/);
  const signal = AbortSignal.abort();
  await assert.rejects(endpoint.connect(placeOf(c), "b.fy", signal), /given up/);
  assert.match(await b.refusals.next(), /aborted by peer/);
});

Deno.test("Endpoint works with IPv6 as well", async () => {
  await using a = open(A);
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "::1", port: 0 });
  assert(socket.addr.transport === "udp");
  const controller = new AbortController();
  const place = { host: "::1", port: socket.addr.port };
  const dial = a.endpoint.connect(place, "b.fy", controller.signal);
  const [datagram, from] = await socket.receive();
  assert(datagram.length >= 1200 && from.transport === "udp" && from.hostname === "::1");
  controller.abort();
  await assert.rejects(dial, ConnectionLost);
  socket.close();
});

Deno.test("Endpoint takes a client that is not ours, with its certificate only", async () => {
  await using b = open(B);
  const connection = await foreignClient(b, A);
  const accepted = await b.connections.next();
  assert.deepEqual(accepted.peerDomains, ["a.fy"]);
  const writer = (await connection.createUnidirectionalStream()).getWriter();
  await writer.write(bytesOf("from quinn"));
  await writer.close();
  assert.equal(await readText(await incomingStream(accepted)), "from quinn");
  await accepted.openStream(0).write([bytesOf("to quinn")]);
  const { value: stream } = await connection.incomingUnidirectionalStreams.getReader().read();
  const { value } = await (stream ?? assert.fail()).getReader().read();
  assert.equal(new TextDecoder().decode(value), "to quinn");
  connection.close();
  await accepted.lost;

  const strangers = [
    foreignClient(b, A, false),
    foreignClient(b, credentialsOf("a.fy", createCertificateAuthority())),
  ];
  for (const stranger of strangers) {
    const connection = await stranger; // a client of TLS 1.3 is done before it is refused
    await connection.closed.catch(() => {});
  }
  const reasons = (await b.refusals.take(2)).join();
  assert.match(reasons, /peer sent no certificates/);
  assert.match(reasons, /UnknownIssuer|BadSignature/);
  assert.equal(b.connections.size, 0);
});

Deno.test("Endpoint dials a server that is not ours", async () => {
  await using a = open(A);
  const foreign = new Deno.QuicEndpoint({ hostname: LOCALHOST });
  const listener = foreign.listen({ cert: B.cert, key: B.key, alpnProtocols: [] });
  const incoming = listener.accept();
  const dialled = await a.endpoint.connect({ host: LOCALHOST, port: foreign.addr.port }, "b.fy");
  const connection = await incoming;
  await dialled.openStream(0).write([bytesOf("hello")]);
  const { value: stream } = await connection.incomingUnidirectionalStreams.getReader().read();
  const { value } = await (stream ?? assert.fail()).getReader().read();
  assert.equal(new TextDecoder().decode(value), "hello");
  connection.close({ closeCode: 7, reason: "done" });
  assert.match(await dialled.lost, /done/);
  foreign.close();
});

Deno.test("Connection.acceptStreams() gives a stream once that opens meanwhile", async () => {
  await using a = await open(A);
  await using b = await open(B);
  const connection = await a.endpoint.connect(placeOf(b), "b.fy");
  const opened = (stream: number) => connection.handle({ kind: "opened", connection: 0, stream });
  opened(1);
  let count = 0;
  connection.acceptStreams(() => {
    count += 1;
    if (count === 1) opened(2);
  });
  assert.equal(count, 2);
});
