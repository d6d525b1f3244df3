import type { UnverifiedTransaction } from "../../../../proto/gen/blockchain.ts";
import { ADDRESS_SIZE, HASH_SIZE } from "../../../../shared/block/mod.ts";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { checkSize, FieldError } from "../../fields.ts";
import { type Word, wordOfBytes } from "../word.ts";

/** What a transaction does; its recipient decides (spec/executor_evm.md, 4.1). */
export type Action =
  /** Runs the data as init code. */
  | { readonly kind: "create" }
  /** Calls an address. */
  | { readonly kind: "call"; readonly to: Word }
  /** Has its data in the block only. */
  | { readonly kind: "store" }
  /** Sets the abi of the account named by the first 20 bytes of the data. */
  | { readonly kind: "store-abi" }
  /** Rewrites an account, where the chain allows it; else it fails. */
  | { readonly kind: "amend" };

/** A normal transaction as the machine takes it. */
export interface EvmTransaction {
  /** As given; it is not computed again. */
  readonly hash: Bytes;
  readonly sender: Word;
  readonly action: Action;
  readonly quota: bigint;
  readonly value: Word;
  readonly data: Bytes;
  readonly version: number;
}

const ACTION_BY_RECIPIENT: ReadonlyMap<Word, Action> = new Map<Word, Action>([
  [0xffffffffffffffffffffffffffffffffff010000n, { kind: "store" }],
  [0xffffffffffffffffffffffffffffffffff010001n, { kind: "store-abi" }],
  [0xffffffffffffffffffffffffffffffffff010002n, { kind: "amend" }],
]);

/** Size of `value` in a transaction that passed the controller; shorter ones are read as well. */
const VALUE_SIZE_MAX = 32;

/** Reads a transaction; throws a {@linkcode FieldError} for one that cannot be executed. */
export function readTransaction(raw: UnverifiedTransaction): EvmTransaction {
  const { transaction, witness, transactionHash } = raw;
  if (transaction === undefined) throw new FieldError("transaction", "be present", "none");
  if (witness === undefined) throw new FieldError("witness", "be present", "none");
  checkSize("transaction_hash", transactionHash, HASH_SIZE);
  checkSize("witness.sender", witness.sender, ADDRESS_SIZE);
  const { to, value, quota, data, version } = transaction;
  if (to.length !== 0) checkSize("transaction.to", to, ADDRESS_SIZE);
  if (value.length > VALUE_SIZE_MAX) {
    throw new FieldError("transaction.value", "have at most 32 bytes", value.length);
  }
  return {
    hash: transactionHash,
    sender: wordOfBytes(witness.sender),
    action: to.length === 0 ? { kind: "create" } : actionOf(wordOfBytes(to)),
    quota,
    value: wordOfBytes(value),
    data,
    version,
  };
}

function actionOf(to: Word): Action {
  return ACTION_BY_RECIPIENT.get(to) ?? { kind: "call", to };
}
