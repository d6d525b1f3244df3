import { fromHex } from "../../../shared/bytes/mod.ts";
import assert from "node:assert/strict";
import { stateStore } from "../evm/chain/state_records.ts";
import { Execution } from "../evm/interpreter/context.ts";
import type { VmError } from "../evm/interpreter/errors.ts";
import type { Frame } from "../evm/interpreter/frame.ts";
import { Machine, type Outcome } from "../evm/interpreter/machine.ts";
import { type Pace, WITHOUT_PAUSE } from "../evm/work.ts";
import { sub, toWord, type Word, wordOfBytes } from "../evm/word.ts";
import { blobOf, EMPTY_ROOT } from "../evm/state/account.ts";
import { CommittedState } from "../evm/state/committed_state.ts";
import { addressKey, WorldState } from "../evm/state/world_state.ts";
import { loadChainParts } from "./chain_parts.ts";
import { RETURN_WORD } from "./code.ts";
import { MemoryRecords } from "./memory_records.ts";

/** The functions of contracts. */
export const { natives } = await loadChainParts();
const { keccak } = natives;

/** Who sends the call. */
export const CALLER = 0xaan;
/** Whose code is called. */
export const SELF = 0xc0de;
/** Another address, for its code. */
export const OTHER = 0x07e5;
const frames: Frame[] = [];

const block = { height: 7, timestamp: 1_600_000_000_000, proposer: 0xcc, blockHash: () => 0 };

/** Code by address. */
export type Codes = Readonly<Record<number, string>>;

/** A state whose accounts have these codes. */
export function stateWith(codes: Codes): WorldState {
  const store = stateStore(new MemoryRecords());
  const state = new WorldState(new CommittedState(EMPTY_ROOT, { store, keccak }));
  for (const [address, code] of Object.entries(codes)) {
    const key = addressKey(Number(address));
    state.setAccount(key, { ...state.accountOrNew(key), code: blobOf(fromHex(code), keccak) });
  }
  return state;
}

/** What differs from a call with a gas of 1,000,000. */
export interface RunOptions {
  readonly codes?: Codes;
  readonly gas?: Word;
  readonly input?: string;
  readonly value?: Word;
  readonly pace?: Pace;
}

/** How a call ended, and what it left behind. */
export interface Ran {
  readonly outcome: Outcome;
  readonly execution: Execution;
  /** Bytes of memory that it told to hold at each pause. */
  readonly held: readonly number[];
}

/** Calls an account with that code. */
export function runCode(
  code: string,
  { codes = {}, gas = 1_000_000, input = "", value = 0, pace = WITHOUT_PAUSE }: RunOptions = {},
): Ran {
  const state = stateWith({ [SELF]: code, ...codes });
  const transaction = { origin: toWord(CALLER), gasPrice: 1 };
  const execution = new Execution({ state, block, transaction, natives, pace });
  const message = { caller: toWord(CALLER), to: SELF, value, input: fromHex(input), gas };
  const machine = new Machine(execution, frames);
  let outcome = machine.call(message);
  const held: number[] = [];
  while (outcome === null) {
    held.push(machine.heldBytes);
    outcome = machine.resume();
  }
  return { outcome, execution, held };
}

/** The word that code leaves on top of the stack. */
export function wordOf(code: string, options?: RunOptions): Word {
  const { outcome } = runCode(code + RETURN_WORD, options);
  assert(outcome.kind === "success", `${code}: ${JSON.stringify(outcome, (_, v) => String(v))}`);
  return wordOfBytes(outcome.output);
}

/** The gas that code uses until it stops. */
export function gasOf(code: string, options: RunOptions = {}): number {
  const gas = options.gas ?? 1_000_000;
  const { outcome } = runCode(code, { ...options, gas });
  assert(outcome.kind !== "failure", code);
  return Number(sub(gas, outcome.gasLeft));
}

/** The error of code that fails, null if it does not. */
export function errorOf(code: string, options?: RunOptions): VmError | null {
  const { outcome } = runCode(code, options);
  return outcome.kind === "failure" ? outcome.error : null;
}
