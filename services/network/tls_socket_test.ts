import assert from "node:assert/strict";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { type Clock, SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { createCertificateAuthority, issueCertificate } from "../../shared/x509/mod.ts";
import { Inbox } from "./testing/inbox.ts";
import { ManualClock } from "./testing/manual_clock.ts";
import {
  dialTls,
  type PeerCheck,
  TlsListener,
  type TlsSettings,
  type TlsSocket,
} from "./tls_socket.ts";

interface Server extends Disposable {
  readonly port: number;
  readonly sockets: Inbox<TlsSocket>;
  readonly refusals: Inbox<string>;
  readonly listener: TlsListener;
  /** Connects with an identity of the same authority, or with what is given instead. */
  dial(options?: Partial<TlsSettings> & { serverName?: string }): Promise<TlsSocket>;
}

const AUTHORITY = createCertificateAuthority();

/** PEM texts of who a peer is. */
function identityOf(domain: string, authority = AUTHORITY): { cert: string; key: string } {
  const { certificatePem, privateKeyPem } = issueCertificate(authority, domain);
  return { cert: certificatePem, key: privateKeyPem };
}

const ACCEPT_ALL: PeerCheck = () => null;

function settingsOf(domain: string): TlsSettings {
  return { ca: AUTHORITY.certificatePem, ...identityOf(domain), checkPeer: ACCEPT_ALL };
}

async function openServer(
  { clock = SYSTEM_CLOCK, ...own }: Partial<TlsSettings> & { clock?: Clock } = {},
): Promise<Server> {
  const sockets = new Inbox<TlsSocket>();
  const refusals = new Inbox<string>();
  const listener = await TlsListener.listen({
    hostname: "127.0.0.1",
    port: 0,
    settings: { ...settingsOf("a.fy"), ...own },
    clock,
    onSocket: sockets.push,
    onRefused: (_address, reason) => refusals.push(reason),
  });
  const client = settingsOf("b.fy");
  const { port } = listener;
  return {
    port,
    sockets,
    refusals,
    listener,
    dial: ({ serverName = "a.fy", ...changes } = {}) => {
      const settings = { ...client, ...changes };
      const { signal } = new AbortController();
      return dialTls({ hostname: "127.0.0.1", port, serverName, settings, clock, signal });
    },
    [Symbol.dispose]: () => listener.close(),
  };
}

async function writeAll(socket: TlsSocket, bytes: Bytes): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await socket.write(rest));
}

/** Reads as many bytes, in pieces of up to 1,000. */
async function readExactly(socket: TlsSocket, size: number): Promise<Bytes> {
  const bytes = new Uint8Array(size);
  for (let offset = 0; offset < size;) {
    const read = await socket.read(bytes.subarray(offset, offset + 1_000));
    assert(read !== null, "the stream goes on");
    offset += read;
  }
  return bytes;
}

/** The dialling side learns of a refusal after its own handshake, by the end of the connection. */
async function assertCutOff(socket: TlsSocket): Promise<void> {
  assert.equal(await socket.read(new Uint8Array(1)).catch(() => null), null);
  socket.close();
}

/** Resolves when a number has not changed for a moment. */
async function idle(read: () => number): Promise<void> {
  for (let before = -1; before < read();) {
    before = read();
    await SYSTEM_CLOCK.sleep(200);
  }
}

Deno.test("dialTls() and TlsListener move bytes both ways and know each other", async () => {
  using server = await openServer();
  const client = await server.dial();
  const accepted = await server.sockets.next();
  const sent = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
  for (const [from, to] of [[client, accepted], [accepted, client]] as const) {
    const [received] = await Promise.all([readExactly(to, sent.length), writeAll(from, sent)]);
    assert.deepEqual(received, sent);
    assert.equal(to.peerChain.length, 1);
    assert.equal(to.peerChain[0]?.[0], 0x30, "DER begins with a SEQUENCE");
  }
  assert.deepEqual(client.remoteAddr, { hostname: "127.0.0.1", port: server.port });
  assert.equal(accepted.remoteAddr.hostname, "127.0.0.1");
  client.close();
  assert.equal(await accepted.read(new Uint8Array(1)), null);
  accepted.close();
  await assert.rejects(client.read(new Uint8Array(1)), /the connection is closed/);
});

Deno.test("a chain of several certificates arrives in its order", async () => {
  using server = await openServer();
  const { cert, key } = identityOf("c.fy");
  const client = await server.dial({ cert: cert + AUTHORITY.certificatePem, key });
  const accepted = await server.sockets.next();
  assert.equal(accepted.peerChain.length, 2);
  client.close();
  accepted.close();
});

