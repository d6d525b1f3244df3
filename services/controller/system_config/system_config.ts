import {
  type Bytes,
  concatBytes,
  EMPTY_BYTES,
  equalBytes,
  readU32be,
  readU64be,
  u32be,
  u64be,
} from "../../../shared/bytes/mod.ts";
import { ADDRESS_SIZE, HASH_SIZE } from "../../../shared/block/mod.ts";
import type { UnverifiedUtxoTransaction } from "../../../proto/gen/blockchain.ts";
import { isLockId, LOCK_IDS, LockId } from "./lock_id.ts";

/** The configuration that all nodes agree on, in force after a certain block; never changed. */
export interface SystemConfig {
  readonly version: number;
  readonly chainId: Bytes;
  /** The only sender whose utxo transactions count. */
  readonly admin: Bytes;
  readonly blockIntervalSeconds: number;
  /** Node addresses; their order decides who proposes. */
  readonly validators: readonly Bytes[];
  /** While on, normal transactions are refused. */
  readonly emergencyBrake: boolean;
  /** How many blocks ahead a transaction may be valid, and how long its hash is remembered. */
  readonly blockLimit: bigint;
  /** Hash of the last transaction that changed an item; {@linkcode NO_PRE_HASH} before the first. */
  readonly preHashes: ReadonlyMap<LockId, Bytes>;
}

/** The items of a new chain, as `[system_config]` gives them. */
export type InitialSystemConfig = Omit<SystemConfig, "emergencyBrake" | "preHashes">;

/** Pre-hash of an item that was never changed: 33 bytes, one more than a hash has (13.2). */
export const NO_PRE_HASH: Bytes = new Uint8Array(HASH_SIZE + 1);

/** The configuration of a chain that has no blocks. */
export function initialSystemConfig(initial: InitialSystemConfig): SystemConfig {
  const preHashes = new Map(LOCK_IDS.map((id) => [id, NO_PRE_HASH] as const));
  return { ...initial, emergencyBrake: false, preHashes };
}

/** The bytes stored for an item of a new chain (section 5, step 6). */
export function initialItem(initial: InitialSystemConfig, id: LockId): Bytes {
  switch (id) {
    case LockId.Version:
      return u32be(initial.version);
    case LockId.ChainId:
      return initial.chainId;
    case LockId.Admin:
      return initial.admin;
    case LockId.BlockInterval:
      return u32be(initial.blockIntervalSeconds);
    case LockId.Validators:
      return concatBytes(...initial.validators);
    case LockId.EmergencyBrake:
      return EMPTY_BYTES;
    case LockId.BlockLimit:
      return u64be(initial.blockLimit);
  }
}

/**
 * The configuration with one item read from its bytes (13.3); null when they are not acceptable.
 * Longer numbers are cut, as the reference does; shorter ones are refused where it dies.
 */
export function withItem(config: SystemConfig, id: LockId, bytes: Bytes): SystemConfig | null {
  switch (id) {
    case LockId.Version:
      return bytes.length < 4 ? null : { ...config, version: readU32be(bytes) };
    case LockId.ChainId:
      return bytes.length !== HASH_SIZE ? null : { ...config, chainId: bytes };
    case LockId.Admin:
      return bytes.length !== ADDRESS_SIZE ? null : { ...config, admin: bytes };
    case LockId.BlockInterval:
      return bytes.length < 4 ? null : { ...config, blockIntervalSeconds: readU32be(bytes) };
    case LockId.Validators:
      return bytes.length % ADDRESS_SIZE !== 0
        ? null
        : { ...config, validators: splitAddresses(bytes) };
    case LockId.EmergencyBrake:
      return { ...config, emergencyBrake: bytes.length > 0 };
    case LockId.BlockLimit:
      return bytes.length < 8 ? null : { ...config, blockLimit: readU64be(bytes) };
  }
}

function splitAddresses(bytes: Bytes): Bytes[] {
  const addresses: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += ADDRESS_SIZE) {
    addresses.push(bytes.slice(at, at + ADDRESS_SIZE));
  }
  return addresses;
}

/** The configuration with an item changed by a committed transaction, and its hash remembered. */
export function withChange(
  config: SystemConfig,
  { id, output, txHash }: {
    readonly id: LockId;
    readonly output: Bytes;
    readonly txHash: Bytes;
  },
): SystemConfig | null {
  // after a change of the chain id the next start would take the stored hash for the id itself
  if (id === LockId.ChainId) return null;
  const changed = withItem(config, id, output);
  if (changed === null) return null;
  return { ...changed, preHashes: new Map(config.preHashes).set(id, txHash) };
}

/** A transaction of a block that took effect on the configuration. */
export interface AppliedChange {
  readonly id: LockId;
  readonly txHash: Bytes;
}

/**
 * What the utxo transactions of a block do, in body order (section 11, step 3). One that does not
 * follow the last change of its item, or whose output is not acceptable, stays without effect.
 */
export function applyUtxoTransactions(
  config: SystemConfig,
  transactions: readonly UnverifiedUtxoTransaction[],
): { readonly config: SystemConfig; readonly applied: readonly AppliedChange[] } {
  const applied: AppliedChange[] = [];
  let current = config;
  for (const { transaction, transactionHash: txHash } of transactions) {
    if (transaction === undefined || !isLockId(transaction.lockId)) continue;
    const id = transaction.lockId;
    if (!followsLastChange(current, id, transaction.preTxHash)) continue;
    const changed = withChange(current, { id, output: transaction.output, txHash });
    if (changed === null) continue;
    current = changed;
    applied.push({ id, txHash });
  }
  return { config: current, applied };
}

/** Whether a transaction names the last change of the item that it wants to change. */
export function followsLastChange(config: SystemConfig, id: LockId, preTxHash: Bytes): boolean {
  return equalBytes(preHashOf(config, id), preTxHash);
}

/** The pre-hash of an item. */
export function preHashOf(config: SystemConfig, id: LockId): Bytes {
  return config.preHashes.get(id) ?? NO_PRE_HASH;
}
