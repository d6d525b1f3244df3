import type { SystemConfig as SystemConfigMessage } from "../../../proto/gen/controller.ts";
import { assert } from "../../../shared/assert/mod.ts";
import { EMPTY_BYTES, equalBytes } from "../../../shared/bytes/mod.ts";
import {
  initialItem,
  initialSystemConfig,
  LOCK_IDS,
  LockId,
  NO_PRE_HASH,
  preHashOf,
  type SystemConfig,
  withChange,
  withItem,
} from "../system_config/mod.ts";
import { changeInForce, type ChangeSource } from "./config_changes.ts";
import type { Settings } from "./node.ts";

/** Numbers of the newer fields have 32 bits on the wire, limits have 64 here. */
const U32_MAX = 2n ** 32n - 1n;

/** The answer of 6.3: the newer fields stay unset, and so change no byte. */
export function configMessage(config: SystemConfig): SystemConfigMessage {
  return {
    version: config.version,
    chainId: config.chainId,
    admin: config.admin,
    blockInterval: config.blockIntervalSeconds,
    validators: [...config.validators],
    emergencyBrake: config.emergencyBrake,
    versionPreHash: preHashOf(config, LockId.Version),
    chainIdPreHash: preHashOf(config, LockId.ChainId),
    adminPreHash: preHashOf(config, LockId.Admin),
    blockIntervalPreHash: preHashOf(config, LockId.BlockInterval),
    validatorsPreHash: preHashOf(config, LockId.Validators),
    emergencyBrakePreHash: preHashOf(config, LockId.EmergencyBrake),
    quotaLimit: 0,
    quotaLimitPreHash: EMPTY_BYTES,
    blockLimit: 0,
    blockLimitPreHash: EMPTY_BYTES,
  };
}

/**
 * The answer of 6.6 and newer, with the limits. The limit of the quota is this node's own, which no
 * transaction changes; 0 means any.
 */
export function fullConfigMessage(
  config: SystemConfig,
  { quotaLimit }: Pick<Settings, "quotaLimit">,
): SystemConfigMessage {
  return {
    ...configMessage(config),
    quotaLimit: clampU32(quotaLimit ?? 0n),
    quotaLimitPreHash: NO_PRE_HASH,
    blockLimit: clampU32(config.blockLimit),
    blockLimitPreHash: preHashOf(config, LockId.BlockLimit),
  };
}

function clampU32(value: bigint): number {
  return Number(value < U32_MAX ? value : U32_MAX);
}

/** What the configuration of an earlier block is made from. */
export interface ConfigHistory extends Pick<ChangeSource, "load"> {
  readonly current: SystemConfig;
  /**
   * What the configuration file says of a new chain: storage forgets the first value of an item
   * when it is changed.
   */
  readonly initial: Settings["systemConfig"];
}

/**
 * The configuration by which block `height` is made and judged: that of the new chain with the
 * changes mined below (spec/controller.md, 13, 6.7 delta).
 */
export async function configForBlock(
  { current, initial, load }: ConfigHistory,
  height: bigint,
): Promise<SystemConfig> {
  const source = { load, pending: () => null };
  let config = initialSystemConfig(initial);
  for (const id of LOCK_IDS) {
    const newest = preHashOf(current, id);
    const wasChanged = !equalBytes(newest, NO_PRE_HASH);
    const change = wasChanged ? await changeInForce(source, newest, height - 1n) : null;
    const next = change === null
      ? withItem(config, id, initialItem(wasChanged ? initial : current, id))
      : withChange(config, { id, ...change });
    assert(next !== null, "A change that was applied once can be applied again");
    config = next;
  }
  return config;
}
