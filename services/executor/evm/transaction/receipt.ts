import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { Log } from "../interpreter/context.ts";
import { VmError } from "../interpreter/errors.ts";
import type { Word } from "../word.ts";
import { RlpWriter } from "../rlp/mod.ts";

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

/** Writes what is hashed into the receipts root (11.3). */
export function writeReceipt(writer: RlpWriter, receipt: Receipt): void {
  const { size } = writer;
  writer.bytes(receipt.transactionHash);
  writer.uint(receipt.accountNonce);
  writeError(writer, receipt.error);
  writeLogs(writer, receipt.logs);
  writer.bytes(receipt.bloom);
  writer.uint(receipt.quotaUsed);
  writer.list(size);
}

/** What {@linkcode writeReceipt} writes. */
export function encodeReceipt(receipt: Receipt): Bytes {
  const writer = new RlpWriter();
  writeReceipt(writer, receipt);
  return writer.take();
}

/** Writes logs as a list of `[address, [topics], data]`. */
export function writeLogs(writer: RlpWriter, logs: readonly Log[]): void {
  const { size } = writer;
  for (let i = logs.length - 1; i >= 0; i--) writeLog(writer, logs[i]!);
  writer.list(size);
}

function writeLog(writer: RlpWriter, { address, topics, data }: Log): void {
  const { size } = writer;
  writer.bytes(data);
  const sizeAfterTopics = writer.size;
  for (let i = topics.length - 1; i >= 0; i--) writer.bytes(topics[i]!);
  writer.list(sizeAfterTopics);
  writer.bytes(address);
  writer.list(size);
}

/** Writes an error as a list of its number, success as the empty list. */
export function writeError(writer: RlpWriter, error: ReceiptError | null): void {
  const { size } = writer;
  if (error !== null) writer.uint(error);
  writer.list(size);
}
