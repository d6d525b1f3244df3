import { HASH_SIZE } from "../../../../shared/block/mod.ts";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { RecentLimit, RecentMap } from "../state/recent_map.ts";
import { encodeBytes, encodeList, encodeUint, RlpWriter } from "../rlp/mod.ts";
import { type Receipt, writeReceipt } from "./receipt.ts";

/** One step of a proof: what the hash so far is merged with. */
export interface ProofStep {
  /** Whether the other hash comes behind. */
  readonly isRight: boolean;
  readonly hash: Bytes;
}

/** Two hashes as strings of 32 bytes, each behind its header. */
const PAIR_SIZE = 2 * (1 + HASH_SIZE);
const STRING_OF_32 = 0xa0;

/** Hashes of the receipts of a block in their order (spec/executor_evm.md, 11.4). */
export function receiptHashes(receipts: readonly Receipt[], hash: HashFunction): Bytes[] {
  const writer = new RlpWriter();
  return receipts.map((receipt) => {
    writeReceipt(writer, receipt);
    return hash(writer.take());
  });
}

/** Root over the hashes of the receipts of a block; without any it is `H(80)`. */
export function receiptsRoot(leaves: readonly Bytes[], hash: HashFunction): Bytes {
  return rootOf(receiptTree(leaves, hash), hash);
}

/**
 * The tree over the hashes of the receipts of a block, in nodes of 32 bytes: the root is node 0, the
 * children of node `i` are `2i + 1` and `2i + 2`, the leaves come last.
 */
export function receiptTree(leaves: readonly Bytes[], hash: HashFunction): Bytes {
  const pair = new Uint8Array(PAIR_SIZE);
  pair[0] = pair[1 + HASH_SIZE] = STRING_OF_32;
  const innerCount = Math.max(leaves.length - 1, 0);
  const tree = new Uint8Array((innerCount + leaves.length) * HASH_SIZE);
  leaves.forEach((leaf, index) => tree.set(leaf, (innerCount + index) * HASH_SIZE));
  for (let i = innerCount - 1; i >= 0; i--) {
    pair.set(nodeOf(tree, 2 * i + 1), 1);
    pair.set(nodeOf(tree, 2 * i + 2), 2 + HASH_SIZE);
    tree.set(hash(pair), i * HASH_SIZE);
  }
  return tree;
}

/** The root of a {@linkcode receiptTree}. */
export function rootOf(tree: Bytes, hash: HashFunction): Bytes {
  return tree.length === 0 ? hash(Uint8Array.of(0x80)) : nodeOf(tree, 0).slice();
}

/** Bytes of trees that are kept, beside a larger one. */
const TREE_BYTES_MAX = 8 * 1024 * 1024;

/** Trees that were asked for lately, by the hex texts of their roots. */
export class ReceiptTrees extends RecentMap<string, Bytes> {
  constructor() {
    super(new RecentLimit(TREE_BYTES_MAX), ({ length }) => length);
  }
}

/** The way from a leaf of a tree to its root: siblings from below to above; none for a lone leaf. */
export function receiptProof(tree: Bytes, index: number): ProofStep[] {
  const steps: ProofStep[] = [];
  const innerCount = (tree.length / HASH_SIZE) >> 1;
  for (let at = innerCount + index; at > 0; at = (at - 1) >> 1) {
    const isRight = at % 2 === 1;
    steps.push({ isRight, hash: nodeOf(tree, isRight ? at + 1 : at - 1) });
  }
  return steps;
}

/** The encoding of a proof that clients of 6.7 read: a list of `[isRight, hash]`. */
export function encodeProof(steps: readonly ProofStep[]): Bytes {
  return encodeList(
    steps.map(({ isRight, hash }) => encodeList([encodeUint(isRight ? 1 : 0), encodeBytes(hash)])),
  );
}

function nodeOf(tree: Bytes, index: number): Bytes {
  return tree.subarray(index * HASH_SIZE, (index + 1) * HASH_SIZE);
}
