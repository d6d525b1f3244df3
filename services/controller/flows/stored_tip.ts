import { Block, type BlockHeader, CompactBlock } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { hashBlockHeader } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes, to0xHex, u64be } from "../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { GlobalKey } from "../chain/mod.ts";
import { ChainDataError, MEND_STORAGE, recordName } from "./chain_data.ts";
import type { PatientStorage } from "./patient_storage.ts";

/** What checking the newest stored block needs. */
export interface TipContext {
  readonly storage: PatientStorage;
  readonly hash: HashFunction;
  readonly log: Logger;
}

/** The newest block as it is stored. */
export interface StoredTip {
  readonly height: bigint;
  readonly hash: Bytes;
  readonly timestampMs: bigint;
  readonly proof: Bytes;
}

/** A record that must be there. */
export async function requireRecord(
  storage: PatientStorage,
  region: number,
  height: bigint,
): Promise<Bytes> {
  const value = await storage.load(region, u64be(height));
  if (value !== null) return value;
  throw new ChainDataError(
    `Cannot use the stored chain: ${recordName(region, height)} is missing although the block is ` +
      "committed",
    MEND_STORAGE,
  );
}

/**
 * Loads the block that the stored height names, after checking that all of its records are there
 * and belong together: everything else of the start builds on it. A hash that was stored ahead of
 * the height, as a crash in between leaves it, is put right.
 *
 * @throws {ChainDataError} when a record is missing or contradicts another one
 */
export async function loadStoredTip(context: TipContext, height: bigint): Promise<StoredTip> {
  const { storage, log } = context;
  const hash = await requireRecord(storage, Regions.BLOCK_HASH, height);
  const { timestamp } = await checkHeader(context, height, hash);
  const full = await requireRecord(storage, Regions.FULL_BLOCK, height);
  if (tryDecode(Block, full) === null) {
    throw damaged(`the full block ${height} cannot be decoded`);
  }
  const proof = await requireRecord(storage, Regions.PROOF, height);
  const key = u64be(GlobalKey.Hash);
  const current = await storage.load(Regions.GLOBAL, key);
  if (current === null || !equalBytes(current, hash)) {
    log.info(`the stored hash is not that of block ${height}: stored again`);
    await storage.store({ region: Regions.GLOBAL, key, value: hash });
  }
  return { height, hash, timestampMs: timestamp, proof };
}

async function checkHeader(
  { storage, hash: hashOf }: TipContext,
  height: bigint,
  hash: Bytes,
): Promise<BlockHeader> {
  const compact = await requireRecord(storage, Regions.COMPAT_BLOCK, height);
  const header = tryDecode(CompactBlock, compact)?.header;
  if (header === undefined) throw damaged(`the header of block ${height} cannot be decoded`);
  if (header.height !== height) {
    throw damaged(`block ${header.height} is stored as block ${height}`);
  }
  const actual = hashBlockHeader(hashOf, header);
  if (!equalBytes(actual, hash)) {
    throw damaged(
      `block ${height} is stored with the hash ${to0xHex(hash)}, its header has ${
        to0xHex(actual)
      } (or the kms is not the one of this chain)`,
    );
  }
  if (height === 0n) return header;
  const parent = await requireRecord(storage, Regions.BLOCK_HASH, height - 1n);
  if (equalBytes(header.prevhash, parent)) return header;
  throw damaged(
    `block ${height} follows ${to0xHex(header.prevhash)}, block ${height - 1n} is stored with ` +
      `the hash ${to0xHex(parent)}`,
  );
}

function damaged(problem: string): ChainDataError {
  return new ChainDataError(`Cannot use the stored chain: ${problem}`, MEND_STORAGE);
}
