/** Connections of tls_socket.ts with peers that are not ours: `node:tls`, and bytes by hand. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type TLSSocket } from "node:tls";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { createCertificateAuthority, issueCertificate } from "../../shared/x509/mod.ts";
import { Inbox } from "./testing/inbox.ts";
import { dialTls, TlsListener, type TlsSettings, type TlsSocket } from "./tls_socket.ts";

const AUTHORITY = createCertificateAuthority();
const LARGE_SIZE = 20_000_000;

function settingsOf(domain: string): TlsSettings {
  const { certificatePem: cert, privateKeyPem: key } = issueCertificate(AUTHORITY, domain);
  return { ca: AUTHORITY.certificatePem, cert, key, checkPeer: () => null };
}

interface Server extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Inbox<TlsSocket>;
  readonly refusals: Inbox<string>;
}

async function listen(): Promise<Server> {
  const sockets = new Inbox<TlsSocket>();
  const refusals = new Inbox<string>();
  const listener = await TlsListener.listen({
    hostname: "127.0.0.1",
    port: 0,
    settings: { ...settingsOf("a.fy"), minVersion: "TLSv1.3" },
    clock: SYSTEM_CLOCK,
    onSocket: sockets.push,
    onRefused: (_, reason) => refusals.push(reason),
  });
  return {
    port: listener.port,
    sockets,
    refusals,
    [Symbol.asyncDispose]() {
      listener.close();
      return Promise.resolve();
    },
  };
}

function dial(port: number): Promise<TlsSocket> {
  const { signal } = new AbortController();
  const target = { hostname: "127.0.0.1", port, serverName: "a.fy" };
  return dialTls({ ...target, settings: settingsOf("b.fy"), clock: SYSTEM_CLOCK, signal });
}

function dialForeign(port: number, options: { readonly maxVersion?: "TLSv1.2" } = {}): TLSSocket {
  const { ca, cert, key } = settingsOf("b.fy");
  return connect({ host: "127.0.0.1", port, servername: "a.fy", ca, cert, key, ...options });
}

/** Reads until the end and tells how much there was. */
async function drain(socket: TlsSocket): Promise<number> {
  const buffer = new Uint8Array(64 * 1024);
  let size = 0;
  for (;;) {
    const count = await socket.read(buffer);
    if (count === null) return size;
    assert(buffer.subarray(0, count).every((byte, index) => byte === (size + index) % 251));
    size += count;
  }
}

async function writeAll(socket: TlsSocket, bytes: Bytes): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await socket.write(rest));
}

const LARGE = Uint8Array.from({ length: LARGE_SIZE }, (_, index) => index % 251);

/** The foreign side: sends much and ends, and takes as much. */
async function exchange(socket: TLSSocket): Promise<number> {
  let size = 0;
  socket.on("data", (chunk: Bytes) => size += chunk.length);
  socket.end(LARGE);
  while (size < LARGE_SIZE) await once(socket, "data");
  return size;
}

Deno.test("much goes both ways at once with a client that is not ours, which ends first", async () => {
  await using server = await listen();
  const foreign = dialForeign(server.port);
  const accepted = await server.sockets.next();
  const sizes = await Promise.all([
    exchange(foreign),
    drain(accepted),
    writeAll(accepted, LARGE), // goes on after the other side has ended its part
  ]);
  assert.deepEqual(sizes.slice(0, 2), [LARGE_SIZE, LARGE_SIZE]);
  const closed = once(foreign, "close");
  accepted.close();
  await closed;
});

Deno.test("much goes both ways at once with a server that is not ours", async () => {
  const { ca, cert, key } = settingsOf("a.fy");
  const server = createServer({ ca, cert, key, requestCert: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  const connected = once(server, "secureConnection");
  const socket = await dial(address.port);
  const [foreign] = await connected;
  const sizes = await Promise.all([exchange(foreign), drain(socket), writeAll(socket, LARGE)]);
  assert.deepEqual(sizes.slice(0, 2), [LARGE_SIZE, LARGE_SIZE]);
  const closed = once(foreign, "close");
  socket.close();
  await closed;
  server.close();
});

Deno.test("a client that knows TLS 1.2 only is refused by a server of 1.3, and hears of it", async () => {
  await using server = await listen();
  const foreign = dialForeign(server.port, { maxVersion: "TLSv1.2" });
  const [error] = await once(foreign, "error");
  assert.match(String(error), /protocol ?version/i);
  assert.match(await server.refusals.next(), /peer is incompatible/);
  assert.equal(server.sockets.size, 0);
});

Deno.test("a stranger that sends no TLS gets an alert and an end", async () => {
  await using server = await listen();
  const raw = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await raw.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n".repeat(1_000)));
  const answer = new Uint8Array(100);
  assert.equal(await raw.read(answer), 7);
  assert.equal(answer[0], 0x15, "an alert");
  assert.equal(await raw.read(answer), null);
  assert.match(await server.refusals.next(), /corrupt message/);
  raw.close();
});

Deno.test("a connection that is cut in the middle of a record is not taken for one that ends", async () => {
  await using server = await listen();
  const middle = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialled = dial(middle.addr.port);
  const inner = await middle.accept();
  const outer = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const back = pump(outer, inner);
  const forth = pump(inner, outer, (size) => size > 10_000);
  const socket = await dialled;
  const accepted = await server.sockets.next();
  const writing = writeAll(socket, LARGE.subarray(0, 100_000));
  await forth;
  outer.close();
  await assert.rejects(drain(accepted), /cut off|reset/);
  accepted.close();
  await writing.catch(() => {});
  inner.close();
  socket.close();
  await back;
  middle.close();
});

/** Carries bytes from one connection to the other, up to a piece that is to be carried half. */
async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  isLast: (size: number) => boolean = () => false,
): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const size = await from.read(buffer).catch(() => null);
    if (size === null) return;
    const end = isLast(size) ? size / 2 : size;
    await to.write(buffer.subarray(0, end));
    if (end < size) return;
  }
}
