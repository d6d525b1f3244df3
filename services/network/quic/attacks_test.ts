import assert from "node:assert/strict";
import process from "node:process";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import { Engine } from "./engine.ts";
import { credentialsOf } from "./testing/credentials.ts";
import { addressOf, Line } from "./testing/line.ts";

const SEED = Number(Deno.env.get("SEED") ?? 1);
const A = credentialsOf("a.fy");
const B = credentialsOf("b.fy");

/** Connections that one engine can begin at once. */
const BEGUN_MAX = 1_000;

/** Type of a long header that asks to try again (RFC 9000, section 17.2.5). */
const RETRY_TYPE = 3;

/** First datagrams of so many clients that will not go on. */
function* firstDatagrams(count: number): Generator<Bytes> {
  for (let made = 0; made < count; made += BEGUN_MAX) {
    using engine = new Engine(A, 0);
    for (let index = 0; index < Math.min(BEGUN_MAX, count - made); index++) {
      engine.connect(0, hostAddress(1), "b.fy");
      const batch = engine.transmit(0);
      yield batch?.datagrams[0]?.slice() ?? assert.fail("a client begins");
    }
  }
}

function hostAddress(index: number): Bytes {
  const octets = [10, 1 + (index >> 16), (index >> 8) & 0xff, index & 0xff];
  return addressOf({ host: octets.join("."), port: 4433 });
}

function takeDatagrams(engine: Engine, nowMs = 0): Bytes[] {
  const datagrams: Bytes[] = [];
  for (let batch = engine.transmit(nowMs); batch !== null; batch = engine.transmit(nowMs)) {
    datagrams.push(...batch.datagrams.map((datagram) => datagram.slice()));
  }
  return datagrams;
}

function isRetry([first = 0]: Bytes): boolean {
  return first >> 7 === 1 && ((first >> 4) & 3) === RETRY_TYPE;
}

function memorySize(): number {
  return process.memoryUsage().rss;
}

Deno.test("Engine keeps nothing of a flood of first datagrams from false addresses", () => {
  using line = new Line(seededRandom(SEED));
  const [server, client] = [line.add(B), line.add(A)];
  let [retries, others] = [0, 0];
  let before = 0;
  let count = 0;
  for (const datagram of firstDatagrams(10_000)) {
    server.engine.receive(line.nowMs, hostAddress(count), datagram);
    const answers = takeDatagrams(server.engine);
    if (answers.some(isRetry)) retries += 1;
    else if (answers.length > 0) others += 1;
    count += 1;
    if (count === 2_000) before = memorySize();
  }
  const grown = memorySize() - before;
  assert(grown < 30_000_000, `8,000 datagrams left ${grown} bytes`);
  assert.deepEqual({ retries, others }, { retries: 10_000 - 32, others: 32 });

  client.engine.connect(line.nowMs, server.address, "b.fy");
  line.runUntil(() => client.events.length > 0, 1_000);
  assert.deepEqual(client.events.map(({ kind }) => kind), ["connected"], "in the midst of it");
  line.runUntil(() => server.events.filter(({ kind }) => kind === "lost").length === 32, 20_000);
});

Deno.test("Engine lets no host keep others out with connections that it does not finish", () => {
  using line = new Line(seededRandom(SEED));
  const [server, client] = [line.add(B), line.add(A)];
  using attacker = new Engine(A, 0);
  for (let count = 0; count < 100; count++) attacker.connect(0, server.address, "b.fy");
  for (let round = 0; round < 2; round++) {
    for (const datagram of takeDatagrams(attacker)) {
      server.engine.receive(0, hostAddress(1), datagram);
      for (const answer of takeDatagrams(server.engine)) {
        if (isRetry(answer)) attacker.receive(0, server.address, answer);
      }
    }
  }
  client.engine.connect(line.nowMs, server.address, "b.fy");
  line.runUntil(() => client.events.length > 0, 1_000);
  assert.deepEqual(client.events.map(({ kind }) => kind), ["connected"]);
  line.run(20_000);
  const lost = server.events.filter(({ kind }) => kind === "lost");
  assert.equal(lost.length, 32 + 16, "unchecked ones, and those of the attacker's address");
});

Deno.test("Engine gives up a stranger who stays in touch but never proves who it is", () => {
  using server = new Engine(B, 0);
  using stranger = new Engine(A, 0);
  stranger.connect(0, hostAddress(1), "b.fy");
  let lostMs: number | null = null;
  let receivedMs = 0;
  for (let nowMs = 0; lostMs === null && nowMs < 60_000; nowMs += 50) {
    stranger.handleTimeout(nowMs);
    for (const datagram of takeDatagrams(stranger, nowMs)) {
      server.receive(nowMs, hostAddress(2), datagram);
      receivedMs = nowMs;
    }
    server.handleTimeout(nowMs);
    takeDatagrams(server, nowMs); // nothing of it arrives: the stranger tries again
    if (server.nextEvent()?.kind === "lost") lostMs = nowMs;
  }
  assert(receivedMs > 3_000, `the last datagram came at ${receivedMs} ms`);
  assert.equal(lostMs, 10_000);
});

Deno.test("Engine drops datagrams that are none of its connections", () => {
  console.log(`seed ${SEED}`);
  const random = seededRandom(SEED);
  using line = new Line(random);
  const [server, client] = [line.add(B), line.add(A)];
  const connection = client.engine.connect(0, server.address, "b.fy");
  line.runUntil(() => client.events.length > 0);
  const [genuine] = firstDatagrams(1);
  const before = memorySize();
  for (let count = 0; count < 20_000; count++) {
    const size = Math.floor(random() * 1_500);
    const garbage = Uint8Array.from({ length: size }, () => random() * 256);
    if (count % 4 === 0) garbage.set((genuine ?? garbage).subarray(0, Math.min(size, 40))); // head
    const from = count % 2 === 0 ? client.address : hostAddress(count);
    server.engine.receive(line.nowMs, from, garbage);
    takeDatagrams(server.engine, line.nowMs);
  }
  const grown = memorySize() - before;
  assert(grown < 30_000_000, `garbage left ${grown} bytes`);
  const stream = client.engine.openStream(connection, 0);
  client.engine.write(connection, stream, Uint8Array.of(1));
  line.runUntil(() => server.events.some(({ kind }) => kind === "opened"), 1_000);
  assert(!client.events.some(({ kind }) => kind === "lost"));
});
