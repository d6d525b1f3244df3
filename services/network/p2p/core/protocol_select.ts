/**
 * The handshake that names the protocol of a stream (spec/network.md, section 3.5): one molecule
 * table each way.
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { decodeItems, decodeVector, encodeItems, encodeVector } from "./molecule.ts";

/** A protocol and the versions of it that a side supports. */
export interface ProtocolInfo {
  readonly name: string;
  readonly versions: readonly string[];
}

/** The only protocol between nodes. */
export const NODE_PROTOCOL: ProtocolInfo = { name: "/p2p/0", versions: ["0.0.1"] };

const UTF8 = new TextEncoder();
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Encodes a table of a name and a vector of versions; all numbers are little-endian. */
export function encodeProtocolInfo({ name, versions }: ProtocolInfo): Bytes {
  return encodeItems([
    encodeText(name),
    encodeItems(versions.map((version) => encodeText(version))),
  ]);
}

/** Decodes what {@linkcode encodeProtocolInfo} wrote; null when it is malformed. */
export function decodeProtocolInfo(bytes: Bytes): ProtocolInfo | null {
  const [name, versions, ...others] = decodeItems(bytes) ?? [];
  if (name === undefined || versions === undefined || others.length > 0) return null;
  const nameText = decodeText(name);
  const versionTexts = decodeItems(versions)?.map((version) => decodeText(version));
  if (nameText === null || versionTexts === undefined) return null;
  const known = versionTexts.filter((version) => version !== null);
  return known.length < versionTexts.length ? null : { name: nameText, versions: known };
}

/**
 * The acceptor's answer: the highest common version in string order, none when the protocol is
 * unknown or nothing is common.
 */
export function answerProtocol(proposed: ProtocolInfo): ProtocolInfo {
  const common = proposed.name === NODE_PROTOCOL.name
    ? proposed.versions.filter((version) => NODE_PROTOCOL.versions.includes(version)).sort()
    : [];
  return { name: proposed.name, versions: common.slice(-1) };
}

function encodeText(text: string): Bytes {
  return encodeVector(UTF8.encode(text));
}

function decodeText(bytes: Bytes): string | null {
  const content = decodeVector(bytes);
  if (content === null) return null;
  try {
    return STRICT_UTF8.decode(content);
  } catch {
    return null; // the decoder only throws for malformed UTF-8
  }
}
