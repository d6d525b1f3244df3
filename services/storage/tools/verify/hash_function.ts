import { hashBlockHeader } from "../../../../shared/block/mod.ts";
import { equalBytes } from "../../../../shared/bytes/mod.ts";
import {
  type HashFunction,
  loadKeccak256,
  loadSm3,
  type SuiteName,
} from "../../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import type { Engine } from "../../engine.ts";
import { readCompactBlock } from "../../full_block.ts";
import { Region } from "../../regions.ts";

/** A hash function and how people call it. */
export interface NamedHash {
  readonly suite: SuiteName;
  readonly name: "SM3" | "Keccak-256";
  readonly hash: HashFunction;
}

/** Loads the hash function of a suite. */
export async function loadHash(suite: SuiteName): Promise<NamedHash> {
  return suite === "sm"
    ? { suite, name: "SM3", hash: await loadSm3() }
    : { suite, name: "Keccak-256", hash: await loadKeccak256() };
}

/** How many blocks are tried; a damaged one among the first must not matter. */
const BLOCKS_TRIED_MAX = 16;

/** The hash function with which the lowest blocks were stored; null when neither fits. */
export async function findHash(engine: Engine): Promise<NamedHash | null> {
  const hashes = [await loadHash("sm"), await loadHash("eth")];
  let triedCount = 0;
  for await (const [key, value] of engine.scan(Region.CompactBlock)) {
    if (++triedCount > BLOCKS_TRIED_MAX) break;
    const compact = readCompactBlock(value);
    const stored = await engine.get(Region.BlockHash, key);
    if (compact.code !== StatusCode.Success || stored === null) continue;
    const { header } = compact.value;
    if (header === undefined) continue;
    for (const hash of hashes) {
      if (equalBytes(hashBlockHeader(hash.hash, header), stored)) return hash;
    }
  }
  return null;
}
