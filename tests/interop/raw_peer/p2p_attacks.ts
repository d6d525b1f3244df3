/**
 * What no honest peer of `network_p2p` does. Each attack says what the service must answer; that it
 * lives and serves others afterwards is for the test to see.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Bytes, concatBytes, toHex } from "../../../shared/bytes/mod.ts";
import { seededRandom, SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { frameOf, u32 } from "./message.ts";
import {
  ACCEPTOR_START,
  ACK,
  DATA,
  dataFrame,
  DIALLER_START,
  FIN,
  GO_AWAY,
  type Header,
  header,
  HEADER_SIZE,
  hex,
  openSocket,
  PING,
  PROTOCOL_INFO,
  PROTOCOL_REFUSED,
  RST,
  STREAM,
  SYN,
  WINDOW_SIZE,
  WINDOW_UPDATE,
} from "./p2p.ts";
import type { RawSocket } from "./socket.ts";

/** One attack on a service that listens on a port, of this host unless another is given. */
export interface Attack {
  readonly name: string;
  run(port: number, hostname?: string): Promise<void>;
}

/** Default of `grpc_frame`, the largest message. */
const FRAME_SIZE_MAX = 16_777_215;

const PROTOCOL_ERROR = header({ type: GO_AWAY, length: 1 });

const FLOOD_COUNT = 100_000;

const SEED = 8;

/** An attack that sends bytes once the protocol is open; the service must end the session. */
function ended(name: string, bytes: () => Bytes, goodbye: Bytes | null = null): Attack {
  return {
    name,
    async run(port, hostname) {
      using socket = await openProtocol(port, hostname);
      await socket.write(bytes());
      const answer = await socket.readToEnd();
      if (goodbye === null) return;
      assert.equal(toHex(answer.subarray(-HEADER_SIZE)), toHex(goodbye), "the reason is given");
    },
  };
}

/** An attack before the protocol is open; the service must end the session. */
function endedAtStart(name: string, bytes: () => Bytes): Attack {
  return {
    name,
    async run(port, hostname) {
      using socket = await openSocket(port, hostname);
      await socket.write(bytes()).catch(() => {}); // it may hang up before it has all
      await socket.readToEnd();
    },
  };
}

/** A header that ends the session for its own sake. */
function badHeader(name: string, fields: Header): Attack {
  return ended(name, () => header(fields), PROTOCOL_ERROR);
}

async function openProtocol(port: number, hostname?: string): Promise<RawSocket> {
  const socket = await openSocket(port, hostname);
  await socket.write(DIALLER_START);
  await socket.read(ACCEPTOR_START.length);
  return socket;
}

function repeat(count: number, bytes: (index: number) => Bytes): Bytes {
  return concatBytes(...Array.from({ length: count }, (_, index) => bytes(index)));
}

function randomBytes(size: number): Bytes {
  const random = seededRandom(SEED);
  return Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
}

/** Less than half of the window is not credited, so that the rest of it is known. */
function beyondWindow(): Bytes {
  const used = WINDOW_SIZE / 2 - 1;
  const payload = new Uint8Array(used - PROTOCOL_INFO.length);
  payload.set(u32(FRAME_SIZE_MAX));
  const exceeding = header({ type: DATA, stream: STREAM, length: WINDOW_SIZE - used + 1 });
  return concatBytes(dataFrame(payload), exceeding);
}

const HEADERS: readonly Attack[] = [
  badHeader("a Data header above the limit", { type: DATA, stream: STREAM, length: 262_145 }),
  badHeader("a window update above the limit", {
    type: WINDOW_UPDATE,
    stream: STREAM,
    length: 262_145,
  }),
  badHeader("a ping above the limit", { type: PING, flags: SYN, length: 2 ** 32 - 1 }),
  badHeader("a goodbye above the limit", { type: GO_AWAY, length: 262_145 }),
  badHeader("version 1", { version: 1, type: DATA, stream: STREAM }),
  badHeader("version 255", { version: 255, type: PING, flags: SYN }),
  badHeader("an unknown type", { type: 4, stream: STREAM }),
  badHeader("stream 0", { type: DATA, stream: 0, length: 1 }),
  badHeader("a stream that is opened twice", { type: WINDOW_UPDATE, flags: SYN, stream: STREAM }),
  badHeader("a stream that is opened twice, with data", {
    type: DATA,
    flags: SYN,
    stream: STREAM,
    length: 4,
  }),
  ended("data beyond the window", beyondWindow, PROTOCOL_ERROR),
];

const FRAMES: readonly Attack[] = [
  ended("a message above the limit", () => dataFrame(u32(FRAME_SIZE_MAX + 1))),
  ended("a message of 2^32 - 1 bytes, then nothing", () => dataFrame(u32(2 ** 32 - 1))),
  ended("the end of the stream within a message", () =>
    concatBytes(
      dataFrame(u32(100)),
      header({ type: WINDOW_UPDATE, flags: FIN, stream: STREAM }),
    )),
  ended("a reset within a message", () =>
    concatBytes(
      dataFrame(u32(100)),
      header({ type: WINDOW_UPDATE, flags: RST, stream: STREAM }),
    )),
];

