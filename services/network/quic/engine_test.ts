import assert from "node:assert/strict";
import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import { readRecordedNode } from "../../../shared/x509/testing/recorded.ts";
import { createCertificateAuthority, issueCertificate } from "../../../shared/x509/mod.ts";
import { type Credentials, Engine, EngineError } from "./engine.ts";
import { AUTHORITY, credentialsOf } from "./testing/credentials.ts";
import { addressOf, Line, type LineFaults, type Station } from "./testing/line.ts";

const SEED = Number(Deno.env.get("SEED") ?? 1);
const A = credentialsOf("a.fy");
const B = credentialsOf("b.fy");

/** Two engines of which the first one dials the second. */
function dial(
  { credentials = A, domain = "b.fy", server = B, faults }: {
    readonly credentials?: Credentials;
    readonly domain?: string;
    readonly server?: Credentials;
    readonly faults?: LineFaults;
  },
) {
  const line = new Line(seededRandom(SEED), faults);
  const [a, b] = [line.add(credentials), line.add(server)];
  const connection = a.engine.connect(line.nowMs, b.address, domain);
  line.runUntil(() => a.events.length > 0);
  return { line, a, b, connection };
}

function kinds({ events }: Station): string[] {
  return events.map(({ kind }) => kind);
}

/** Why the first connection of a station was lost. */
function lossOf({ events }: Station): string {
  const lost = events.find((event) => event.kind === "lost");
  return lost?.kind === "lost" ? lost.reason : "";
}

/** All that comes on a stream; `progress` runs whenever something may have changed. */
function receiveAll(
  line: Line,
  { station, connection, size, progress }: {
    readonly station: Station;
    readonly connection: number;
    readonly size: number;
    readonly progress: () => void;
  },
): Bytes {
  const parts: Bytes[] = [];
  let received = 0;
  let isEnded = false;
  line.runUntil(() => {
    progress();
    for (const event of station.events.splice(0)) {
      if (isEnded || (event.kind !== "opened" && event.kind !== "readable")) continue;
      const outcome = station.engine.read(connection, event.stream);
      const { bytes } = outcome;
      isEnded = outcome.isEnded;
      parts.push(bytes);
      received += bytes.length;
    }
    return received >= size;
  }, 600_000);
  return concatBytes(...parts);
}

function connectionOf({ events }: Station): number {
  const [event] = events;
  assert(event?.kind === "connected");
  return event.connection;
}

Deno.test("Engine connects two nodes, and each knows the domain of the other", () => {
  const { line, a, b, connection } = dial({});
  using _line = line;
  assert.deepEqual(kinds(a), ["connected"]);
  assert.deepEqual(kinds(b), ["connected"]);
  assert.deepEqual(a.engine.peerDomains(connection), ["b.fy"]);
  assert.deepEqual(b.engine.peerDomains(connectionOf(b)), ["a.fy"]);
  const [event] = b.events;
  assert(event?.kind === "connected" && event.isIncoming);
  assert.deepEqual(event.address, { host: "10.0.0.1", port: 4000 });
});

Deno.test("Engine takes certificates that cloud-config of the reference made", () => {
  const { authorityPem: ca, certificatePem: cert, privateKeyPem: key } = readRecordedNode();
  const recorded = { ca, cert, key };
  const { line, a, connection } = dial({
    credentials: recorded,
    server: recorded,
    domain: "single-0",
  });
  using _line = line;
  assert.deepEqual(a.engine.peerDomains(connection), ["single-0"]);
});

Deno.test("Engine refuses a client whose certificate is of another authority, or expired", () => {
  const other = credentialsOf("a.fy", createCertificateAuthority());
  const expired = credentialsOf("a.fy", AUTHORITY, { notAfterMs: Date.UTC(2020, 0) });
  const early = credentialsOf("a.fy", AUTHORITY, { notBeforeMs: Date.UTC(4000, 0) });
  const server = credentialsOf("a.fy", AUTHORITY, { usages: ["server"] });
  const cases: [Credentials, RegExp][] = [
    [other, /UnknownIssuer|BadSignature/],
    [expired, /expired/],
    [early, /not valid yet/],
    [server, /extended key usage/i],
  ];
  for (const [credentials, reason] of cases) {
    const { line, a, b } = dial({ credentials });
    using _line = line;
    line.run(1_000);
    assert.deepEqual(kinds(b), ["lost"], "the server never takes it");
    assert.match(lossOf(b), reason);
    assert.deepEqual(kinds(a), ["lost"]);
    assert.match(lossOf(a), /aborted by peer/);
  }
});

