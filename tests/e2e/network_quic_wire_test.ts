/** Datagrams made by hand against network_quic: what comes before a peer has a certificate. */

import assert from "node:assert/strict";
import { type Bytes, toHex, u64be } from "../../shared/bytes/mod.ts";
import { seededRandom, SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { hex } from "../interop/raw_peer/p2p.ts";
import { QUIC_WIRE } from "../interop/raw_peer/quic.ts";
import {
  cryptoFrame,
  DATAGRAM_SIZE,
  helloFrames,
  initialDatagram,
  initialKeys,
} from "../interop/raw_peer/quic_initial.ts";
import { ATTACKER, dial, HONEST, start } from "./domain_network.ts";
import { assertMemoryBounded } from "./network_strain.ts";

const SEED = 8;
const GARBAGE_COUNT = 20_000;
const HALF_OPEN_COUNT = 10_000;

/** Between floods, time for the service to look at them. */
const BATCH_COUNT = 100;
const BATCH_PAUSE_MS = 5;

/** No answer within this time is none. */
const SILENCE_MS = 500;

/** A UDP socket that notes what it gets. */
class Datagrams implements Disposable {
  readonly received: Bytes[] = [];
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #receiving = this.#receive();

  constructor(readonly port: number) {}

  async send(bytes: Bytes): Promise<void> {
    const to = { transport: "udp", hostname: "127.0.0.1", port: this.port } as const;
    await this.#socket.send(Uint8Array.from(bytes), to);
  }

  /** Sends many datagrams, not faster than a service can take. */
  async flood(count: number, datagram: (index: number) => Bytes): Promise<number> {
    let size = 0;
    for (let index = 0; index < count; index++) {
      const bytes = datagram(index);
      size += bytes.length;
      await this.send(bytes);
      if (index % BATCH_COUNT === 0) await SYSTEM_CLOCK.sleep(BATCH_PAUSE_MS);
    }
    await SYSTEM_CLOCK.sleep(SILENCE_MS);
    return size;
  }

  get receivedSize(): number {
    return this.received.reduce((size, { length }) => size + length, 0);
  }

  async #receive(): Promise<void> {
    for await (const [bytes] of this.#socket) this.received.push(bytes);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
    void this.#receiving;
  }
}

/** Numbers of connections that differ. */
function numberOf(index: number): Bytes {
  return u64be(0x5eed_0000_0000_0000n + BigInt(index));
}

Deno.test("initialKeys() gives the keys of RFC 9001, appendix A.1", () => {
  const { key, iv, headerKey } = initialKeys(hex("8394c8f03e515708"));
  assert.equal(toHex(key), "1f369613dd76d5467730efcbe3b1a22d");
  assert.equal(toHex(iv), "fa044b2f42a3fd3b46fb255c");
  assert.equal(toHex(headerKey), "9f50449e04a0e810283a1e9933adedd2");
});

Deno.test("network_quic negotiates the version and answers a hello made by hand", async () => {
  await using network = await start(QUIC_WIRE);
  using client = new Datagrams(network.ports.listen);
  const unknown = new Uint8Array(DATAGRAM_SIZE);
  unknown.set(hex("c0 1a2a3a4a 04 aaaaaaaa 04 bbbbbbbb"));
  await client.send(unknown);
  await client.flood(1, () => initialDatagram(numberOf(0), helloFrames(numberOf(0))));
  const [negotiation = new Uint8Array(), answer = new Uint8Array()] = client.received;
  assert.match(toHex(negotiation), /^[89a-f].00000000 ?04bbbbbbbb04aaaaaaaa(.{8})*00000001/);
  const [first = 0] = answer;
  assert.equal(first >> 4 & 0b1100, 0b1100, "a packet with a long header");
  assert.equal(toHex(answer.subarray(1, 5)), "00000001");
  assert.equal(toHex(answer.subarray(5, 14)), `08${toHex(numberOf(0))}`);
});

Deno.test("network_quic answers nothing to noise and to what is too short", async () => {
  await using network = await start(QUIC_WIRE);
  using honest = await dial(QUIC_WIRE, HONEST, network.ports.listen);
  using client = new Datagrams(network.ports.listen);
  const random = seededRandom(SEED);
  await client.flood(GARBAGE_COUNT, (index) => {
    const noise = Uint8Array.from({ length: Math.floor(random() * 1_400) }, () => random() * 256);
    // half of them look like Initial packets that are not sealed by the right key
    if (index % 2 === 0) noise.set(hex("c3 00000001 08").subarray(0, noise.length));
    return noise;
  });
  await client.send(initialDatagram(numberOf(1), helloFrames(numberOf(1)), 600));
  await network.exchange(honest);
  assertMemoryBounded(network);
  const versions = client.received.map((bytes) => toHex(bytes.subarray(1, 5)));
  assert(versions.every((version) => version === "00000000"), `seed ${SEED}: ${versions}`);
});

/** Frames in a packet that is sealed well, by what is wrong with them. */
const BAD_FRAMES: Readonly<Record<string, Bytes>> = {
  "a hello without the parameters of QUIC": cryptoFrame(hex("01 000004 0303 0000")),
  "a handshake of 16 MB": cryptoFrame(hex("01 ffffff 0303")),
  "a handshake at the end of the world": hex("06 ffffffffffffff00 04 01000000"),
  "no frame that exists": hex("7f 00"),
  "an acknowledgement of what was not sent": hex("02 8fffffff 00 00 80ffffff"),
  "a stream": hex("08 00 01020304"),
  "a goodbye": hex("1c 00 00 00"),
  "nothing": new Uint8Array(),
};

Deno.test("network_quic outlives every bad frame of a stranger", async (t) => {
  await using network = await start(QUIC_WIRE);
  using honest = await dial(QUIC_WIRE, HONEST, network.ports.listen);
  let index = 0;
  for (const [what, frames] of Object.entries(BAD_FRAMES)) {
    await t.step(what, async () => {
      using client = new Datagrams(network.ports.listen);
      await client.flood(BATCH_COUNT, () => initialDatagram(numberOf(++index), frames));
      await network.exchange(honest);
      assertMemoryBounded(network);
    });
  }
});

Deno.test("network_quic lets 10,000 handshakes begin that do not go on, and others in meanwhile", async () => {
  await using network = await start(QUIC_WIRE);
  using honest = await dial(QUIC_WIRE, HONEST, network.ports.listen);
  using client = new Datagrams(network.ports.listen);
  const flood = client.flood(
    HALF_OPEN_COUNT,
    (index) => initialDatagram(numberOf(index), helloFrames(numberOf(index))),
  );
  await network.exchange(honest);
  using second = await dial(QUIC_WIRE, ATTACKER, network.ports.listen);
  await network.exchange(second);
  const sentSize = await flood;
  await network.exchange(honest);
  assert.equal((await network.client.getNetworkStatus({})).peerCount, 2n);
  assert(client.receivedSize <= 3 * sentSize, "no amplifier of attacks on others");
  assertMemoryBounded(network);
});