Deno.test("TlsListener refuses a peer of another authority or whom its check refuses", async () => {
  using server = await openServer();
  const other = createCertificateAuthority();
  const stranger = await server.dial(identityOf("b.fy", other));
  await server.refusals.next();
  assert.equal(server.sockets.size, 0);
  await assertCutOff(stranger);
  using strict = await openServer({ checkPeer: () => "not wanted" });
  const unwanted = await strict.dial();
  assert.equal(await strict.refusals.next(), "not wanted");
  await assertCutOff(unwanted);
  assert.equal(strict.sockets.size, 0);
});

Deno.test("TlsListener refuses a peer without a certificate", async () => {
  using server = await openServer();
  const caCerts = [AUTHORITY.certificatePem];
  const raw = await Deno.connectTls({ hostname: "127.0.0.1", port: server.port, caCerts })
    .catch(() => null); // the name is wrong for this client, which is all the same here
  raw?.close();
  await server.refusals.next();
  assert.equal(server.sockets.size, 0);
});

Deno.test("dialTls() refuses a server with another name, authority or check", async () => {
  using server = await openServer();
  const other = createCertificateAuthority();
  await assert.rejects(server.dial({ serverName: "x.fy" }), /not valid for name "x.fy"/);
  await assert.rejects(server.dial({ ca: other.certificatePem }), /UnknownIssuer|BadSignature/);
  const dial = assert.rejects(server.dial({ checkPeer: () => "not wanted" }), /not wanted/);
  await assertCutOff(await server.sockets.next());
  await dial;
});

Deno.test("both sides keep to the versions of TLS that they are given", async () => {
  using server = await openServer({ minVersion: "TLSv1.3" });
  await assert.rejects(server.dial({ maxVersion: "TLSv1.2" }), /ProtocolVersion/);
  await server.refusals.next();
  let suite = "";
  const checkPeer: PeerCheck = (handshake) => {
    suite = handshake.suite;
    return null;
  };
  const client = await server.dial({ checkPeer });
  assert.match(suite, /^TLS13_/);
  client.close();
  (await server.sockets.next()).close();
});

Deno.test("a handshake that takes too long ends, on both sides", async () => {
  const clock = new ManualClock();
  using server = await openServer({ clock });
  const silent = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const deaf = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { signal } = new AbortController();
  const settings = settingsOf("b.fy");
  const { port } = deaf.addr;
  const target = { hostname: "127.0.0.1", port, serverName: "a.fy" };
  const dial = dialTls({ ...target, settings, clock, signal });
  const accepted = await deaf.accept();
  const client = await server.dial(); // accepted after the silent one
  (await server.sockets.next()).close();
  clock.advance(9_999);
  clock.advance(1);
  assert.equal(await server.refusals.next(), "no handshake within 10000 ms");
  await assert.rejects(dial, /no handshake within 10000 ms/);
  assert.equal(await silent.read(new Uint8Array(1)).catch(() => null), null);
  for (const socket of [silent, accepted, deaf, client]) socket.close();
  clock.advance(500);
});

Deno.test("TlsListener holds at most 1,024 handshakes, the oldest one ends", async () => {
  using server = await openServer();
  const silent: Deno.Conn[] = [];
  for (let count = 0; count < 1_030; count++) {
    silent.push(await Deno.connect({ hostname: "127.0.0.1", port: server.port }));
  }
  for (const reason of await server.refusals.take(6)) {
    assert.equal(reason, "more than 1024 connections are half-open");
  }
  const client = await server.dial(); // honest peers are not locked out
  (await server.sockets.next()).close();
  client.close();
  for (const socket of silent) socket.close();
});

Deno.test("write() waits for a peer that does not read, close() ends it all the same", async () => {
  const clock = new ManualClock();
  using server = await openServer({ clock });
  const client = await server.dial();
  const accepted = await server.sockets.next();
  const bytes = new Uint8Array(1_000_000);
  let writtenSize = 0;
  const writing = (async () => {
    for (;;) writtenSize += await accepted.write(bytes);
  })();
  const failed = assert.rejects(writing);
  await client.read(new Uint8Array(1));
  await idle(() => writtenSize);
  assert(writtenSize < 50_000_000, `${writtenSize} bytes were taken`);
  accepted.close();
  clock.advance(500);
  await failed;
  client.close();
  clock.advance(500);
});

Deno.test("dialTls() rejects when nobody listens and when it is told to stop", async () => {
  using server = await openServer();
  const stop = new AbortController();
  const { port } = server;
  const settings = settingsOf("b.fy");
  const target = { hostname: "127.0.0.1", serverName: "a.fy", settings, clock: SYSTEM_CLOCK };
  server.listener.close();
  await assert.rejects(dialTls({ ...target, port, signal: stop.signal }), /refused|reset/);
  const deaf = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dial = dialTls({ ...target, port: deaf.addr.port, signal: stop.signal });
  stop.abort(new Error("this node stops"));
  await assert.rejects(dial, /this node stops/);
  deaf.close();
});
