import {
  Block,
  type BlockHeader,
  RawTransaction,
  type RawTransactions,
} from "../../../proto/gen/blockchain.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Engine } from "../engine.ts";
import { MemoryEngine } from "../engines/memory/engine.ts";
import type { HeaderHash } from "../header_hash.ts";
import { RegionStore } from "../region_store.ts";
import { storageHandlers } from "../service.ts";

/** What {@linkcode buildService} may be told. */
export interface ServiceParts {
  readonly engine?: Engine;
  readonly headerHash?: HeaderHash;
  readonly deleteFullBlockCode?: StatusCode;
}

/** The handlers of `[storage_rocksdb]` over a memory engine, unless told otherwise. */
export function buildService(parts: ServiceParts = {}) {
  const {
    engine = new MemoryEngine(),
    headerHash = fakeHeaderHash,
    deleteFullBlockCode = StatusCode.BadRegion,
  } = parts;
  const store = new RegionStore({ engine, headerHash, deleteFullBlockCode });
  return { engine, handlers: storageHandlers({ store, log: SILENT_LOGGER }) };
}

/** Not a hash: the last 32 bytes of the header with its length, distinct for the tests' headers. */
export const fakeHeaderHash: HeaderHash = (header) => {
  const value = new Uint8Array(32);
  value.set(header.subarray(-31));
  value[31] = header.length;
  return Promise.resolve({ code: StatusCode.Success, value });
};

/** A hash of one repeated byte. */
export function hashOf(byte: number): Bytes {
  return new Uint8Array(32).fill(byte);
}

/** A normal transaction that claims a hash. */
export function buildTransaction(hash: Bytes): RawTransaction {
  return {
    tx: {
      $case: "normalTx",
      value: { transactionHash: hash, transaction: undefined, witness: undefined },
    },
  };
}

/** A header of a height. */
export function buildHeader(height: bigint): BlockHeader {
  return {
    prevhash: hashOf(1),
    timestamp: 2n,
    height,
    transactionsRoot: hashOf(3),
    proposer: hashOf(4).subarray(12),
  };
}

/** Parts of {@linkcode buildBlock}. */
export interface BlockOptions {
  readonly height?: bigint;
  readonly header?: BlockHeader | undefined;
  readonly body?: RawTransactions | undefined;
}

/** An encoded block with a proof; parts that are given as undefined are left out. */
export function buildBlock(options: BlockOptions = {}): Bytes {
  const { height = 5n } = options;
  const header = "header" in options ? options.header : buildHeader(height);
  const body = "body" in options ? options.body : { body: [] };
  return encode(Block, { version: 0, header, body, proof: Uint8Array.of(0xc0, 0xff) });
}

/** A raw transaction without a variant. */
export const NO_TRANSACTION: RawTransaction = { tx: undefined };

/** The encoding of a transaction. */
export function encodeTransaction(raw: RawTransaction): Bytes {
  return encode(RawTransaction, raw);
}
