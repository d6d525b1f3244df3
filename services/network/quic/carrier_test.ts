import assert from "node:assert/strict";
import { NetworkMsg } from "../../../proto/gen/network.ts";
import { type Bytes, u32be } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { createCertificateAuthority } from "../../../shared/x509/mod.ts";
import { type Channel, MESSAGE_SIZE_MAX } from "../domains/carrier.ts";
import { encodeFrame, joinFrame } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import { Inbox } from "../testing/inbox.ts";
import { RecordingLogger } from "../testing/recording_logger.ts";
import { Traffic } from "../traffic.ts";
import { QuicCarrier } from "./carrier.ts";
import { Endpoint } from "./endpoint.ts";
import type { Credentials } from "./engine.ts";
import { AUTHORITY, credentialsOf } from "./testing/credentials.ts";

const A = credentialsOf("a.fy");
const B = credentialsOf("b.fy");
const NEVER = new AbortController().signal;
const LOCALHOST = "127.0.0.1";

/** A listening carrier; disposal closes it. */
interface Node extends AsyncDisposable {
  readonly carrier: QuicCarrier;
  readonly accepted: Inbox<Channel>;
  readonly log: RecordingLogger;
}

async function open(identity: Credentials): Promise<Node> {
  const accepted = new Inbox<Channel>();
  const log = new RecordingLogger();
  const carrier = new QuicCarrier({ identity, port: 0, clock: SYSTEM_CLOCK, log });
  await carrier.listen(accepted.push);
  return { carrier, accepted, log, [Symbol.asyncDispose]: () => carrier.close() };
}

/** A channel in use. */
class User {
  readonly outbox = new Outbox(new Traffic());
  readonly messages = new Inbox<Bytes>();
  readonly ends = new Inbox<string>();

  constructor(readonly channel: Channel) {
    const { outbox, messages, ends } = this;
    channel.start({ outbox, message: messages.push, ended: ends.push });
  }

  send(module: string, type: string, msg: Bytes = Uint8Array.of(1)): void {
    assert(this.outbox.push(encodeFrame({ module, type, origin: 0n, msg })));
    this.channel.flush();
  }

  async next(): Promise<NetworkMsg> {
    return decode(NetworkMsg, await this.messages.next());
  }
}

async function connect(a: Node, b: Node): Promise<[User, User]> {
  const target = { host: LOCALHOST, port: b.carrier.port, domain: "b.fy" };
  const dialled = await a.carrier.dial(target, NEVER);
  return [new User(dialled), new User(await b.accepted.next())];
}

/** A node that is not ours and speaks as the reference does: the QUIC of Deno, without ALPN. */
function foreignClient(node: Node) {
  const options = {
    hostname: LOCALHOST,
    port: node.carrier.port,
    serverName: "b.fy",
    alpnProtocols: [],
    caCerts: [AUTHORITY.certificatePem],
    cert: A.cert,
    key: A.key,
  };
  return Deno.connectQuic(options);
}

function frameBytes(type: string): Uint8Array<ArrayBuffer> {
  const message = { module: "controller", type, origin: 0n, msg: Uint8Array.of(1) };
  return new Uint8Array(joinFrame(encodeFrame(message)));
}

Deno.test("QuicCarrier gives channels that know the other side", async () => {
  await using a = await open(A);
  await using b = await open(B);
  const [dialled, accepted] = await connect(a, b);
  assert.deepEqual(dialled.channel.domains, ["b.fy"]);
  assert.deepEqual(accepted.channel.domains, ["a.fy"]);
  assert.equal(dialled.channel.address, `127.0.0.1:${b.carrier.port}`);
  const byName = { host: "localhost", port: b.carrier.port, domain: "b.fy" };
  const second = await a.carrier.dial(byName, NEVER);
  await second.close();
});

/** Sends in all lanes and checks what comes. */
async function exchange(from: User, to: User): Promise<void> {
  const kinds = [["consensus", "vote"], ["controller", "sync_block"], ["controller", "send_tx"]];
  for (let count = 0; count < 300; count++) {
    const [module = "", type = ""] = kinds[count % kinds.length] ?? [];
    from.send(module, type, new Uint8Array(count * 10).fill(count));
  }
  const sizes = new Map<string, number[]>();
  for (let count = 0; count < 300; count++) {
    const { type, msg } = await to.next();
    const expected = (msg.length / 10) % 256;
    assert(msg.every((byte) => byte === expected));
    sizes.set(type, [...sizes.get(type) ?? [], msg.length]);
  }
  assert.equal(sizes.size, kinds.length);
  for (const list of sizes.values()) {
    assert.deepEqual(list, list.toSorted((left, right) => left - right));
  }
}

Deno.test("QuicCarrier carries messages both ways and keeps the order of every lane", async () => {
  await using a = await open(A);
  await using b = await open(B);
  const [dialled, accepted] = await connect(a, b);
  await exchange(dialled, accepted);
  await exchange(accepted, dialled);
});

Deno.test("QuicCarrier carries 200 MB in one message, and votes beside it", async () => {
  await using a = await open(A);
  await using b = await open(B);
  const [from, to] = await connect(a, b);
  const large = new Uint8Array(200_000_000);
  for (let offset = 0; offset < large.length; offset += 9_973) large[offset] = offset % 251;
  from.send("controller", "sync_block_respond", large);
  const delaysMs: number[] = [];
  for (;;) {
    const sentMs = performance.now();
    from.send("consensus", "vote", new Uint8Array(1_000));
    let { msg } = await to.next();
    if (msg.length === large.length) {
      assert(msg.every((byte, offset) => byte === large[offset]));
      ({ msg } = await to.next());
      break;
    }
    delaysMs.push(performance.now() - sentMs);
  }
  const slowestMs = Math.max(...delaysMs);
  assert(delaysMs.length >= 20, `${delaysMs.length} votes came through`);
  assert(slowestMs < 500, `a vote took ${slowestMs} ms`);
});

