/** Items of the system configuration that a utxo transaction may change (spec/controller.md, 13.1). */
export const LockId = {
  Version: 1000n,
  ChainId: 1001n,
  Admin: 1002n,
  BlockInterval: 1003n,
  Validators: 1004n,
  EmergencyBrake: 1005n,
  BlockLimit: 1006n,
} as const;

/** One of the items. */
export type LockId = (typeof LockId)[keyof typeof LockId];

/** Every item in ascending order, the order in which they are loaded and stored. */
export const LOCK_IDS: readonly LockId[] = Object.values(LockId);

/** Whether a number from the wire names an item. */
export function isLockId(value: bigint): value is LockId {
  return value >= LockId.Version && value <= LockId.BlockLimit;
}
