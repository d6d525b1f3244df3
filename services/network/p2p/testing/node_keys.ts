import { assert } from "../../../../shared/assert/mod.ts";
import { loadNodeKey, type NodeKey } from "../../../../shared/crypto/mod.ts";
import { peerIdOf } from "../core/peer_id.ts";

const COUNT = 8;

const KEYS = await Promise.all(
  Array.from({ length: COUNT }, (_, index) => loadNodeKey(new Uint8Array(32).fill(index))),
);

/** The key whose secret is 32 times this byte, from 1 to 7. */
export function keyOf(byte: number): NodeKey {
  const key = KEYS[byte];
  assert(key !== undefined && key !== null, "There is a key for the byte");
  return key;
}

/** The id of the node with that key. */
export function idOf(byte: number): string {
  return peerIdOf(keyOf(byte).publicKey);
}
