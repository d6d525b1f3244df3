import {
  Block,
  type BlockHeader,
  CompactBlock,
  RawTransaction,
} from "../../proto/gen/blockchain.ts";
import { compactBlock, rawTransactionHash } from "../../shared/block/mod.ts";
import { type Bytes, u64be } from "../../shared/bytes/mod.ts";
import { encode, tryDecode } from "../../shared/codec/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import type { Outcome } from "./outcome.ts";
import { checkKey, checkRecord, Region, type StoredRecord } from "./regions.ts";

/** A block that has a header, so that its hash can be asked for. */
export interface HeadedBlock {
  readonly block: Block;
  readonly header: BlockHeader;
}

/** Reads the value of a full block (spec/storage_kms.md A4, steps 2 and 3). */
export function readFullBlock(value: Bytes): Outcome<HeadedBlock> {
  const block = tryDecode(Block, value);
  if (block === null) return { code: StatusCode.DecodeError };
  if (block.header === undefined) return { code: StatusCode.NoneBlockHeader };
  return { code: StatusCode.Success, value: { block, header: block.header } };
}

/** What the records of a full block are made from. */
export interface BlockToSplit {
  readonly block: Block;
  /** The key under which the block is stored; it need not match the header. */
  readonly heightKey: Bytes;
  readonly blockHash: Bytes;
}

/**
 * The records of a full block (spec/storage_kms.md A4, steps 4 to 7), or the code of the first one
 * that its region refuses. Transactions are encoded canonically and filed under the hash that they
 * claim, which nobody computes again here.
 */
export function splitFullBlock(
  { block, heightKey, blockHash }: BlockToSplit,
): Outcome<StoredRecord[]> {
  if (block.body === undefined) return { code: StatusCode.NoneBlockBody };
  const records: StoredRecord[] = [];
  for (const [index, raw] of block.body.body.entries()) {
    const hash = rawTransactionHash(raw);
    if (hash === null) return { code: StatusCode.NoTransaction };
    records.push(
      { region: Region.Transactions, key: hash, value: encode(RawTransaction, raw) },
      { region: Region.TransactionHeight, key: hash, value: heightKey },
      { region: Region.TransactionIndex, key: hash, value: u64be(BigInt(index)) },
    );
  }
  const compact = encode(CompactBlock, compactBlock(block));
  records.push(
    { region: Region.BlockHash, key: heightKey, value: blockHash },
    { region: Region.BlockHeight, key: blockHash, value: heightKey },
    { region: Region.Proof, key: heightKey, value: block.proof },
    { region: Region.CompactBlock, key: heightKey, value: compact },
  );
  for (const record of records) {
    const code = checkRecord(record);
    if (code !== StatusCode.Success) return { code };
  }
  return { code: StatusCode.Success, value: records };
}

/** Reads the compact block from which a full block is put together. */
export function readCompactBlock(value: Bytes): Outcome<CompactBlock> {
  const compact = tryDecode(CompactBlock, value);
  // upstream names it so, although it decodes
  if (compact === null) return { code: StatusCode.EncodeError };
  return { code: StatusCode.Success, value: compact };
}

/** The parts of a full block as they are stored. */
export interface BlockParts {
  readonly compact: CompactBlock;
  readonly proof: Bytes;
  /** One for each transaction hash of the compact block; null where there is no record. */
  readonly transactions: readonly (Bytes | null)[];
}

/** Puts a full block together again (spec/storage_kms.md A4); the body is there even when empty. */
export function joinFullBlock({ compact, proof, transactions }: BlockParts): Outcome<Bytes> {
  const body: RawTransaction[] = [];
  for (const [index, hash] of (compact.body?.txHashes ?? []).entries()) {
    const code = checkKey(Region.Transactions, hash);
    if (code !== StatusCode.Success) return { code };
    const bytes = transactions[index] ?? null;
    if (bytes === null) return { code: StatusCode.NotFound };
    const raw = tryDecode(RawTransaction, bytes);
    if (raw === null) return { code: StatusCode.DecodeError };
    body.push(raw);
  }
  const { version, header } = compact;
  const block = encode(Block, { version, header, body: { body }, proof });
  return { code: StatusCode.Success, value: block };
}
