/**
 * First bytes of TLS connections, made by hand: what no library would send (RFC 8446, sections 4.1
 * and 5.1).
 *
 * @module
 */

import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import { hex } from "./p2p.ts";

/** What a ClientHello offers. */
export interface Hello {
  /** Versions in the extension `supported_versions`; TLS 1.2 and older when there is none. */
  readonly versions?: readonly number[];
  readonly ciphers?: readonly number[];
  readonly legacyVersion?: number;
  /** Methods of compression; only the one that compresses nothing by default. */
  readonly compressions?: readonly number[];
  /** Further extensions, see {@linkcode extension}. */
  readonly more?: readonly Bytes[];
}

const TLS_AES_128_GCM_SHA256 = 0x1301;
const NO_COMPRESSION = 0;
const DEFLATE = 1;
const ECDHE_ECDSA_AES_128_GCM_SHA256 = 0xc02b;

/** A ClientHello in a record. */
export function clientHello(hello: Hello = {}): Bytes {
  return record(helloMessage(hello));
}

/** A ClientHello without the record around it. */
export function helloMessage(hello: Hello): Bytes {
  const { versions, legacyVersion = 0x0303, more = [] } = hello;
  const { compressions = [NO_COMPRESSION] } = hello;
  const { ciphers = [TLS_AES_128_GCM_SHA256, ECDHE_ECDSA_AES_128_GCM_SHA256] } = hello;
  const extensions = concatBytes(
    extension(10, sized(2, hex("001d 0017 0018"))), // groups: X25519, P-256, P-384
    extension(13, sized(2, hex("0403 0503 0807 0804 0401"))), // signatures: ECDSA, Ed25519, RSA
    extension(51, sized(2, concatBytes(hex("001d"), sized(2, randomBytes(32))))), // key share
    ...(versions === undefined ? [] : [extension(43, sized(1, u16s(versions)))]),
    ...more,
  );
  const body = concatBytes(
    u16s([legacyVersion]),
    randomBytes(32),
    sized(1, new Uint8Array()),
    sized(2, u16s(ciphers)),
    sized(1, Uint8Array.from(compressions)),
    sized(2, extensions),
  );
  return concatBytes(hex("01"), sized(3, body));
}

/** A record with a part of a handshake. */
export function record(payload: Bytes): Bytes {
  return concatBytes(hex("16 0301"), sized(2, payload));
}

/** An extension of a hello. */
export function extension(type: number, data: Bytes): Bytes {
  return concatBytes(u16s([type]), sized(2, data));
}

function u16s(values: readonly number[]): Bytes {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}

/** Bytes with their length in front, itself of some bytes. */
export function sized(lengthSize: number, bytes: Bytes): Bytes {
  const length = Array.from(
    { length: lengthSize },
    (_, i) => (bytes.length >> 8 * (lengthSize - 1 - i)) & 0xff,
  );
  return concatBytes(Uint8Array.from(length), bytes);
}

/** The same noise every time. */
export function randomBytes(size: number): Bytes {
  const random = seededRandom(8);
  return Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
}

const TLS_1_0 = 0x0301;
const TLS_1_1 = 0x0302;
const TLS_1_2 = 0x0303;
/** The version that all flavours want. */
export const TLS_1_3 = 0x0304;

/** Hellos of clients that are too old. */
export const OLD_HELLOS: Readonly<Record<string, Bytes>> = {
  "only TLS 1.0": clientHello({ versions: [TLS_1_0] }),
  "only TLS 1.1": clientHello({ versions: [TLS_1_1], legacyVersion: TLS_1_1 }),
  "only TLS 1.2": clientHello({ versions: [TLS_1_2] }),
  "only TLS 1.2, by the old way": clientHello({ ciphers: [ECDHE_ECDSA_AES_128_GCM_SHA256] }),
};

/** The answer to them: a fatal alert, protocol_version. */
export const VERSION_ALERT = hex("15 0303 0002 02 46");

/** Other beginnings of connections that a service must end, by what is wrong with them. */
export const BAD_HELLOS: Readonly<Record<string, Bytes>> = {
  "no version that exists": clientHello({ versions: [0x7f1c, 0xfafa] }),
  "no cipher suite": clientHello({ versions: [TLS_1_3], ciphers: [] }),
  "only the suite without encryption": clientHello({ versions: [TLS_1_3], ciphers: [0] }),
  "only compression": clientHello({ versions: [TLS_1_3], compressions: [DEFLATE] }),
  "SSL 2": hex("80 2e 01 0002 0015 0000 0010"),
  "a handshake of 16 MB": record(hex("01 ffffff 0303")),
  "a record of 64 KB": hex("16 0301 ffff 01 000010"),
  "an empty record": hex("16 0301 0000 16 0301 0000"),
  "application data": hex("17 0303 0004 00000000"),
  "HTTP": new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  "noise": concatBytes(...Array.from({ length: 100 }, () => randomBytes(10_000))),
};

/** A ClientHello as it should be. */
export const GOOD_HELLO = clientHello({ versions: [TLS_1_3] });
