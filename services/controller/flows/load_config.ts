import { RawTransaction, type UnverifiedUtxoTransaction } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { HASH_SIZE } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes, readU64be, to0xHex, u64be } from "../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import {
  initialItem,
  type InitialSystemConfig,
  initialSystemConfig,
  LOCK_IDS,
  LockId,
  NO_PRE_HASH,
  type SystemConfig,
  withChange,
  withItem,
} from "../system_config/mod.ts";
import type { PatientStorage } from "./patient_storage.ts";

/** Stored data that cannot belong to a chain: the node must not run on them. */
export class ChainDataError extends Error {
  override name = "ChainDataError";
}

/** What loading the system configuration needs. */
export interface ConfigSource {
  readonly storage: PatientStorage;
  readonly initial: InitialSystemConfig;
  /** Committed height; changes by later blocks, stored before a crash, do not count yet. */
  readonly height: bigint;
  /** Tells of each item where it comes from. */
  readonly report: (line: string) => void;
}

/**
 * The system configuration in force after the committed height; stores the items of a new chain
 * (spec/controller.md, 5, step 6). What storage holds wins over the configuration file.
 */
export async function loadSystemConfig(source: ConfigSource): Promise<SystemConfig> {
  let config = initialSystemConfig(source.initial);
  for (const id of LOCK_IDS) config = await loadItem(source, config, id);
  return config;
}

async function loadItem(
  source: ConfigSource,
  config: SystemConfig,
  id: LockId,
): Promise<SystemConfig> {
  const { storage, initial, report } = source;
  const stored = await storage.load(Regions.GLOBAL, u64be(id));
  if (stored === null) {
    const value = initialItem(initial, id);
    await storage.store({ region: Regions.GLOBAL, key: u64be(id), value });
    report(`lock_id: ${id} empty, store from config to local`);
    return accept(withItem(config, id, value), id);
  }
  if (stored.length !== HASH_SIZE || id === LockId.ChainId) {
    report(`lock_id: ${id} stored data`);
    return accept(withItem(config, id, stored), id);
  }
  report(`lock_id: ${id} stored tx_hash`);
  return await loadChangedItem(source, config, { id, txHash: stored });
}

function accept(config: SystemConfig | null, id: LockId): SystemConfig {
  if (config === null) {
    throw new ChainDataError(`Cannot use the system configuration: item ${id} is malformed`);
  }
  return config;
}

/** Follows the changes of an item back to the newest one that is committed. */
async function loadChangedItem(
  { storage, initial, height }: ConfigSource,
  config: SystemConfig,
  change: { readonly id: LockId; readonly txHash: Bytes },
): Promise<SystemConfig> {
  const { id } = change;
  const load: LoadValue = (region, key) => storage.load(region, key);
  const inForce = await newestChange(load, change, (mined) => mined <= height);
  if (inForce === null) return accept(withItem(config, id, initialItem(initial, id)), id);
  return accept(withChange(config, { id, ...inForce }), id);
}

/** A record of the storage; null when there is none. */
type LoadValue = (region: number, key: Bytes) => Promise<Bytes | null>;

/** A change of an item: what it was changed to, and by which transaction. */
interface ItemChange {
  readonly output: Bytes;
  readonly txHash: Bytes;
}

/**
 * The newest change of an item whose block the predicate accepts, looked for from a transaction
 * back; null when there is none, so that the item is what the chain began with.
 */
async function newestChange(
  load: LoadValue,
  { id, txHash: newest }: { readonly id: LockId; readonly txHash: Bytes },
  accepts: (height: bigint) => boolean,
): Promise<ItemChange | null> {
  for (let txHash = newest; !equalBytes(txHash, NO_PRE_HASH);) {
    const { transaction } = await loadUtxo(load, txHash);
    if (transaction === undefined) throw new ChainDataError(`Item ${id} names an empty change`);
    const mined = await load(Regions.TRANSACTION_HASH2BLOCK_HEIGHT, txHash);
    if (mined !== null && accepts(readU64be(mined))) return { output: transaction.output, txHash };
    txHash = transaction.preTxHash;
  }
  return null;
}

async function loadUtxo(load: LoadValue, txHash: Bytes): Promise<UnverifiedUtxoTransaction> {
  const bytes = await load(Regions.TRANSACTIONS, txHash);
  const raw = bytes === null ? null : tryDecode(RawTransaction, bytes);
  if (raw?.tx?.$case === "utxoTx") return raw.tx.value;
  throw new ChainDataError(
    `Cannot load the system configuration: transaction ${to0xHex(txHash)} is missing or no utxo`,
  );
}

/** What {@linkcode systemConfigFor} looks back from. */
export interface ConfigHistory {
  readonly load: LoadValue;
  /** In force after the newest block. */
  readonly current: SystemConfig;
  /** What the chain began with; only counts for items that were changed since. */
  readonly initial: InitialSystemConfig;
}

/**
 * The system configuration in force for a block: what the blocks below it made of the first one
 * (spec/controller.md, 13.4, 6.7 delta).
 *
 * @throws {ChainDataError} when a change is missing in storage
 */
export async function systemConfigFor(
  { load, current, initial }: ConfigHistory,
  height: bigint,
): Promise<SystemConfig> {
  let config = current;
  for (const [id, txHash] of current.preHashes) {
    if (equalBytes(txHash, NO_PRE_HASH)) continue;
    const change = await newestChange(load, { id, txHash }, (mined) => mined < height);
    const preHashes = new Map(config.preHashes).set(id, NO_PRE_HASH);
    config = change === null
      ? { ...accept(withItem(config, id, initialItem(initial, id)), id), preHashes }
      : accept(withChange(config, { id, ...change }), id);
  }
  return config;
}