Deno.test("Engine refuses a server of another name or authority", () => {
  const cases: [Credentials, string, RegExp][] = [
    [B, "c.fy", /not valid for name/],
    [credentialsOf("b.fy", createCertificateAuthority()), "b.fy", /UnknownIssuer|BadSignature/],
    [credentialsOf("b.fy", AUTHORITY, { usages: ["client"] }), "b.fy", /extended key usage/i],
  ];
  for (const [server, domain, reason] of cases) {
    const { line, a, b } = dial({ server, domain });
    using _line = line;
    line.run(1_000);
    assert.deepEqual(kinds(a), ["lost"]);
    assert.match(lossOf(a), reason);
    assert.deepEqual(kinds(b), ["lost"]);
  }
});

Deno.test("Engine refuses credentials and domains that cannot be used", () => {
  const otherKey = issueCertificate(AUTHORITY, "a.fy").privateKeyPem;
  const cases = [
    [{ ca: "" }, /^EngineError: Cannot use the CA certificate: /],
    [{ cert: "x" }, /^EngineError: Cannot use the certificate: /],
    [{ key: "" }, /^EngineError: Cannot use the key: /],
    [{ key: otherKey }, /^EngineError: Cannot use the certificate with the key: /],
  ] as const;
  for (const [part, message] of cases) {
    assert.throws(() => new Engine({ ...A, ...part }, 0), message);
  }
  using engine = new Engine(A, 0);
  const address = addressOf({ host: "10.0.0.2", port: 4000 });
  assert.throws(() => engine.connect(0, address, "not a domain"), EngineError);
  assert.throws(() => engine.connect(0, address, ""), EngineError);
  const nowhere = addressOf({ host: "10.0.0.2", port: 0 });
  assert.throws(() => engine.connect(0, nowhere, "b.fy"), EngineError);
});

Deno.test("Engine answers for connections and streams that do not exist with errors", () => {
  const { line, a, connection } = dial({});
  using _line = line;
  const unknown = connection + 1;
  for (
    const call of [
      () => a.engine.openStream(unknown, 0),
      () => a.engine.write(unknown, 0, Uint8Array.of(1)),
      () => a.engine.write(connection, 7, Uint8Array.of(1)),
      () => a.engine.read(unknown, 0),
      () => a.engine.finish(connection, -1),
      () => a.engine.stop(connection, 2 ** 52, 0),
      () => a.engine.close(0, unknown, ""),
      () => a.engine.peerDomains(unknown),
      () => a.engine.statistics(unknown),
    ]
  ) assert.throws(call, EngineError);
  assert.equal(a.engine.write(connection, a.engine.openStream(connection, 0), Uint8Array.of(1)), 1);
});

Deno.test("Engine carries streams unharmed over a line that loses, doubles, damages and mixes up", () => {
  console.log(`seed ${SEED}`);
  const faults = { lost: 0.05, doubled: 0.05, damaged: 0.05, jitterMs: 10 };
  const { line, a, b, connection } = dial({ faults });
  using _line = line;
  const random = seededRandom(SEED + 1);
  const data = Uint8Array.from({ length: 500_000 }, () => random() * 256);
  const stream = a.engine.openStream(connection, 0);
  line.runUntil(() => b.events.length > 0);
  const peer = connectionOf(b);
  let written = 0;
  const progress = () => {
    if (written === data.length) return;
    written += a.engine.write(connection, stream, data.subarray(written));
    if (written === data.length) a.engine.finish(connection, stream);
  };
  const received = receiveAll(line, { station: b, connection: peer, size: data.length, progress });
  assert.deepEqual(received, data);
  line.runUntil(() => a.events.some(({ kind }) => kind === "finished"));
  const { lostCount, datagramSize } = a.engine.statistics(connection);
  assert(lostCount > 0, "the line lost something");
  assert(datagramSize <= 1_472, "a network takes datagrams of Ethernet only");
});

