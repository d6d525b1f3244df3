import { BlockHeader } from "../../../../proto/gen/blockchain.ts";
import { ADDRESS_SIZE, HASH_SIZE, hashBlockHeader } from "../../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import {
  decode,
  decodeUint,
  encodeBytes,
  encodeList,
  encodeUint,
  RlpError,
  type RlpItem,
} from "../rlp/mod.ts";
import { EMPTY_BLOOM } from "../bloom.ts";
import { receiptsRoot } from "../transaction/receipt_tree.ts";

/** The parts of a header that come with the block. */
export interface OpenHeader {
  readonly prevhash: Bytes;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: bigint;
  readonly height: bigint;
  readonly transactionsRoot: Bytes;
  /** 20 bytes, also at height 0. */
  readonly proposer: Bytes;
  /** Version of the block. */
  readonly version: number;
}

/** What the executor keeps of a block (spec/executor_evm.md, section 12). */
export interface Header extends OpenHeader {
  readonly stateRoot: Bytes;
  readonly receiptsRoot: Bytes;
  readonly logBloom: Bytes;
}

/** Every block may use this much, which is to say there is no limit. */
const QUOTA_LIMIT = 2n ** 64n - 1n;

/** The header before the first block (12.3). */
export function defaultHeader(hash: HashFunction): Header {
  const nullHash = receiptsRoot([], hash);
  return {
    prevhash: new Uint8Array(HASH_SIZE),
    timestamp: 0n,
    height: 0n,
    transactionsRoot: nullHash,
    proposer: new Uint8Array(ADDRESS_SIZE),
    version: 0,
    stateRoot: nullHash,
    receiptsRoot: nullHash,
    logBloom: EMPTY_BLOOM,
  };
}

/** The 12 items of a header (12.1). */
export function encodeHeader(header: Header): Bytes {
  return encodeList([
    encodeBytes(header.prevhash),
    encodeBytes(header.stateRoot),
    encodeBytes(header.transactionsRoot),
    encodeBytes(header.receiptsRoot),
    encodeBytes(header.logBloom),
    encodeUint(header.height),
    encodeUint(QUOTA_LIMIT),
    encodeUint(0), // quota used: the reference never counts it
    encodeUint(header.timestamp),
    encodeUint(header.version),
    encodeBytes(EMPTY_BYTES), // proof
    encodeBytes(header.proposer),
  ]);
}

/** Reads what {@linkcode encodeHeader} wrote; throws an {@linkcode RlpError} for anything else. */
export function decodeHeader(bytes: Bytes): Header {
  const items = decode(bytes);
  if (items instanceof Uint8Array || items.length !== 12) {
    throw new RlpError("Cannot read a header: it must be a list of 12 items");
  }
  const [prevhash, stateRoot, transactionsRoot, root, logBloom] = items.map(bytesOf);
  const [, , , , , height, , , timestamp, version] = items;
  return {
    prevhash: prevhash ?? EMPTY_BYTES,
    stateRoot: stateRoot ?? EMPTY_BYTES,
    transactionsRoot: transactionsRoot ?? EMPTY_BYTES,
    receiptsRoot: root ?? EMPTY_BYTES,
    logBloom: logBloom ?? EMPTY_BYTES,
    height: decodeUint(height ?? EMPTY_BYTES),
    timestamp: decodeUint(timestamp ?? EMPTY_BYTES),
    version: Number(decodeUint(version ?? EMPTY_BYTES)),
    proposer: bytesOf(items[11] ?? EMPTY_BYTES),
  };
}

function bytesOf(item: RlpItem): Bytes {
  if (item instanceof Uint8Array) return item;
  throw new RlpError("Cannot read a header: its items must be strings");
}

/** The executor's own block hash (12.2), which contracts and receipts show. */
export function executorHash(header: Header, hash: HashFunction): Bytes {
  return hash(encodeHeader(header));
}

/** The block hash of the chain, which the next block names as its parent (4.2). */
export function chainHash(header: OpenHeader, hash: HashFunction): Bytes {
  const { prevhash, timestamp, height, transactionsRoot, proposer } = header;
  const wireHeader: BlockHeader = {
    prevhash,
    timestamp,
    height,
    transactionsRoot,
    proposer: height === 0n ? new Uint8Array(HASH_SIZE) : proposer,
  };
  return hashBlockHeader(hash, wireHeader);
}
