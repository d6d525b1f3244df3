/**
 * First datagrams of QUIC connections, made by hand: RFC 9000, section 17.2, protected as RFC 9001,
 * section 5, has it.
 *
 * @module
 */

import { createCipheriv, createHmac, hkdfSync } from "node:crypto";
import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import { extension, helloMessage, sized, TLS_1_3 } from "./client_hello.ts";
import { hex } from "./p2p.ts";

/** What protects Initial packets of a client; the numbers of the connection are all that is secret. */
export interface InitialKeys {
  readonly key: Bytes;
  readonly iv: Bytes;
  readonly headerKey: Bytes;
}

/** Of version 1. */
const INITIAL_SALT = hex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
const VERSION_1 = hex("00000001");

/** A client's first datagram has at least this size. */
export const DATAGRAM_SIZE = 1200;

const PACKET_NUMBER = hex("00000000");
const HASH_SIZE = 32;
const TAG_SIZE = 16;
const SAMPLE_OFFSET = 4;

/** The keys of a client whose first destination has this number. */
export function initialKeys(destination: Bytes): InitialKeys {
  const label = labelOf("client in", HASH_SIZE);
  const secret = hkdfSync("sha256", destination, INITIAL_SALT, label, HASH_SIZE);
  return {
    key: expand(secret, "quic key", 16),
    iv: expand(secret, "quic iv", 12),
    headerKey: expand(secret, "quic hp", 16),
  };
}

/** An Initial packet with frames, padded to a datagram of some bytes. */
export function initialDatagram(
  destination: Bytes,
  frames: Bytes,
  size: number = DATAGRAM_SIZE,
): Bytes {
  const source = destination;
  const head = concatBytes(
    hex("c3"), // long header, Initial, a packet number of 4 bytes
    VERSION_1,
    sized(1, destination),
    sized(1, source),
    hex("00"), // no token
  );
  const payloadSize = Math.max(frames.length, size - head.length - 2 - 4 - TAG_SIZE);
  const payload = new Uint8Array(payloadSize); // zeros are padding
  payload.set(frames);
  const length = 0x4000 | (PACKET_NUMBER.length + payload.length + TAG_SIZE);
  const header = concatBytes(head, Uint8Array.of(length >> 8, length & 0xff), PACKET_NUMBER);
  return protect(header, payload, initialKeys(destination));
}

/** The frames of an honest client: a hello with the parameters that QUIC wants. */
export function helloFrames(source: Bytes): Bytes {
  const parameters = concatBytes(hex("0f"), sized(1, source)); // initial_source_connection_id
  return cryptoFrame(helloMessage({ versions: [TLS_1_3], more: [extension(0x39, parameters)] }));
}

/** A CRYPTO frame at the beginning of the handshake. */
export function cryptoFrame(bytes: Bytes): Bytes {
  return concatBytes(hex("06 00"), Uint8Array.of(0x40 | (bytes.length >> 8), bytes.length), bytes);
}

function protect(header: Bytes, payload: Bytes, { key, iv, headerKey }: InitialKeys): Bytes {
  const cipher = createCipheriv("aes-128-gcm", key, iv).setAAD(header); // number 0 leaves iv alone
  const sealed = concatBytes(cipher.update(payload), cipher.final(), cipher.getAuthTag());
  const packet = concatBytes(header, sealed);
  const numberOffset = header.length - PACKET_NUMBER.length;
  const sampleOffset = numberOffset + SAMPLE_OFFSET;
  const sample = packet.slice(sampleOffset, sampleOffset + 16);
  const block = createCipheriv("aes-128-ecb", headerKey, null).setAutoPadding(false);
  const mask = concatBytes(block.update(sample), block.final());
  const flip = (offset: number, bits: number) => packet[offset] = (packet[offset] ?? 0) ^ bits;
  flip(0, (mask[0] ?? 0) & 0x0f);
  for (let i = 0; i < PACKET_NUMBER.length; i++) flip(numberOffset + i, mask[i + 1] ?? 0);
  return packet;
}

/** HKDF-Expand-Label of TLS 1.3 for at most the size of a hash. */
function expand(secret: ArrayBuffer, label: string, size: number): Bytes {
  const hmac = createHmac("sha256", new Uint8Array(secret));
  return Uint8Array.from(hmac.update(labelOf(label, size)).update(hex("01")).digest())
    .subarray(0, size);
}

function labelOf(label: string, size: number): Bytes {
  const name = new TextEncoder().encode(`tls13 ${label}`);
  return concatBytes(Uint8Array.of(0, size), sized(1, name), hex("00"));
}
