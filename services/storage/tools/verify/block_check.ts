import {
  type BlockHeader,
  type CompactBlock,
  RawTransaction,
} from "../../../../proto/gen/blockchain.ts";
import {
  HASH_SIZE,
  hashBlockHeader,
  hashTransaction,
  hashUtxoTransaction,
  transactionsRoot,
} from "../../../../shared/block/mod.ts";
import {
  type Bytes,
  equalBytes,
  isZero,
  readU64be,
  to0xHex,
  u64be,
} from "../../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../../shared/codec/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { type Engine, EngineError } from "../../engine.ts";
import { readCompactBlock } from "../../full_block.ts";
import { Region } from "../../regions.ts";
import type { Finding, FindingKind } from "./finding.ts";

/** What the check of one height needs. */
export interface BlockToCheck {
  readonly engine: Engine;
  readonly hash: HashFunction;
  readonly height: bigint;
  /** Whether the block must have been executed. */
  readonly needsResult: boolean;
}

/** What was there at a height. */
export interface CheckedBlock {
  readonly findings: readonly Finding[];
  /** The header and its hash; null when there is none. */
  readonly headed: { readonly header: BlockHeader; readonly blockHash: Bytes } | null;
  readonly transactionCount: number;
}

/** Takes what is wrong with the block that is being checked. */
type Report = (kind: FindingKind, text: string) => void;

/** A block under check. */
interface BlockCheck extends BlockToCheck {
  readonly report: Report;
}

type Headed = Pick<CheckedBlock, "headed" | "transactionCount">;

const NOTHING: Headed = { headed: null, transactionCount: 0 };

/**
 * Checks that the full block of a height can be put together, that it is what its hashes say, and
 * that its index records agree (spec/storage_kms.md A4, spec/protocol.md 13). Whether it follows
 * the block below is left to the caller.
 */
