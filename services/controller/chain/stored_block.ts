import type { Block, UnverifiedUtxoTransaction } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { type Bytes, toHex, u64be } from "../../../shared/bytes/mod.ts";
import type { AppliedChange } from "../system_config/mod.ts";

/** Keys of region 0 besides the lock ids. */
export const GlobalKey = {
  /** Value: the committed height. */
  Height: 0n,
  /** Value: hash of the newest block. */
  Hash: 1n,
} as const;

/** A record of the storage service. */
export interface StoreRecord {
  readonly region: number;
  readonly key: Bytes;
  readonly value: Bytes;
}

/** What is known of a block once it was executed. */
export interface ExecutedBlock {
  readonly height: bigint;
  readonly hash: Bytes;
  /** Encoded with its proof. */
  readonly encoded: Bytes;
  readonly stateRoot: Bytes;
  /** Changes of the system configuration that took effect. */
  readonly applied: readonly AppliedChange[];
}

/** The block itself, and what executing it gave; they say nothing of the height of the chain. */
export function contentRecords(
  { height, encoded, stateRoot }: Pick<ExecutedBlock, "height" | "encoded" | "stateRoot">,
): [full: StoreRecord, result: StoreRecord] {
  const key = u64be(height);
  return [
    { region: Regions.FULL_BLOCK, key, value: encoded },
    { region: Regions.RESULT, key, value: stateRoot },
  ];
}

/** Changed items; they come after the block, whose storing brings the transactions that they name. */
export function changeRecords(applied: readonly AppliedChange[]): StoreRecord[] {
  return applied.map(({ id, txHash }) => (
    { region: Regions.GLOBAL, key: u64be(id), value: txHash }
  ));
}

/** The newest block: its height comes last, until it is stored the block does not exist. */
export function tipRecords(
  { height, hash }: Pick<ExecutedBlock, "height" | "hash">,
): [hash: StoreRecord, height: StoreRecord] {
  return [
    { region: Regions.GLOBAL, key: u64be(GlobalKey.Hash), value: hash },
    { region: Regions.GLOBAL, key: u64be(GlobalKey.Height), value: u64be(height) },
  ];
}

/**
 * The records of a block in groups: a group may reach the disk in any order, after the one before
 * it (spec/controller.md, 11).
 */
export function blockRecords(block: ExecutedBlock): StoreRecord[][] {
  const [full, result] = contentRecords(block);
  const items = changeRecords(block.applied);
  const [hash, height] = tipRecords(block);
  // the reference stores the result after the items
  return [
    ...(items.length === 0 ? [[full, result]] : [[full], [...items, result]]),
    [hash],
    [height],
  ];
}

/** The hashes of a block's transactions in hex; null when a transaction has no variant. */
export function transactionKeys(block: Block): string[] | null {
  const keys: string[] = [];
  for (const raw of block.body?.body ?? []) {
    const hash = rawTransactionHash(raw);
    if (hash === null) return null;
    keys.push(toHex(hash));
  }
  return keys;
}

/** The transactions of a block that change the system configuration. */
export function utxoTransactions(block: Block): UnverifiedUtxoTransaction[] {
  const found: UnverifiedUtxoTransaction[] = [];
  for (const { tx } of block.body?.body ?? []) {
    if (tx?.$case === "utxoTx") found.push(tx.value);
  }
  return found;
}
