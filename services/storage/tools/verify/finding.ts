/** What may be wrong with a stored chain, and what an operator can do about it. */

/** A kind of damage. */
export type FindingKind =
  /** The medium or the database below refuses to give a record. */
  | "unreadable"
  /** Nothing of the block is there. */
  | "block-missing"
  /** The compact block is missing, cannot be decoded, or is not the one of its height. */
  | "block"
  /** The hash of the block is not the one of its header. */
  | "block-hash"
  /** The block does not follow the one below it. */
  | "link"
  /** The header stands for other transactions. */
  | "transactions-root"
  | "proof"
  /** The hash of the executed block is missing. */
  | "result"
  /** A transaction is missing, or is not the one of its hash. */
  | "transaction"
  /** A record from which a block or transaction is found by its hash is missing or wrong. */
  | "index"
  /** The record of the current height or of its hash does not fit the blocks. */
  | "current";

/** One thing that is wrong. */
export interface Finding {
  readonly height: bigint;
  readonly kind: FindingKind;
  /** Says what is wrong, without the height. */
  readonly text: string;
}

const REPLACE =
  "restore a backup of the node; or remove the data of all its services but kms.db and let it take " +
  "the chain from other nodes";

/** What to do about each kind. */
export const REPAIR_HINTS: Readonly<Record<FindingKind, string>> = {
  "unreadable": `check the disk, then ${REPLACE}`,
  "block-missing": REPLACE,
  "block": REPLACE,
  "block-hash": REPLACE,
  "link": "one of the two blocks is of another chain or was changed: compare both with another " +
    `node, then ${REPLACE}`,
  "transactions-root": REPLACE,
  "proof": REPLACE,
  "result": REPLACE,
  "transaction": REPLACE,
  "index": `the block is whole but is not found by its hash: ${REPLACE}`,
  "current": REPLACE,
};