export async function checkBlock(block: BlockToCheck): Promise<CheckedBlock> {
  const findings: Finding[] = [];
  const { height } = block;
  const report: Report = (kind, text) => void findings.push({ height, kind, text });
  try {
    return { findings, ...await checkRecords({ ...block, report }) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    report("unreadable", error.message);
    return { findings, ...NOTHING };
  }
}

async function checkRecords(check: BlockCheck): Promise<Headed> {
  const { engine, height, needsResult, report } = check;
  const key = u64be(height);
  const [compactBytes, storedHash, proof, result] = await Promise.all([
    engine.get(Region.CompactBlock, key),
    engine.get(Region.BlockHash, key),
    engine.get(Region.Proof, key),
    engine.get(Region.Result, key),
  ]);
  if (compactBytes === null && storedHash === null && proof === null) {
    report("block-missing", "the block is missing");
    return NOTHING;
  }
  if (proof === null) report("proof", "the proof is missing");
  if (needsResult && result === null) report("result", "the hash of the executed block is missing");
  const compact = readHeaded(compactBytes, report);
  if (compact === null) return NOTHING;
  const { header } = compact;
  const blockHash = await checkHeader(check, header, storedHash);
  const transactionHashes = compact.body?.txHashes ?? [];
  checkRoot(check, header, transactionHashes);
  await checkTransactions(check, transactionHashes);
  return { headed: { header, blockHash }, transactionCount: transactionHashes.length };
}

type HeadedBlock = CompactBlock & { readonly header: BlockHeader };

function readHeaded(bytes: Bytes | null, report: Report): HeadedBlock | null {
  if (bytes === null) {
    report("block", "the compact block is missing");
    return null;
  }
  const compact = readCompactBlock(bytes);
  if (compact.code !== StatusCode.Success) {
    report("block", "the compact block cannot be decoded");
    return null;
  }
  const { header } = compact.value;
  if (header === undefined) {
    report("block", "the compact block has no header");
    return null;
  }
  return { ...compact.value, header };
}

async function checkHeader(
  { engine, hash, height, report }: BlockCheck,
  header: BlockHeader,
  storedHash: Bytes | null,
): Promise<Bytes> {
  const blockHash = hashBlockHeader(hash, header);
  if (header.height !== height) report("block", `its header is of height ${header.height}`);
  if (storedHash === null) {
    report("block-hash", `the block hash is missing, the header has ${to0xHex(blockHash)}`);
  } else if (!equalBytes(storedHash, blockHash)) {
    const hashes = `it is ${to0xHex(storedHash)}, the header has ${to0xHex(blockHash)}`;
    report("block-hash", `the block hash is wrong: ${hashes}`);
  }
  const foundHeight = await engine.get(Region.BlockHeight, blockHash);
  checkNumber(
    foundHeight,
    height,
    (wrong) => report("index", `the height of block ${to0xHex(blockHash)} ${wrong}`),
  );
  return blockHash;
}

/** The root of the genesis block is 32 zero bytes (spec/protocol.md 13.4). */
function checkRoot(
  { hash, height, report }: BlockCheck,
  { transactionsRoot: stored }: BlockHeader,
  transactionHashes: readonly Bytes[],
): void {
  if (height === 0n && stored.length === HASH_SIZE && isZero(stored)) return;
  const computed = transactionsRoot(hash, transactionHashes);
  if (equalBytes(stored, computed)) return;
  const roots = `the header has ${to0xHex(stored)}, the transactions ${to0xHex(computed)}`;
  report("transactions-root", `the transactions root is wrong: ${roots}`);
}

/** Transactions that are read at a time, so that a large block does not fill the memory. */
const TRANSACTIONS_READ_MAX = 1_000;

async function checkTransactions(check: BlockCheck, hashes: readonly Bytes[]): Promise<void> {
  const { engine } = check;
  for (let start = 0; start < hashes.length; start += TRANSACTIONS_READ_MAX) {
    const chunk = hashes.slice(start, start + TRANSACTIONS_READ_MAX);
    const [transactions, heights, indexes] = await Promise.all([
      engine.getMany(Region.Transactions, chunk),
      engine.getMany(Region.TransactionHeight, chunk),
      engine.getMany(Region.TransactionIndex, chunk),
    ]);
    for (const [offset, transactionHash] of chunk.entries()) {
      checkTransaction(check, {
        transactionHash,
        index: BigInt(start + offset),
        bytes: transactions[offset] ?? null,
        storedHeight: heights[offset] ?? null,
        storedIndex: indexes[offset] ?? null,
      });
    }
  }
}

/** The records of one transaction. */
interface TransactionRecords {
  readonly transactionHash: Bytes;
  /** Its place in the block. */
  readonly index: bigint;
  readonly bytes: Bytes | null;
  readonly storedHeight: Bytes | null;
  readonly storedIndex: Bytes | null;
}

function checkTransaction({ hash, height, report }: BlockCheck, records: TransactionRecords): void {
  const name = `transaction ${to0xHex(records.transactionHash)}`;
  const wrong = wrongOfTransaction(hash, records);
  if (wrong !== null) report("transaction", `${name} ${wrong}`);
  checkNumber(
    records.storedHeight,
    height,
    (wrong) => report("index", `the height of ${name} ${wrong}`),
  );
  checkNumber(
    records.storedIndex,
    records.index,
    (wrong) => report("index", `the index of ${name} ${wrong}`),
  );
}

function wrongOfTransaction(
  hash: HashFunction,
  { transactionHash, bytes }: TransactionRecords,
): string | null {
  if (bytes === null) return "is missing";
  const raw = tryDecode(RawTransaction, bytes);
  if (raw === null) return "cannot be decoded";
  const computed = hashOfContent(hash, raw);
  if (computed === null) return "has no content";
  if (!equalBytes(computed, transactionHash)) return `has the hash ${to0xHex(computed)}`;
  const claimed = raw.tx?.value.transactionHash;
  const isClaimed = claimed !== undefined && equalBytes(claimed, transactionHash);
  return isClaimed ? null : `claims to be ${to0xHex(claimed ?? new Uint8Array(0))}`;
}

/** The hash over the canonical encoding; null when there is nothing to encode. */
function hashOfContent(hash: HashFunction, { tx }: RawTransaction): Bytes | null {
  if (tx === undefined || tx.value.transaction === undefined) return null;
  return tx.$case === "normalTx"
    ? hashTransaction(hash, tx.value.transaction)
    : hashUtxoTransaction(hash, tx.value.transaction);
}

function checkNumber(
  stored: Bytes | null,
  expected: bigint,
  report: (wrong: string) => void,
): void {
  if (stored === null) return report("is missing");
  if (stored.length !== 8) return report(`has ${stored.length} bytes`);
  const value = readU64be(stored);
  if (value !== expected) report(`is ${value}, not ${expected}`);
}
