import {
  type RawTransaction,
  RawTransactions,
  type Transaction,
  type UtxoTransaction,
} from "../../../proto/gen/blockchain.ts";
import {
  hashTransaction,
  hashUtxoTransaction,
  rawTransactionHash,
} from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { type BlockBody, makeBody } from "../chain/mod.ts";
import type { Settings } from "../flows/node.ts";
import { NO_PRE_HASH } from "../system_config/mod.ts";
import { fakeSignature } from "./fake_kms.ts";

/** Twenty times the same byte. */
export function address(byte: number): Bytes {
  return new Uint8Array(20).fill(byte);
}

/** The chain of the tests. */
export const CHAIN_ID: Bytes = new Uint8Array(32).fill(0xcc);

/** Who may change its configuration. */
export const ADMIN: Bytes = address(0xad);

/** Who decides on its first blocks. */
export const VALIDATORS: readonly Bytes[] = [1, 2, 3, 4].map(address);

/** Settings of a node of the tests; `nodeByte` makes its address. */
export function settings(nodeByte: number, changes: Partial<Settings> = {}): Settings {
  return {
    nodeAddress: address(nodeByte),
    genesis: { timestamp: 1_600_000_000_000n, prevhash: new Uint8Array(32) },
    systemConfig: {
      version: 0,
      chainId: CHAIN_ID,
      admin: ADMIN,
      blockIntervalSeconds: 3,
      validators: VALIDATORS,
      blockLimit: 100n,
    },
    packageLimit: 30_000,
    poolCountMax: 200_000,
    poolSizeMax: 512 * 1024 * 1024,
    quotaLimit: null,
    enableForward: true,
    forwardCountMax: 1_000,
    forwardDelayMs: 20,
    retryIntervalMs: 3_000,
    introductionIntervalMs: 3_600_000,
    growthCheckIntervalMs: 60_000,
    syncInterval: 10,
    syncRequestsMax: 5,
    forceSyncEpoch: 100n,
    ...changes,
  };
}

/** A normal transaction that any node of the tests accepts at height 0, unless changed. */
export function transaction(nonce: string, changes: Partial<Transaction> = {}): Transaction {
  return {
    version: 0,
    to: address(0x70),
    nonce,
    quota: 3_000_000n,
    validUntilBlock: 90n,
    data: EMPTY_BYTES,
    value: new Uint8Array(32),
    chainId: CHAIN_ID,
    ...changes,
  };
}

/** A signed normal transaction. */
export function normalTx(
  hash: HashFunction,
  inner: Transaction,
  sender = address(0x5e),
): RawTransaction {
  const transactionHash = hashTransaction(hash, inner);
  const signature = fakeSignature(hash, sender, transactionHash);
  const value = { transaction: inner, transactionHash, witness: { signature, sender } };
  return { tx: { $case: "normalTx", value } };
}

/** A signed change of the system configuration. */
export function utxoTx(
  hash: HashFunction,
  { sender = ADMIN, ...changes }: Partial<UtxoTransaction> & { readonly sender?: Bytes },
): RawTransaction {
  const inner = {
    version: 0,
    preTxHash: NO_PRE_HASH,
    output: EMPTY_BYTES,
    lockId: 1003n,
    ...changes,
  };
  const transactionHash = hashUtxoTransaction(hash, inner);
  const signature = fakeSignature(hash, sender, transactionHash);
  const value = { transaction: inner, transactionHash, witnesses: [{ signature, sender }] };
  return { tx: { $case: "utxoTx", value } };
}

/** The body of a block with any transactions in it. */
export function blockBody(hash: HashFunction, raws: readonly RawTransaction[]): BlockBody {
  return makeBody(
    hash,
    raws.map((raw) => ({
      raw,
      hash: rawTransactionHash(raw) ?? EMPTY_BYTES,
      encoded: encode(RawTransactions, { body: [raw] }),
    })),
  );
}