Deno.test("QuicCarrier takes a stream for each batch, as the reference sends", async () => {
  await using b = await open(B);
  const connection = await foreignClient(b);
  const user = new User(await b.accepted.next());
  for (let batch = 0; batch < 300; batch++) {
    const stream = await connection.createUnidirectionalStream({ waitUntilAvailable: true });
    const writer = stream.getWriter();
    await writer.write(frameBytes(`${batch}a`));
    await writer.write(frameBytes(`${batch}b`));
    await writer.close();
    assert.deepEqual([await user.next(), await user.next()].map(({ type }) => type), [
      `${batch}a`,
      `${batch}b`,
    ]);
  }
  connection.close();
  await user.ends.next();
});

Deno.test("QuicCarrier refuses a message that is too large, and goes on with other streams", async () => {
  await using b = await open(B);
  const connection = await foreignClient(b);
  const user = new User(await b.accepted.next());
  const bad = (await connection.createUnidirectionalStream()).getWriter();
  await bad.write(new Uint8Array(u32be(MESSAGE_SIZE_MAX + 1)));
  const writeOn = async () => {
    for (let count = 0; count < 100_000; count++) await bad.write(new Uint8Array(100));
  };
  await assert.rejects(writeOn, "the stream is stopped");
  const good = (await connection.createUnidirectionalStream()).getWriter();
  await good.write(new Uint8Array(u32be(3)));
  await good.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await user.messages.next(), Uint8Array.of(1, 2, 3));
  connection.close();
  await user.ends.next();
});

Deno.test("QuicCarrier lets no neighbour take the memory of others with unfinished messages", async () => {
  await using b = await open(B);
  const evil = new Endpoint({
    credentials: A,
    port: 0,
    clock: SYSTEM_CLOCK,
    onConnection() {},
    onRefusal() {},
  });
  const connection = await evil.connect({ host: LOCALHOST, port: b.carrier.port }, "b.fy");
  const victim = new User(await b.accepted.next());
  const unfinished = [u32be(MESSAGE_SIZE_MAX), new Uint8Array(MESSAGE_SIZE_MAX / 16 + 1)];
  const attacks = [1, 2, 3, 4].map(() => connection.openStream(0).write(unfinished));
  const over = Promise.allSettled(attacks);
  await b.log.waitFor(/^framed stream report decode error/);
  const reason = String(b.log.lines.at(-1)?.fields?.reason);
  assert.match(reason, /^too many unfinished messages of this peer wait for memory/);
  await using c = await open(credentialsOf("c.fy"));
  const [honest, user] = await connect(c, b);
  for (let count = 0; count < 20; count++) {
    honest.send("controller", "chain_status", new Uint8Array(300_000));
  }
  honest.send("controller", "sync_block", new Uint8Array(20_000_000));
  for (let count = 0; count < 21; count++) await user.next();
  await evil.close("the test is over");
  await victim.ends.next();
  await over;
});

Deno.test("QuicCarrier opens another stream however often the other side stops one", async () => {
  await using b = await open(B);
  const connection = await foreignClient(b);
  const user = new User(await b.accepted.next());
  const streams = connection.incomingUnidirectionalStreams.getReader();
  let count = 0;
  const timer = setInterval(() => user.send("m", `again ${count++}`), 1);
  // more than may be open at once: each that was stopped gives its place back
  for (let stopped = 0; stopped < 150; stopped++) {
    const { value: stream } = await streams.read();
    assert(stream !== undefined, "what is sent after that comes on another stream");
    await stream.cancel();
  }
  clearInterval(timer);
  connection.close();
  await user.ends.next();
});

Deno.test("Channel.close() sends what was begun, and tells the other side only", async () => {
  await using a = await open(A);
  await using b = await open(B);
  const [dialled, accepted] = await connect(a, b);
  dialled.send("consensus", "vote", new Uint8Array(3_000_000));
  await dialled.channel.close();
  assert.equal((await accepted.next()).msg.length, 3_000_000);
  assert.match(await accepted.ends.next(), /closed/);
  assert.equal(dialled.ends.size, 0);
  await dialled.channel.close();
});

Deno.test("QuicCarrier.dial() rejects with the reason", async () => {
  await using a = await open(A);
  await using b = await open(credentialsOf("b.fy", createCertificateAuthority()));
  const { carrier } = a;
  const target = { host: LOCALHOST, port: b.carrier.port, domain: "b.fy" };
  await assert.rejects(carrier.dial(target, NEVER), /UnknownIssuer|BadSignature/);
  await b.log.waitFor(/^tls report error: /);
  await assert.rejects(carrier.dial({ ...target, host: "no.such.host.invalid" }, NEVER), Error);
  await assert.rejects(carrier.dial({ ...target, domain: "" }, NEVER), /domain|name/i);
  await assert.rejects(carrier.dial(target, AbortSignal.abort()), /given up/);
});

Deno.test("QuicCarrier.listen() refuses a port in use and credentials that cannot be used", async () => {
  await using a = await open(A);
  const options = { identity: A, port: a.carrier.port, clock: SYSTEM_CLOCK, log: a.log };
  await assert.rejects(
    new QuicCarrier(options).listen(() => {}),
    new RegExp(`^StartRefusal: Cannot listen on 0.0.0.0:${a.carrier.port}: it must be free`),
  );
  const identity = { ...A, key: "none" };
  await assert.rejects(
    new QuicCarrier({ ...options, identity }).listen(() => {}),
    /^EngineError: Cannot use the key: /,
  );
});
