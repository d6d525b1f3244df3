/** Records and blocks that follow from a place and a version, so that none need be remembered. */

import type { BlockHeader, RawTransaction } from "../../proto/gen/blockchain.ts";
import { Block, BlockHeader as BlockHeaderCodec } from "../../proto/gen/blockchain.ts";
import { type RecordKey, Region, type StoredRecord } from "../../services/storage/regions.ts";
import { buildTransaction, fakeHeaderHash } from "../../services/storage/testing/builders.ts";
import { type Bytes, concatBytes, readU64be, u64be } from "../../shared/bytes/mod.ts";
import { encode } from "../../shared/codec/mod.ts";

/** Regions of plain records; blocks use others, or other keys. */
const PLAIN_REGIONS = [Region.Global, Region.Transactions, Region.Proof, Region.Headers] as const;

/** Keys of plain records begin with this byte, hashes of transactions with the other. */
const PLAIN_KEY_BYTE = 1;
const TRANSACTION_BYTE = 2;

/** The place of a plain record, or of a block, by a number of its own. */
export const plainPlace = (number: number): string => `plain ${number}`;
export const blockPlace = (height: number): string => `block ${height}`;

/** Whether a full block is kept there. */
export function isBlock(place: string): boolean {
  return place.startsWith("block ");
}

function numberOf(place: string): number {
  return Number(place.slice("plain ".length));
}

/** Region and key of a place. */
export function keyOf(place: string): RecordKey {
  const number = numberOf(place);
  if (isBlock(place)) return { region: Region.FullBlock, key: u64be(BigInt(number)) };
  const region = PLAIN_REGIONS[number % PLAIN_REGIONS.length] ?? Region.Global;
  const key = new Uint8Array(region === Region.Transactions ? 32 : 8);
  key[0] = PLAIN_KEY_BYTE;
  key.set(u64be(BigInt(number)).subarray(4), key.length - 4);
  return { region, key };
}

/** The record of one version of a place. */
export function recordOf(place: string, version: number): StoredRecord {
  const value = isBlock(place) ? blockValue(numberOf(place), version) : plainValue(version);
  return { ...keyOf(place), value };
}

/** Most values are small, as those of a controller; some span several blocks of the log. */
function plainValue(version: number): Bytes {
  const size = version % 97 === 0 ? 100_000 : version % 11 === 0 ? 4_000 : 200;
  const value = new Uint8Array(size).fill(version);
  value.set(u64be(BigInt(version)));
  value.set(u64be(BigInt(version)), size - 8);
  return value;
}

/** The version that a value of a plain record claims to be. */
export function versionOf(value: Bytes): number {
  return value.length < 8 ? -1 : Number(readU64be(value.subarray(0, 8)));
}

function transactionCount(version: number): number {
  return version % 10 === 0 ? 300 : 20;
}

function transactionHash(version: number, index: number): Bytes {
  const hash = new Uint8Array(32);
  hash[0] = TRANSACTION_BYTE;
  hash.set(u64be(BigInt(version)), 16);
  hash.set(u64be(BigInt(index)), 24);
  return hash;
}

function headerOf(height: number, version: number): BlockHeader {
  return {
    prevhash: new Uint8Array(32),
    timestamp: 1n,
    height: BigInt(height),
    transactionsRoot: new Uint8Array(32),
    proposer: concatBytes(new Uint8Array(12), u64be(BigInt(version))),
  };
}

function blockValue(height: number, version: number): Bytes {
  const body: RawTransaction[] = [];
  for (let index = 0; index < transactionCount(version); index++) {
    body.push(buildTransaction(transactionHash(version, index)));
  }
  const header = headerOf(height, version);
  return encode(Block, { version: 0, header, body: { body }, proof: u64be(BigInt(version)) });
}

/** Transactions of a block that are looked at: the first, the last and some between them. */
const CHECKED_TRANSACTIONS = 6;

/** Records that only this version of a block has: either all of them are stored or none is. */
export async function ownRecords(place: string, version: number): Promise<StoredRecord[]> {
  const height = u64be(BigInt(numberOf(place)));
  const records: StoredRecord[] = [];
  const last = transactionCount(version) - 1;
  for (let step = 0; step < CHECKED_TRANSACTIONS; step++) {
    const index = Math.round(last * step / (CHECKED_TRANSACTIONS - 1));
    const key = transactionHash(version, index);
    records.push(
      { region: Region.TransactionHeight, key, value: height },
      { region: Region.TransactionIndex, key, value: u64be(BigInt(index)) },
    );
  }
  const key = await blockHash(place, version);
  return [...records, { region: Region.BlockHeight, key, value: height }];
}

/** The hash of a version of a block, as the fake kms of the harness makes it. */
export async function blockHash(place: string, version: number): Promise<Bytes> {
  const header = encode(BlockHeaderCodec, headerOf(numberOf(place), version));
  const hashed = await fakeHeaderHash(header);
  return hashed.code === 0 ? hashed.value : new Uint8Array();
}
