import { keccak_256 } from "@noble/hashes/sha3.js";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { encodeBytes, encodeList } from "../evm/rlp/mod.ts";

/** Content of a trie: values by the hex text of their keys. */
export type TrieContent = ReadonlyMap<string, Bytes>;

/** A key as hex digits, and its value. */
type Pair = readonly [digits: string, value: Bytes];

const EMPTY_STRING = Uint8Array.of(0x80);

/** Root of a Merkle Patricia trie by its definition, knowing nothing of the one that is tested. */
export function referenceRoot(content: TrieContent): Bytes {
  if (content.size === 0) return keccak_256(EMPTY_STRING);
  return keccak_256(node([...content].sort(([a], [b]) => a < b ? -1 : 1), 0));
}

/** Encodes what lies below the first `depth` digits of sorted pairs. */
function node(pairs: readonly Pair[], depth: number): Bytes {
  const [first, last] = [pairs[0] as Pair, pairs.at(-1) as Pair];
  if (pairs.length === 1) {
    return short(first[0].slice(depth), { flag: 2, item: encodeBytes(first[1]) });
  }
  let common = depth;
  while (first[0][common] === last[0][common]) common++;
  if (common > depth) {
    return short(first[0].slice(depth, common), { flag: 0, item: reference(pairs, common) });
  }
  const own = pairs.find(([digits]) => digits.length === depth);
  const branches = Array.from({ length: 16 }, (_, digit) => {
    const below = pairs.filter(([digits]) => digits[depth] === digit.toString(16));
    return below.length === 0 ? EMPTY_STRING : reference(below, depth + 1);
  });
  return encodeList([...branches, own === undefined ? EMPTY_STRING : encodeBytes(own[1])]);
}

/** A node as its parent has it: as it is when shorter than a hash. */
function reference(pairs: readonly Pair[], depth: number): Bytes {
  const encoded = node(pairs, depth);
  return encoded.length < 32 ? encoded : encodeBytes(keccak_256(encoded));
}

/** A leaf (flag 2) or an extension (flag 0). */
function short(digits: string, { flag, item }: { flag: number; item: Bytes }): Bytes {
  const prefix = digits.length % 2 === 0 ? `${flag}0` : `${flag + 1}`;
  return encodeList([encodeBytes(fromHex(prefix + digits)), item]);
}
