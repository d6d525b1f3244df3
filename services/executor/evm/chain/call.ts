import type { CallRequest } from "../../../../proto/gen/executor.ts";
import { ADDRESS_SIZE, HASH_SIZE } from "../../../../shared/block/mod.ts";
import { type Bytes, isZero, toHex } from "../../../../shared/bytes/mod.ts";
import { checkSize } from "../../fields.ts";
import type { CallAnswer } from "../../service.ts";
import { wordOfBytes } from "../word.ts";
import { type Pace, WITHOUT_PAUSE, type Work } from "../work.ts";
import type { Applied } from "../transaction/apply.ts";
import { ReceiptError } from "../transaction/receipt.ts";
import type { EvmTransaction } from "../transaction/transaction.ts";
import type { Chain } from "./chain.ts";
import { MissingRecordError } from "./records.ts";

/** Quota of a read-only call (spec/executor_evm.md, section 10). */
const CALL_QUOTA = 50_000_000n;

/** Largest step by which an estimate may be too high (section 16). */
const ESTIMATE_PRECISION = 1024n;

/**
 * Calls a contract without lasting effects.
 *
 * @throws {FieldError} for a field that cannot be used
 * @throws {MissingRecordError} when the state after the last block cannot be read
 */
export function* callContract(
  chain: Chain,
  request: CallRequest,
  pace: Pace = WITHOUT_PAUSE,
): Work<CallAnswer> {
  checkSize("to", request.to, ADDRESS_SIZE);
  const tx = readOnlyTransaction(request, CALL_QUOTA);
  let applied: Applied;
  try {
    applied = yield* chain.simulate(tx, { height: heightOf(request), pace });
  } catch (cause) {
    if (!(cause instanceof MissingRecordError) || heightOf(request) === null) throw cause;
    return callError("Couldn't find the transaction block's state in the chain");
  }
  if (applied.kind === "refused") return callError("not enough base gas");
  const { error, output } = applied;
  const reason = error === ReceiptError.Reverted ? revertReason(output) : null;
  if (reason !== null) return { kind: "error", message: `Reverted: ${reason}` };
  return { kind: "value", value: output };
}

/** The text by which a call fails before any code runs. */
function callError(reason: string): CallAnswer {
  return { kind: "error", message: `Call Error Transaction execution error (${reason}).` };
}

/**
 * The quota with which a transaction would succeed, null if it fails (section 16). The reference
 * tries with all the quota there is; a loop without end would then hold the service up for ever, so
 * here the search ends at what a call may use.
 *
 * @throws {FieldError} for a field that cannot be used
 */
export function* estimateQuota(
  chain: Chain,
  request: CallRequest,
  pace: Pace = WITHOUT_PAUSE,
): Work<bigint | null> {
  if (request.to.length !== 0) checkSize("to", request.to, ADDRESS_SIZE);
  const usedWith = function* (quota: bigint): Work<bigint | null> {
    const call = readOnlyTransaction(request, quota);
    const tx = isZero(request.to) ? { ...call, action: { kind: "create" } as const } : call;
    const applied = yield* chain.simulate(tx, { height: heightOf(request), pace });
    return applied.kind === "ran" && applied.error === null ? applied.quotaUsed : null;
  };
  const used = yield* usedWith(CALL_QUOTA);
  if (used === null) return null;
  const usedAgain = yield* usedWith(used);
  if (usedAgain !== null) return usedAgain;
  let [tooLow, enough] = [used, CALL_QUOTA];
  while (enough - tooLow > ESTIMATE_PRECISION) {
    const middle = (tooLow + enough) / 2n;
    if ((yield* usedWith(middle)) === null) tooLow = middle;
    else enough = middle;
  }
  return enough;
}

/** A height that is not given means the last block: then it is null. */
export function heightOf({ height }: CallRequest): bigint | null {
  return height === 0n ? null : height;
}

function readOnlyTransaction(request: CallRequest, quota: bigint): EvmTransaction {
  const { to, from, method } = request;
  if (from.length !== 0) checkSize("from", from, ADDRESS_SIZE);
  return {
    hash: new Uint8Array(HASH_SIZE),
    sender: wordOfBytes(from),
    action: { kind: "call", to: wordOfBytes(to) },
    quota,
    value: 0,
    data: method,
    version: 0,
  };
}

/** Selector of `Error(string)`. */
const ERROR_SELECTOR = "08c379a0";

/** Where the text begins: after the selector, its offset and its size. */
const REASON_OFFSET = 68;

/** The text that a contract gave with a revert, null when there is none that can be read. */
function revertReason(output: Bytes): string | null {
  if (output.length <= REASON_OFFSET || toHex(output.subarray(0, 4)) !== ERROR_SELECTOR) {
    return null;
  }
  const text = output.subarray(REASON_OFFSET);
  const end = text.indexOf(0);
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(end < 0 ? text : text.subarray(0, end));
  } catch {
    return null; // not UTF-8: the caller gets the bytes
  }
}
