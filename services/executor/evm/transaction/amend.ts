import { ADDRESS_SIZE } from "../../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { blobOf } from "../state/account.ts";
import { type AddressKey, addressKey, type WorldState } from "../state/world_state.ts";
import { bytesOfWord, wordOfBytes } from "../word.ts";
import { setAbi } from "./abi.ts";
import type { EvmTransaction } from "./transaction.ts";

/** What an amendment does, by the low 32 bits of its value (spec/executor_evm.md, section 16). */
const Amendment = { Abi: 1, Code: 2, SetSlots: 3, GetSlot: 4, Balance: 5 } as const;

/** Size of a slot, of its value, and of a balance. */
const WORD_SIZE = 32;

/** What an amendment works with. */
export interface AmendParts {
  readonly state: WorldState;
  readonly keccak: HashFunction;
}

/**
 * Carries out an amendment of 6.7.4: it rewrites an account whoever its sender is. The data begin
 * with the address of the account, then come
 *
 * - the abi, of an account that exists;
 * - the code;
 * - pairs of slot and value, 64 bytes each; a remainder is ignored;
 * - a slot to read;
 * - the balance in 32 bytes, further bytes are ignored.
 *
 * An amendment of another kind does nothing. 6.7.4 loses the code of an account for the rest of the
 * block when its slots or balance are the first of it that the block uses; here it stays.
 *
 * @returns the value of the slot that was asked for, else nothing; null when the data are too short
 * or the account is missing, with nothing changed
 */
export function amend(
  { value, data }: EvmTransaction,
  { state, keccak }: AmendParts,
): Bytes | null {
  const key = addressKey(wordOfBytes(data.subarray(0, ADDRESS_SIZE)));
  const content = data.subarray(ADDRESS_SIZE);
  switch (Number(BigInt.asUintN(32, BigInt(value)))) {
    case Amendment.Abi:
      return doneIf(setAbi(data, { state, keccak }));
    case Amendment.Code:
      if (content.length === 0) return null;
      state.setAccount(key, { ...state.accountOrNew(key), code: blobOf(content.slice(), keccak) });
      return EMPTY_BYTES;
    case Amendment.SetSlots:
      return doneIf(setSlots(state, key, content));
    case Amendment.GetSlot:
      if (content.length < WORD_SIZE) return null;
      return bytesOfWord(state.slot(key, wordAt(content, 0)), WORD_SIZE);
    case Amendment.Balance:
      return doneIf(setBalance(state, key, content));
    default:
      return EMPTY_BYTES;
  }
}

function doneIf(isDone: boolean): Bytes | null {
  return isDone ? EMPTY_BYTES : null;
}

function wordAt(content: Bytes, offset: number) {
  return wordOfBytes(content.subarray(offset, offset + WORD_SIZE));
}

/** Makes the account if there is none, also for slots that are set to 0. */
function setSlots(state: WorldState, key: AddressKey, content: Bytes): boolean {
  const count = Math.floor(content.length / (2 * WORD_SIZE));
  for (let i = 0; i < count; i++) {
    const at = 2 * WORD_SIZE * i;
    state.setSlot(key, wordAt(content, at), wordAt(content, at + WORD_SIZE));
  }
  return count > 0;
}

/** A balance that stays as it is makes no account. */
function setBalance(state: WorldState, key: AddressKey, content: Bytes): boolean {
  if (content.length < WORD_SIZE) return false;
  const balance = wordAt(content, 0);
  if (balance !== state.balance(key)) {
    state.setAccount(key, { ...state.accountOrNew(key), balance });
  }
  return true;
}
