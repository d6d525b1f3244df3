import { Block, type BlockHeader, type RawTransaction } from "../../../proto/gen/blockchain.ts";
import { Content } from "../../../proto/gen/storage.ts";
import {
  genesisBlock,
  hashBlockHeader,
  hashTransaction,
  hashUtxoTransaction,
  transactionsRoot,
} from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, fromHex, u64be } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Engine } from "../engine.ts";
import { splitFullBlock } from "../full_block.ts";
import { Region } from "../regions.ts";
import { buildService, hashOf } from "./builders.ts";
import { readVectors, type RecordedCall } from "./vectors.ts";

/** A chain that was stored for a test. */
export interface StoredChain {
  /** By height. */
  readonly blockHashes: readonly Bytes[];
  /** By height, in block order. */
  readonly transactionHashes: readonly (readonly Bytes[])[];
}

/** Stores a whole chain of so many heights: each block but the first has two transactions. */
export async function storeChain(
  engine: Engine,
  { hash, highest }: { hash: HashFunction; highest: number },
): Promise<StoredChain> {
  const blockHashes: Bytes[] = [];
  const transactionHashes: Bytes[][] = [];
  for (let height = 0; height <= highest; height++) {
    const body = height === 0 ? [] : [buildNormal(hash, height), buildUtxo(hash, height)];
    const hashes = body.map((raw) => raw.tx?.value.transactionHash ?? EMPTY_BYTES);
    const header: BlockHeader | undefined = height === 0
      ? genesisBlock({ timestamp: 1n, prevhash: new Uint8Array(32) }).header
      : {
        prevhash: blockHashes[height - 1] ?? EMPTY_BYTES,
        timestamp: BigInt(height),
        height: BigInt(height),
        transactionsRoot: transactionsRoot(hash, hashes),
        proposer: new Uint8Array(20),
      };
    if (header === undefined) throw new TypeError("a block has a header");
    const blockHash = hashBlockHeader(hash, header);
    const block: Block = { version: 0, header, body: { body }, proof: EMPTY_BYTES };
    const heightKey = u64be(BigInt(height));
    const split = splitFullBlock({ block, heightKey, blockHash });
    if (split.code !== StatusCode.Success) throw new TypeError(`refused with ${split.code}`);
    const result = { region: Region.Result, key: heightKey, value: hashOf(height) };
    await engine.write({ puts: [...split.value, result], deletes: [] });
    blockHashes.push(blockHash);
    transactionHashes.push(hashes);
  }
  await storeCurrent(engine, { height: highest, hash: blockHashes[highest] ?? EMPTY_BYTES });
  return { blockHashes, transactionHashes };
}

/** Stores the current height and its hash, as the controller does. */
export async function storeCurrent(
  engine: Engine,
  { height, hash }: { height: number; hash: Bytes },
): Promise<void> {
  const puts = [u64be(BigInt(height)), hash].map((value, key) => (
    { region: Region.Global, key: u64be(BigInt(key)), value }
  ));
  await engine.write({ puts, deletes: [] });
}

function buildNormal(hash: HashFunction, serial: number): RawTransaction {
  const transaction = {
    version: 0,
    to: new Uint8Array(20),
    nonce: String(serial),
    quota: 1n,
    validUntilBlock: 100n,
    data: EMPTY_BYTES,
    value: new Uint8Array(32),
    chainId: new Uint8Array(32),
  };
  const transactionHash = hashTransaction(hash, transaction);
  return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness: undefined } } };
}

function buildUtxo(hash: HashFunction, serial: number): RawTransaction {
  const transaction = {
    version: 0,
    preTxHash: new Uint8Array(33),
    output: u64be(BigInt(serial)),
    lockId: 1003n,
  };
  const transactionHash = hashUtxoTransaction(hash, transaction);
  return { tx: { $case: "utxoTx", value: { transaction, transactionHash, witnesses: [] } } };
}

/** Stores again what was stored while a chain of the reference node was recorded. */
export async function storeRecordedChain(
  engine: Engine,
  { name, hash }: { name: string; hash: HashFunction },
): Promise<void> {
  const { handlers } = buildService({
    engine,
    headerHash: (header) => Promise.resolve({ code: StatusCode.Success, value: hash(header) }),
  });
  const lines = (await readVectors(`${name}_calls.jsonl.gz`)).trimEnd().split("\n");
  for (const line of lines) {
    const { rpc, request_hex }: RecordedCall = JSON.parse(line);
    if (rpc === "Store") await handlers.store(decode(Content, fromHex(request_hex)));
  }
}
