import { Regions } from "../../../proto/gen/storage.ts";
import { HASH_SIZE } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes, to0xHex, u64be } from "../../../shared/bytes/mod.ts";
import {
  initialItem,
  type InitialSystemConfig,
  initialSystemConfig,
  LOCK_IDS,
  LockId,
  type SystemConfig,
  withChange,
  withItem,
} from "../system_config/mod.ts";
import { ChainDataError, MEND_STORAGE } from "./chain_data.ts";
import { changeInForce, type ChangeSource } from "./config_changes.ts";
import type { PatientStorage } from "./patient_storage.ts";

/** What loading the system configuration needs. */
export interface ConfigSource {
  readonly storage: PatientStorage;
  readonly initial: InitialSystemConfig;
  /** Committed height; changes by later blocks, stored before a crash, do not count yet. */
  readonly height: bigint;
  /** Changes of a block that was being stored when the process ended. */
  readonly pending: ChangeSource["pending"];
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
  const { storage, report } = source;
  const stored = await storage.load(Regions.GLOBAL, u64be(id));
  if (stored === null) {
    report(`lock_id: ${id} empty, store from config to local`);
    return await storeInitial(source, config, id);
  }
  if (stored.length !== HASH_SIZE || id === LockId.ChainId) {
    report(`lock_id: ${id} stored data`);
    return accept(withItem(config, id, stored), id);
  }
  report(`lock_id: ${id} stored tx_hash`);
  return await loadChangedItem(source, config, { id, newest: stored });
}

async function storeInitial(
  { storage, initial }: ConfigSource,
  config: SystemConfig,
  id: LockId,
): Promise<SystemConfig> {
  const value = initialItem(initial, id);
  await storage.store({ region: Regions.GLOBAL, key: u64be(id), value });
  return accept(withItem(config, id, value), id);
}

function accept(config: SystemConfig | null, id: LockId): SystemConfig {
  if (config !== null) return config;
  throw new ChainDataError(
    `Cannot use the system configuration: the stored item ${id} is malformed`,
    MEND_STORAGE,
  );
}

/**
 * An item whose newest stored change is not committed, after a crash or a rollback, is stored again
 * as it was before: on a chain that goes on without that change nothing else would undo it.
 */
async function loadChangedItem(
  source: ConfigSource,
  config: SystemConfig,
  { id, newest }: { readonly id: LockId; readonly newest: Bytes },
): Promise<SystemConfig> {
  const { storage, height, pending, report } = source;
  const load = (region: number, key: Bytes) => storage.load(region, key);
  const change = await changeInForce({ load, pending }, newest, height);
  if (change !== null && equalBytes(change.txHash, newest)) {
    return accept(withChange(config, { id, ...change }), id);
  }
  report(`lock_id: ${id} was changed by ${to0xHex(newest)}, which is not committed: undone`);
  if (change === null) return await storeInitial(source, config, id);
  await storage.store({ region: Regions.GLOBAL, key: u64be(id), value: change.txHash });
  return accept(withChange(config, { id, ...change }), id);
}
