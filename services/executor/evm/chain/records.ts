import { HASH_SIZE } from "../../../../shared/block/mod.ts";
import {
  type Bytes,
  EMPTY_BYTES,
  joinBytes,
  readU64be,
  u64be,
} from "../../../../shared/bytes/mod.ts";
import type { Log } from "../interpreter/context.ts";
import { decode, decodeUint, RlpError, type RlpItem, RlpWriter } from "../rlp/mod.ts";
import {
  type ReceiptError,
  receiptErrorOf,
  writeError,
  writeLogs,
} from "../transaction/receipt.ts";
import { decodeHeader, encodeHeader, type Header } from "./header.ts";

/** A record to write. */
export type Put = readonly [key: Bytes, value: Bytes];

/** Synchronous reads of the records of the executor. */
export interface RecordReader {
  getSync(key: Bytes): Bytes | null;
}

/** A range of keys to walk over. */
export interface RecordRange {
  readonly gt?: Bytes;
  readonly gte?: Bytes;
  readonly lt?: Bytes;
  /** Stops after so many records. */
  readonly limit?: number;
}

/** Records to write and to remove. */
export interface RecordBatch {
  readonly puts?: Iterable<Put>;
  readonly deletes?: Iterable<Bytes>;
}

/** Where the records are kept. */
export interface RecordStore extends RecordReader {
  getMany(keys: readonly Bytes[]): Promise<(Bytes | null)[]>;
  iterate(range: RecordRange): AsyncIterable<Put>;
  /**
   * Writes all or, after a crash, nothing. With `sync` the batch is safe from a power failure when
   * the promise resolves.
   */
  write(batch: RecordBatch, options: { readonly sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** What begins the key of a record, by its kind. All but nodes and removals are kept for ever. */
export const Kind = {
  Current: 0,
  AccountNode: 1,
  Blob: 2,
  Header: 3,
  Receipt: 4,
  GenesisOption: 5,
  StorageNode: 6,
  Format: 7,
  HeightOfHash: 8,
  ReceiptHashes: 9,
  Removals: 10,
  OldestState: 11,
} as const;

/** The key of a record. */
export function keyOf(kind: number, rest: Bytes): Bytes {
  const key = new Uint8Array(1 + rest.length);
  key[0] = kind;
  key.set(rest, 1);
  return key;
}

const CURRENT_KEY = keyOf(Kind.Current, EMPTY_BYTES);
const GENESIS_OPTION_KEY = keyOf(Kind.GenesisOption, EMPTY_BYTES);

/** The stored data lack a record that others refer to. */
export class MissingRecordError extends Error {
  override name = "MissingRecordError";
}

/** A state was removed that is to be read. */
export class RemovedStateError extends MissingRecordError {
  override name = "RemovedStateError";
}

const FORMAT_KEY = keyOf(Kind.Format, EMPTY_BYTES);

/** How the records are laid out: nodes by their place since 2, by their hash before. */
const FORMAT = 2;

/** The data folder has records that this version cannot read. */
export class FormatError extends Error {
  override name = "FormatError";
}

/** Throws a {@linkcode FormatError} unless the records are laid out as here, or there are none. */
export function checkFormat(reader: RecordReader): void {
  const found = reader.getSync(FORMAT_KEY)?.[0] ??
    (readCurrentHeight(reader) === null ? FORMAT : 1);
  if (found === FORMAT) return;
  const remedy = found < FORMAT
    ? "move it away and let the node execute its blocks again"
    : "use the version that wrote it";
  throw new FormatError(
    `Cannot use the data folder: its format must be ${FORMAT}, got ${found}; ${remedy}`,
  );
}

/** Records the layout. */
export function putFormat(): Put {
  return [FORMAT_KEY, Uint8Array.of(FORMAT)];
}

/** Height of the last executed block, null before the first one. */
export function readCurrentHeight(reader: RecordReader): bigint | null {
  const bytes = reader.getSync(CURRENT_KEY);
  return bytes === null ? null : readU64be(bytes);
}

/** The header of an executed block, null for a height that was not executed. */
export function readHeader(reader: RecordReader, height: bigint): Header | null {
  const bytes = reader.getSync(keyOf(Kind.Header, u64be(height)));
  return bytes === null ? null : decodeHeader(bytes);
}

/** The header of a block that must have been executed. */
export function requireHeader(reader: RecordReader, height: bigint): Header {
  const header = readHeader(reader, height);
  if (header !== null) return header;
  throw new MissingRecordError(`Cannot read header ${height}: the store does not have it`);
}

/** Records a header. */
export function putHeader(header: Header): Put {
  return [keyOf(Kind.Header, u64be(header.height)), encodeHeader(header)];
}

/** Makes an executed block the last one. */
export function putCurrentHeight(height: bigint): Put {
  return [CURRENT_KEY, u64be(height)];
}

/** The genesis header as it is if the chain hashes with the second of the two functions. */
export function readGenesisOption(reader: RecordReader): Header | null {
  const bytes = reader.getSync(GENESIS_OPTION_KEY);
  return bytes === null ? null : decodeHeader(bytes);
}

/** Records what {@linkcode readGenesisOption} reads. */
export function putGenesisOption(header: Header): Put {
  return [GENESIS_OPTION_KEY, encodeHeader(header)];
}

/** The height of an executed block by its executor hash, null for a hash that no block has. */
export function readHeightOfHash(reader: RecordReader, hash: Bytes): bigint | null {
  const bytes = reader.getSync(keyOf(Kind.HeightOfHash, hash));
  return bytes === null ? null : readU64be(bytes);
}

/** Records what {@linkcode readHeightOfHash} reads. */
export function putHeightOfHash(hash: Bytes, height: bigint): Put {
  return [keyOf(Kind.HeightOfHash, hash), u64be(height)];
}

/** Hashes of the receipts of a block in their order; none for a block without transactions. */
export function readReceiptHashes(reader: RecordReader, height: bigint): Bytes[] {
  const bytes = reader.getSync(keyOf(Kind.ReceiptHashes, u64be(height))) ?? EMPTY_BYTES;
  const hashes: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += HASH_SIZE) {
    hashes.push(bytes.subarray(at, at + HASH_SIZE));
  }
  return hashes;
}

/** Records what {@linkcode readReceiptHashes} reads. */
export function putReceiptHashes(height: bigint, hashes: readonly Bytes[]): Put {
  return [keyOf(Kind.ReceiptHashes, u64be(height)), joinBytes(hashes)];
}

/** All that the query of a receipt needs besides the header of the block. */
export interface ReceiptRecord {
  readonly height: bigint;
  /** Among the normal transactions of the block. */
  readonly index: bigint;
  /** Logs of all earlier transactions of the block. */
  readonly logOffset: bigint;
  readonly quotaUsed: bigint;
  /** What the transaction before used; 0 for the first one. */
  readonly previousQuotaUsed: bigint;
  /** Quota of the transaction. */
  readonly quota: bigint;
  /** 20 bytes, or none. */
  readonly contractAddress: Bytes;
  readonly error: ReceiptError | null;
  readonly logs: readonly Log[];
  /** Nonce of the sender before, 0 when the transaction was refused. */
  readonly accountNonce: bigint;
}

const writer = new RlpWriter();

/** Records a receipt under the hash of its transaction; the last one with a hash stays. */
export function putReceipt(transactionHash: Bytes, record: ReceiptRecord): Put {
  writer.begin();
  writer.uint(record.accountNonce);
  writeLogs(writer, record.logs);
  writeError(writer, record.error);
  writer.bytes(record.contractAddress);
  writer.uint(record.quota);
  writer.uint(record.previousQuotaUsed);
  writer.uint(record.quotaUsed);
  writer.uint(record.logOffset);
  writer.uint(record.index);
  writer.uint(record.height);
  writer.list(0);
  return [keyOf(Kind.Receipt, transactionHash), writer.take().slice()];
}

/** The record of a transaction, null when none with that hash was executed. */
export function readReceipt(reader: RecordReader, transactionHash: Bytes): ReceiptRecord | null {
  const bytes = reader.getSync(keyOf(Kind.Receipt, transactionHash));
  if (bytes === null) return null;
  const items = listOf(decode(bytes));
  const numbers = items.slice(0, 6).map(decodeUint);
  const [height = 0n, index = 0n, logOffset = 0n] = numbers;
  const [quotaUsed = 0n, previousQuotaUsed = 0n, quota = 0n] = numbers.slice(3);
  const [contractAddress = EMPTY_BYTES, error = [], logs = [], accountNonce] = items.slice(6);
  return {
    height,
    index,
    logOffset,
    quotaUsed,
    previousQuotaUsed,
    quota,
    contractAddress: bytesOf(contractAddress),
    error: decodeError(error),
    logs: listOf(logs).map(decodeLog),
    accountNonce: decodeUint(accountNonce ?? EMPTY_BYTES),
  };
}

function decodeError(item: RlpItem): ReceiptError | null {
  const [code] = listOf(item);
  return code === undefined ? null : receiptErrorOf(Number(decodeUint(code)));
}

function decodeLog(item: RlpItem): Log {
  const [address = EMPTY_BYTES, topics = [], data = EMPTY_BYTES] = listOf(item);
  return {
    address: bytesOf(address),
    topics: listOf(topics).map(bytesOf),
    data: bytesOf(data),
  };
}

function bytesOf(item: RlpItem): Bytes {
  if (item instanceof Uint8Array) return item;
  throw new RlpError("Cannot read a receipt: a string is expected, not a list");
}

function listOf(item: RlpItem): readonly RlpItem[] {
  if (!(item instanceof Uint8Array)) return item;
  throw new RlpError("Cannot read a receipt: a list is expected, not a string");
}
