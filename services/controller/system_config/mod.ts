/**
 * The system configuration of a chain and how utxo transactions change it (spec/controller.md, 13).
 * Pure: no storage, no clock.
 *
 * @module
 */

export { isLockId, LOCK_IDS, LockId } from "./lock_id.ts";
export {
  type AppliedChange,
  applyUtxoTransactions,
  followsLastChange,
  initialItem,
  type InitialSystemConfig,
  initialSystemConfig,
  NO_PRE_HASH,
  preHashOf,
  type SystemConfig,
  withChange,
  withItem,
} from "./system_config.ts";
