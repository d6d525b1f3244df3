import { ADDRESS_SIZE } from "../../../../shared/block/mod.ts";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { blobOf } from "../state/account.ts";
import { addressKey, type WorldState } from "../state/world_state.ts";
import { wordOfBytes } from "../word.ts";

/**
 * Sets the abi of an account that exists.
 *
 * @param data address of the account, then its abi
 * @returns false when there is no such account or no abi
 */
export function setAbi(
  data: Bytes,
  { state, keccak }: { readonly state: WorldState; readonly keccak: HashFunction },
): boolean {
  if (data.length <= ADDRESS_SIZE) return false;
  const key = addressKey(wordOfBytes(data.subarray(0, ADDRESS_SIZE)));
  const account = state.account(key);
  if (account === null) return false;
  state.setAccount(key, { ...account, abi: blobOf(data.slice(ADDRESS_SIZE), keccak) });
  return true;
}
