import { type Bytes, to0xHex } from "../../../../shared/bytes/mod.ts";
import { type Clock, createPause } from "../../../../shared/clock/mod.ts";
import {
  formatCount,
  INTERRUPTED_EXIT_CODE,
  type Output,
  Progress,
} from "../../../../shared/cli/mod.ts";
import type { Chain } from "../chain/chain.ts";
import { pastStateStore } from "../chain/state_records.ts";
import { type CommittedAccount, EMPTY_ROOT } from "../state/account.ts";
import type { CommittedState } from "../state/committed_state.ts";
import { wordOfSlot } from "../state/storage.ts";
import { addressKey } from "../state/world_state.ts";
import { walkTrie } from "../trie/mod.ts";
import { bytesOfWord, wordOfBytes } from "../word.ts";
import { fieldLines, jsonLine } from "./fields.ts";
import { requireExecuted } from "./state_root.ts";

/** What `executor dump` was asked for. */
export interface DumpOptions {
  readonly output: Output;
  readonly clock: Clock;
  readonly address: Bytes;
  /** Null for the last block. */
  readonly height: bigint | null;
  /** Slots to print at most. */
  readonly slotsMax: number;
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/** How long the walk may go on before it looks for a signal, and how much it prints at a time. */
const SLICE_MS = 250;
const PRINTED_SIZE = 64 * 1024;

/**
 * Command `dump`: prints an account and its slots as they are read.
 *
 * @returns 0, 1 when there is no such account, 130 after an interrupt
 */
export async function runDump(chain: Chain, options: DumpOptions): Promise<number> {
  const { output, address, isJson } = options;
  const header = requireExecuted(chain, options.height);
  const state = chain.stateAfter(header);
  const account = state.account(addressKey(wordOfBytes(address)));
  if (account === null) {
    output.err(`no account ${to0xHex(address)} after block ${header.height}\n`);
    return 1;
  }
  const found = describe(state, account);
  output.out(
    isJson
      ? jsonLine({ address, height: Number(header.height), ...found })
      : fieldLines({ address, height: header.height, ...forPeople(found) }),
  );
  if (account.storage === null) return 0;
  const { nodes } = pastStateStore(chain.reader, header.height);
  const slots = walkTrie(nodes(address), account.storage.root);
  return await printSlots(slots, options);
}

function describe(
  state: CommittedState,
  { nonce, balance, storage, code, abi }: CommittedAccount,
) {
  return {
    nonce: String(nonce),
    balance: String(balance),
    storageRoot: storage?.root ?? EMPTY_ROOT,
    codeHash: code.hash,
    codeSize: state.bytesOf(code).length,
    abi: state.bytesOf(abi),
  };
}

function forPeople({ nonce, balance, storageRoot, codeHash, codeSize, abi }: Described) {
  // whoever set the abi chose its bytes: none of them may steer the terminal
  const text = new TextDecoder().decode(abi).replaceAll(/\p{Cc}/gu, " ");
  return {
    nonce,
    balance,
    "storage root": storageRoot,
    "code hash": codeHash,
    "code size": formatCount(codeSize),
    abi: text === "" ? null : text,
  };
}

type Described = ReturnType<typeof describe>;

type Slots = Iterable<readonly [slot: Bytes, value: Bytes]>;

async function printSlots(slots: Slots, options: DumpOptions): Promise<number> {
  const { output, clock, slotsMax, isJson, signal } = options;
  const progress = new Progress({ output, clock, unit: "slots" });
  const pause = createPause(clock, SLICE_MS);
  let [count, text] = [0, ""];
  const print = () => {
    progress.clear();
    output.out(text);
    text = "";
  };
  for (const [slot, encoded] of slots) {
    if (count >= slotsMax) break;
    const value = bytesOfWord(wordOfSlot(encoded), 32);
    text += isJson ? jsonLine({ slot, value }) : `${to0xHex(slot)}  ${to0xHex(value)}\n`;
    progress.set(++count);
    if (text.length >= PRINTED_SIZE) print();
    await pause();
    if (signal.aborted) break;
  }
  print();
  if (signal.aborted) return INTERRUPTED_EXIT_CODE;
  if (!isJson && slotsMax > 0) output.out(`slots printed: ${formatCount(count)}\n`);
  return 0;
}