Deno.test("Engine sends the stream of higher priority first", () => {
  const { line, a, b, connection } = dial({});
  using _line = line;
  const [bulk, votes] = [0, 1].map((priority) => a.engine.openStream(connection, priority));
  assert(bulk !== undefined && votes !== undefined);
  const size = a.engine.write(connection, bulk, new Uint8Array(8_000_000));
  assert(size < 8_000_000, "a stream takes as much as the peer allows");
  assert.equal(a.engine.write(connection, votes, new Uint8Array(30_000)), 30_000);
  const peer = connectionOf(b);
  let votesSize = 0;
  line.runUntil(() => {
    votesSize += b.engine.read(peer, votes).bytes.length;
    return votesSize === 30_000;
  });
  const bulkSize = b.engine.read(peer, bulk).bytes.length;
  assert(bulkSize < 5_000, `${bulkSize} bytes were in front of votes`);
});

Deno.test("Engine gives every connection its turn to send", () => {
  using line = new Line(seededRandom(SEED));
  const [server, ...clients] = [line.add(B), line.add(A), line.add(A)];
  assert(server !== undefined);
  for (const { engine } of clients) engine.connect(0, server.address, "b.fy");
  line.runUntil(() => server.events.length === 2);
  const peers = server.events.map(({ connection }) => connection);
  const streams = peers.map((peer) => server.engine.openStream(peer, 0));
  const writeToAll = () => {
    for (const [index, peer] of peers.entries()) {
      server.engine.write(peer, streams[index] ?? assert.fail(), new Uint8Array(1_000_000));
    }
  };
  writeToAll();
  line.run(5_000); // it learns that the line is good for more than a few datagrams
  writeToAll();
  const hosts = Array.from({ length: 4 }, () => server.engine.transmit(line.nowMs)?.address.host);
  assert.notEqual(hosts[0], hosts[1]);
  assert.deepEqual(hosts.slice(0, 2), hosts.slice(2), "in turns");
});

Deno.test("Engine holds a peer back whose data is not read", () => {
  const { line, a, connection } = dial({});
  using _line = line;
  const taken = [0, 0, 0, 0, 0, 0].map(() => {
    const stream = a.engine.openStream(connection, 0);
    let size = 0;
    for (let count = 0; count < 100; count++) {
      size += a.engine.write(connection, stream, new Uint8Array(1_000_000));
      line.run(20);
    }
    return size;
  });
  assert.equal(taken[0], 4 * 1024 * 1024, "of one stream");
  const sum = taken.reduce((total, size) => total + size);
  assert.equal(sum, 16 * 1024 * 1024, "of all streams");
});

Deno.test("Engine tells of room on a stream that the limit of all streams has cut short", () => {
  const { line, a, b, connection } = dial({});
  using _line = line;
  const sizes = [1_000_000, 5_000_000, 5_000_000, 5_000_000, 5_000_000];
  const streams = sizes.map((size) => {
    const stream = a.engine.openStream(connection, 0);
    const taken = a.engine.write(connection, stream, new Uint8Array(size));
    line.run(1_000);
    return { stream, taken };
  });
  const last = streams.at(-1);
  assert(last !== undefined && last.taken > 0 && last.taken < 4 * 1024 * 1024);
  a.events.splice(0);
  const peer = connectionOf(b);
  line.runUntil(() => {
    for (const { stream } of streams.slice(0, -1)) b.engine.read(peer, stream);
    return a.events.some((event) => event.kind === "writable" && event.stream === last.stream);
  });
});

Deno.test("Engine gives a silent peer up after ten seconds, and keeps one that is only idle", () => {
  const { line, a, b } = dial({});
  using _line = line;
  line.run(60_000);
  assert.deepEqual([kinds(a), kinds(b)], [["connected"], ["connected"]]);
  const silence = new Line(seededRandom(SEED), { lost: 1, doubled: 0, damaged: 0, jitterMs: 0 });
  using _silence = silence;
  const station = silence.add(A);
  station.engine.connect(0, addressOf({ host: "10.0.0.9", port: 1 }), "b.fy");
  silence.runUntil(() => station.events.length > 0, 20_000);
  assert.deepEqual(kinds(station), ["lost"]);
  assert(silence.nowMs >= 9_900 && silence.nowMs <= 10_100, `after ${silence.nowMs} ms`);
});
