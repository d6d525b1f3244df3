import assert from "node:assert/strict";
import { type Bytes, concatBytes } from "../../shared/bytes/mod.ts";
import { readRecordedNode } from "../../shared/x509/testing/recorded.ts";
import { createCertificateAuthority, issueCertificate } from "../../shared/x509/mod.ts";
import { TlsContext, type TlsIdentity, type TlsSession } from "./tls_session.ts";

const AUTHORITY = createCertificateAuthority();

function identityOf(domain: string, authority = AUTHORITY): TlsIdentity {
  const { certificatePem: cert, privateKeyPem: key } = issueCertificate(authority, domain);
  return { ca: AUTHORITY.certificatePem, cert, key };
}

/** Both ends of a connection that has no network. */
class Pair implements Disposable {
  readonly client: TlsSession;
  readonly server: TlsSession;

  constructor({ client = identityOf("b.fy"), server = identityOf("a.fy"), name = "a.fy" } = {}) {
    using dialling = new TlsContext(client);
    using dialled = new TlsContext(server);
    this.client = dialling.connect(name);
    this.server = dialled.accept();
  }

  /** Moves what both sides have to say until they have nothing more. */
  shakeHands(): void {
    const { client, server } = this;
    for (let isBusy = true; isBusy;) {
      const flights = [deliver(client, server), deliver(server, client)];
      isBusy = flights.some((size) => size > 0);
    }
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
    this.server[Symbol.dispose]();
  }
}

/** Everything that a session gives for its connection, `room` bytes at once. */
function seal(session: TlsSession, plaintext: Bytes = new Uint8Array(0), room = 64 * 1024): Bytes {
  const parts: Bytes[] = [];
  let rest = plaintext;
  do {
    const out = new Uint8Array(room);
    const { taken, given } = session.send(rest, out);
    rest = rest.subarray(taken);
    parts.push(out.subarray(0, given));
  } while (rest.length > 0 || session.isPending);
  return concatBytes(...parts);
}

/** Everything that a session makes of bytes of its connection, `room` bytes at once. */
function open(session: TlsSession, ciphertext: Bytes, room = 64 * 1024): Bytes {
  const parts: Bytes[] = [];
  for (let rest = ciphertext;;) {
    const out = new Uint8Array(room);
    const { taken, given } = session.receive(rest, out);
    rest = rest.subarray(taken);
    parts.push(out.subarray(0, given));
    if (given === 0) return concatBytes(...parts);
  }
}

function deliver(from: TlsSession, to: TlsSession): number {
  const flight = seal(from);
  to.receive(flight, new Uint8Array(1_000)); // room for data, of which there is none yet
  return flight.length;
}

Deno.test("TlsSession identifies both sides and moves bytes both ways, in pieces of any size", () => {
  using pair = new Pair();
  const { client, server } = pair;
  assert(client.isHandshaking && server.isHandshaking);
  pair.shakeHands();
  assert(!client.isHandshaking && !server.isHandshaking);
  assert.equal(client.suite(), server.suite());
  assert.match(client.suite(), /^TLS13_/);
  const sent = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
  for (const [from, to] of [[client, server], [server, client]] as const) {
    assert.equal(to.peerChain().length, 1);
    for (const room of [1_000, 70_000, 1_000_000]) {
      assert.deepEqual(open(to, seal(from, sent, room), room), sent);
    }
  }
});

Deno.test("TlsSession.close() tells the peer, who may still send", () => {
  using pair = new Pair();
  pair.shakeHands();
  const { client, server } = pair;
  const last = seal(client, new Uint8Array([1]));
  client.close();
  assert.deepEqual(open(server, concatBytes(last, seal(client))), new Uint8Array([1]));
  assert(server.isEnded && !client.isEnded);
  assert.deepEqual(open(client, seal(server, new Uint8Array([2]))), new Uint8Array([2]));
});

Deno.test("TlsSession takes certificates that cloud-config of the reference made", () => {
  const { authorityPem: ca, certificatePem: cert, privateKeyPem: key } = readRecordedNode();
  const recorded = { ca, cert, key };
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const client = { ...recorded, maxVersion: version };
    using pair = new Pair({ client, server: recorded, name: "single-0" });
    pair.shakeHands();
    assert(!pair.client.isHandshaking && !pair.server.isHandshaking);
  }
});

Deno.test("TlsSession refuses a client of another authority, and tells it why", () => {
  using pair = new Pair({ client: identityOf("b.fy", createCertificateAuthority()) });
  assert.throws(() => pair.shakeHands(), /invalid peer certificate/);
  assert.throws(() => deliver(pair.server, pair.client), /received fatal alert/);
});

Deno.test("TlsSession refuses a server of another name, authority or version", () => {
  const cases = [
    [{ name: "x.fy" }, /not valid for name "x.fy"/],
    [{ server: identityOf("a.fy", createCertificateAuthority()) }, /UnknownIssuer|BadSignature/],
    [
      { client: { ...identityOf("b.fy"), maxVersion: "TLSv1.2" as const }, server: onlyModern() },
      /peer is incompatible/,
    ],
  ] as const;
  for (const [options, reason] of cases) {
    using pair = new Pair(options);
    assert.throws(() => pair.shakeHands(), reason);
  }
});

function onlyModern(): TlsIdentity {
  return { ...identityOf("a.fy"), minVersion: "TLSv1.3" };
}

Deno.test("TlsSession ends with rubbish, records that are too long or changed on their way", () => {
  const rubbish = [
    new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
    new Uint8Array([0x17, 0x03, 0x03, 0xff, 0xff]),
    new Uint8Array(1_000),
  ];
  for (const bytes of rubbish) {
    using fresh = new Pair();
    assert.throws(() => open(fresh.server, bytes), { name: "EngineError" });
    using pair = new Pair();
    pair.shakeHands();
    assert.throws(() => open(pair.server, bytes), { name: "EngineError" });
    assert.throws(() => deliver(pair.server, pair.client), /received fatal alert/);
  }
  using pair = new Pair();
  pair.shakeHands();
  const changed = new Uint8Array(seal(pair.client, new Uint8Array(100)));
  changed[50] = (changed[50] ?? 0) ^ 1;
  assert.throws(() => open(pair.server, changed), /cannot decrypt peer's message/);
});

Deno.test("TlsContext tells which part of an identity is not usable", () => {
  const good = identityOf("a.fy");
  const cases: [Partial<TlsIdentity>, RegExp][] = [
    [{ ca: "" }, /the CA certificate/],
    [{ cert: "rubbish" }, /the certificate/],
    [{ key: "" }, /the key/],
    [{ key: identityOf("b.fy").key }, /the certificate with the key/],
    [{ suites: ["NULL"] }, /no usable cipher suites/],
    [{ suites: ["TLS13_AES_256_GCM_SHA384"], maxVersion: "TLSv1.2" }, /no usable cipher suites/],
  ];
  for (const [changes, reason] of cases) {
    assert.throws(() => new TlsContext({ ...good, ...changes }), reason);
  }
  using context = new TlsContext(good);
  assert.throws(() => context.connect("a b"), { name: "EngineError" });
});
