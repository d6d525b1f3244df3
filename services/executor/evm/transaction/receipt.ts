import { type Bytes, concatBytes } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { BLOOM_SIZE, bloomOf } from "../bloom.ts";
import type { Log } from "../interpreter/context.ts";
import { VmError } from "../interpreter/errors.ts";
import type { Word } from "../word.ts";
import { encodeBytes, encodeList, encodeUint } from "../rlp/mod.ts";

/** Why a transaction failed; the numbers are hashed (spec/executor_evm.md, 11.2). */
export const ReceiptError = {
  NotEnoughBaseQuota: 0,
  TransactionMalformed: 9,
  ...VmError,
  Reverted: 18,
} as const;

/** One of the reasons. */
export type ReceiptError = (typeof ReceiptError)[keyof typeof ReceiptError];

const MESSAGES: Readonly<Record<ReceiptError, string>> = {
  [ReceiptError.NotEnoughBaseQuota]: "Not enough base quota.",
  [ReceiptError.TransactionMalformed]: "Malformed transaction.",
  [ReceiptError.OutOfQuota]: "Out of quota.",
  [ReceiptError.BadJumpDestination]: "Jump position wasn't marked with JUMPDEST instruction.",
  [ReceiptError.BadInstruction]: "Instruction is not supported.",
  [ReceiptError.StackUnderflow]: "Not enough stack elements to execute instruction.",
  [ReceiptError.OutOfStack]: "Execution would exceed defined Stack Limit.",
  [ReceiptError.Internal]: "EVM internal error.",
  [ReceiptError.MutableCallInStaticContext]: "Mutable call in static context.",
  [ReceiptError.OutOfBounds]: "Out of bounds.",
  [ReceiptError.Reverted]: "Reverted.",
};

/** The text that users see; empty for success. */
export function errorMessage(error: ReceiptError | null): string {
  return error === null ? "" : MESSAGES[error];
}

/** The reason with that number, null for a number that no receipt has. */
export function receiptErrorOf(code: number): ReceiptError | null {
  return Object.values(ReceiptError).find((error) => error === code) ?? null;
}

/** What is recorded of a transaction (11.1). */
export interface Receipt {
  /** Of this transaction alone, although the reference names it a running total. */
  readonly quotaUsed: bigint;
  readonly logs: readonly Log[];
  readonly bloom: Bytes;
  readonly error: ReceiptError | null;
  /** Nonce of the sender before the transaction, 0 when it was refused. */
  readonly accountNonce: Word;
  readonly transactionHash: Bytes;
}

/** Bloom of a receipt without logs. */
export const EMPTY_BLOOM: Bytes = new Uint8Array(BLOOM_SIZE);

const ENCODED_EMPTY_BLOOM = encodeBytes(EMPTY_BLOOM);
const EMPTY_LIST = encodeList([]);

/** The bloom of logs, which most transactions do not have. */
export function bloomOfLogs(logs: readonly Log[], keccak: HashFunction): Bytes {
  return logs.length === 0 ? EMPTY_BLOOM : bloomOf(logs, keccak);
}

/** The encoding that is hashed into the receipts root (11.3). */
export function encodeReceipt(receipt: Receipt): Bytes {
  const { quotaUsed, bloom, logs, error, accountNonce, transactionHash } = receipt;
  return encodeList([
    encodeUint(quotaUsed),
    bloom === EMPTY_BLOOM ? ENCODED_EMPTY_BLOOM : encodeBytes(bloom),
    encodeLogs(logs),
    encodeError(error),
    encodeUint(accountNonce),
    encodeBytes(transactionHash),
  ]);
}

/** Encodes logs as a list of `[address, [topics], data]`. */
export function encodeLogs(logs: readonly Log[]): Bytes {
  if (logs.length === 0) return EMPTY_LIST;
  return encodeList(
    logs.map(({ address, topics, data }) =>
      encodeList([encodeBytes(address), encodeList(topics.map(encodeBytes)), encodeBytes(data)])
    ),
  );
}

/** Encodes an error as a list of its number, success as the empty list. */
export function encodeError(error: ReceiptError | null): Bytes {
  return error === null ? EMPTY_LIST : encodeList([encodeUint(error)]);
}

const STRING_OF_32 = Uint8Array.of(0xa0);

/** Root over the hashes of the receipts of a block (11.4): `null` receipts hash as `H(80)`. */
export function receiptsRoot(receipts: readonly Receipt[], hash: HashFunction): Bytes {
  const count = receipts.length;
  const leaves = receipts.map((receipt) => hash(encodeReceipt(receipt)));
  if (count === 0) return hash(Uint8Array.of(0x80));
  const tree: Bytes[] = new Array(count - 1).concat(leaves);
  for (let i = count - 2; i >= 0; i--) {
    const [left, right] = [tree[2 * i + 1], tree[2 * i + 2]];
    if (left === undefined || right === undefined) throw new RangeError("The tree has a gap");
    tree[i] = hash(concatBytes(STRING_OF_32, left, STRING_OF_32, right));
  }
  return tree[0] ?? hash(Uint8Array.of(0x80));
}