const SELECT: readonly Attack[] = [
  endedAtStart("an announced proposal of 2^32 - 1 bytes", () =>
    concatBytes(
      header({ type: WINDOW_UPDATE, flags: SYN, stream: STREAM }),
      dataFrame(u32(2 ** 32 - 1)),
    )),
  endedAtStart("a proposal whose offsets lead out of it", () =>
    concatBytes(
      header({ type: WINDOW_UPDATE, flags: SYN, stream: STREAM }),
      dataFrame(frameOf(hex("1a000000 0c000000 ffffffff 06000000 2f7032702f30 04000000"))),
    )),
  endedAtStart("a proposal with 2^32 - 1 versions", () =>
    concatBytes(
      header({ type: WINDOW_UPDATE, flags: SYN, stream: STREAM }),
      dataFrame(frameOf(hex("1a000000 0c000000 16000000 06000000 2f7032702f30 ffffffff"))),
    )),
  endedAtStart("HTTP", () => new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
  endedAtStart("TLS", () => hex("16 03 01 00 a5 01 00 00 a1 03 03 00 00 00 00 00")),
  endedAtStart("a megabyte of noise", () => randomBytes(1 << 20)),
];

/** What is answered and must do no harm; the service may end the session or keep it. */
const FLOODS: readonly Attack[] = [
  flood(
    "a flood of pings whose answers are not read",
    () => repeat(FLOOD_COUNT, (index) => header({ type: PING, flags: SYN, length: index })),
  ),
  flood(
    "a flood of streams",
    () =>
      repeat(
        FLOOD_COUNT,
        (index) => header({ type: WINDOW_UPDATE, flags: SYN, stream: 3 + 2 * index }),
      ),
  ),
  flood("a flood of streams with data", () =>
    repeat(FLOOD_COUNT, (index) =>
      concatBytes(
        header({ type: DATA, flags: SYN, stream: 3 + 2 * index, length: 4 }),
        u32(2 ** 32 - 1),
      ))),
  flood("data on streams that nobody has opened", () =>
    repeat(256, (index) =>
      concatBytes(
        header({ type: DATA, stream: 3 + 2 * index, length: WINDOW_SIZE }),
        new Uint8Array(WINDOW_SIZE),
      ))),
  flood(
    "a flood of credit",
    () =>
      repeat(
        FLOOD_COUNT,
        () => header({ type: WINDOW_UPDATE, stream: STREAM, length: WINDOW_SIZE }),
      ),
  ),
  flood(
    "a flood of answers to no ping",
    () => repeat(FLOOD_COUNT, (index) => header({ type: PING, flags: ACK, length: index })),
  ),
  flood("a flood of empty messages", () => repeat(FLOOD_COUNT, () => dataFrame(u32(0)))),
];

/** Writes while the service takes it, without reading anything. */
function flood(name: string, bytes: () => Bytes): Attack {
  return {
    name,
    async run(port, hostname) {
      using socket = await openProtocol(port, hostname);
      const end = new AbortController();
      const written = socket.write(bytes()).catch(() => {}).finally(() => end.abort());
      await SYSTEM_CLOCK.sleep(FLOOD_MS, end.signal); // it may take nothing any more
      socket[Symbol.dispose]();
      await written;
    },
  };
}

/** How long a flood may go on. */
const FLOOD_MS = 3_000;

/** Refused without a fault: the peer may try again. */
const REFUSALS: readonly Attack[] = [
  {
    name: "an unknown protocol",
    async run(port, hostname) {
      using socket = await openSocket(port, hostname);
      const proposal = hex(`
        00000027
        27000000 0c000000 16000000 06000000 2f7032702f39 11000000 08000000 05000000 302e302e31`);
      await socket.write(header({ type: WINDOW_UPDATE, flags: SYN, stream: STREAM }));
      await socket.write(dataFrame(proposal));
      const answer = concatBytes(
        header({ type: WINDOW_UPDATE, flags: ACK, stream: STREAM }),
        header({ type: DATA, stream: STREAM, length: 0x1e }),
        hex("0000001a 1a000000 0c000000 16000000 06000000 2f7032702f39 04000000"),
      );
      assert.equal(toHex(await socket.read(answer.length)), toHex(answer));
    },
  },
  {
    name: "an unknown version",
    async run(port, hostname) {
      using socket = await openSocket(port, hostname);
      const proposal = hex(`
        00000027
        27000000 0c000000 16000000 06000000 2f7032702f30 11000000 08000000 05000000 302e302e32`);
      await socket.write(header({ type: WINDOW_UPDATE, flags: SYN, stream: STREAM }));
      await socket.write(dataFrame(proposal));
      await socket.read(2 * HEADER_SIZE);
      const answer = await socket.read(PROTOCOL_REFUSED.length);
      assert.equal(toHex(answer), toHex(PROTOCOL_REFUSED));
    },
  },
];

/** Answers of an acceptor to a dialler, after each of which the service must end the session. */
export const BAD_ANSWERS: Readonly<Record<string, Bytes>> = {
  "another protocol": dataFrame(hex(`
    00000027
    27000000 0c000000 16000000 06000000 2f7032702f39 11000000 08000000 05000000 302e302e31`)),
  "no version": dataFrame(PROTOCOL_REFUSED),
  "2^32 - 1 bytes": dataFrame(u32(2 ** 32 - 1)),
  "no table": dataFrame(frameOf(hex("ffffffff"))),
  "the end of the stream": header({ type: WINDOW_UPDATE, flags: FIN, stream: STREAM }),
  "a reset": header({ type: WINDOW_UPDATE, flags: ACK | RST, stream: STREAM }),
  "a goodbye": header({ type: GO_AWAY, length: 2 }),
  "version 1": header({ version: 1, type: DATA, stream: STREAM }),
  "HTTP": new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "nothing": new Uint8Array(),
};

/** All attacks that are over within seconds. */
export const P2P_ATTACKS: readonly Attack[] = [
  ...HEADERS,
  ...FRAMES,
  ...SELECT,
  ...REFUSALS,
  ...FLOODS,
];
