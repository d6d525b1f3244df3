import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { type BlockContext, Execution, type Log, type Natives } from "../interpreter/context.ts";
import { VmError } from "../interpreter/errors.ts";
import type { Frame } from "../interpreter/frame.ts";
import { Machine, type Outcome } from "../interpreter/machine.ts";
import { toWord, type Word } from "../word.ts";
import type { Pace, Work } from "../work.ts";
import { addressKey, type WorldState } from "../state/world_state.ts";
import { setAbi } from "./abi.ts";
import { amend } from "./amend.ts";
import { ReceiptError } from "./receipt.ts";
import type { EvmTransaction } from "./transaction.ts";

/** What all transactions of a block run with. */
export interface BlockExecution {
  readonly state: WorldState;
  readonly block: BlockContext;
  readonly natives: Natives;
  /** What GASPRICE answers: 1 in a block, 0 in a read-only call. */
  readonly gasPrice: Word;
  /** Frames to use again, which no other execution under way uses. */
  readonly frames: Frame[];
  readonly pace: Pace;
  /** Whether amendments are carried out; else they fail. */
  readonly amends: boolean;
}

/** What became of a transaction. */
export type Applied =
  /** It did not run; the nonce of the sender grew, and an abi may be set. */
  | { readonly kind: "refused"; readonly error: ReceiptError; readonly quotaUsed: bigint }
  | {
    readonly kind: "ran";
    readonly error: ReceiptError | null;
    readonly quotaUsed: bigint;
    readonly logs: readonly Log[];
    /** Nonce of the sender before. */
    readonly accountNonce: Word;
    /** What the code returned, or gave as the reason of a revert. */
    readonly output: Bytes;
  };

const CALL_QUOTA = 21_000n;
const CREATE_QUOTA = 53_000n;
const DATA_QUOTA_PER_BYTE = 68n;
const STORE_QUOTA_PER_BYTE = 200n;

/** Newest version whose transactions pay nothing for their data. */
const FREE_DATA_VERSION_MAX = 2;

/** Executes a transaction (spec/executor_evm.md, section 6). The state keeps its effects. */
export function* applyTransaction(tx: EvmTransaction, env: BlockExecution): Work<Applied> {
  const { state } = env;
  const sender = addressKey(tx.sender);
  const accountNonce = state.nonce(sender);
  state.incrementNonce(sender);
  const base = baseQuota(tx);
  const refuse = (error: ReceiptError): Applied => ({
    kind: "refused",
    error,
    quotaUsed: smaller(BigInt(state.balance(sender)), CALL_QUOTA),
  });
  if (tx.quota < base) return refuse(ReceiptError.NotEnoughBaseQuota);
  if (tx.action.kind === "store-abi" && !setAbi(tx.data, { state, keccak: env.natives.keccak })) {
    return refuse(ReceiptError.TransactionMalformed);
  }
  const gas = tx.quota - base;
  if (tx.action.kind === "store" || tx.action.kind === "store-abi") {
    const cost = STORE_QUOTA_PER_BYTE * BigInt(tx.data.length);
    if (gas < cost) return refuse(ReceiptError.NotEnoughBaseQuota);
    return { ...NOTHING, quotaUsed: base + cost, accountNonce };
  }
  const transaction = { origin: tx.sender, gasPrice: env.gasPrice };
  const execution = new Execution({ ...env, transaction });
  const machine = new Machine(execution, env.frames);
  const { amends } = env;
  let outcome = beginAction(tx, { execution, machine, amends, nonce: accountNonce, gas });
  while (outcome === null) {
    yield machine.heldBytes;
    outcome = machine.resume();
  }
  return finish(tx, { execution, outcome, accountNonce });
}

/** A transaction that ran and did nothing. */
const NOTHING = { kind: "ran", error: null, logs: [], output: EMPTY_BYTES } as const;

function baseQuota({ action, version, data }: EvmTransaction): bigint {
  const base = action.kind === "create" ? CREATE_QUOTA : CALL_QUOTA;
  if (version <= FREE_DATA_VERSION_MAX) return base;
  return base + DATA_QUOTA_PER_BYTE * BigInt(data.length);
}

interface ActionStart extends Pick<BlockExecution, "amends"> {
  readonly execution: Execution;
  readonly machine: Machine;
  readonly nonce: Word;
  readonly gas: bigint;
}

function beginAction(tx: EvmTransaction, start: ActionStart): Outcome | null {
  const { execution, machine, nonce, amends } = start;
  const gas = toWord(start.gas);
  const message = { caller: tx.sender, value: tx.value, gas };
  switch (tx.action.kind) {
    case "create":
      return machine.create({ ...message, nonce, initCode: tx.data });
    case "call":
      return machine.call({ ...message, to: tx.action.to, input: tx.data });
    default: {
      const { state, natives } = execution;
      const output = amends ? amend(tx, { state, keccak: natives.keccak }) : null;
      if (output === null) return { kind: "failure", error: VmError.Internal };
      return { kind: "success", gasLeft: gas, output };
    }
  }
}

interface Finished {
  readonly execution: Execution;
  readonly outcome: Outcome;
  readonly accountNonce: Word;
}

/** Gives refunds, removes contracts that destructed themselves, and sums up. */
function finish(tx: EvmTransaction, { execution, outcome, accountNonce }: Finished): Applied {
  if (outcome.kind === "failure") {
    const { error } = outcome;
    return { ...NOTHING, error, quotaUsed: tx.quota, accountNonce };
  }
  const used = tx.quota - BigInt(outcome.gasLeft);
  const quotaUsed = used - smaller(BigInt(execution.refund), used >> 1n);
  const { output } = outcome;
  if (outcome.kind === "revert") {
    return { ...NOTHING, error: ReceiptError.Reverted, quotaUsed, accountNonce, output };
  }
  for (const key of execution.destructed) execution.state.setAccount(key, null);
  return { ...NOTHING, quotaUsed, logs: execution.logs, accountNonce, output };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
