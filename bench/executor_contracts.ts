/** The contracts that the executor is measured with, compiled anew in every run. */

import assert from "node:assert/strict";
import { calldata, contracts08, type Value } from "../services/executor/testing/solidity.ts";
import { type Bytes, concatBytes, fromHex, toHex } from "../shared/bytes/mod.ts";
import type { HashFunction } from "../shared/crypto/mod.ts";
import { compileCounter } from "../tests/e2e/counter.ts";

const { Airdrop: token } = contracts08();

/** Calldata of the functions that are called. */
export const CALLDATA = {
  add: fromHex("4f2be91f"),
  count: fromHex("06661abd"),
  transfer: (to: Bytes, amount: bigint): Bytes =>
    tokenCall("transfer(address,uint256)", toHex(to), amount),
  issue: (holders: readonly Bytes[], amount: bigint): Bytes =>
    tokenCall("issue(address[],uint256)", holders.map(toHex), amount),
  fill: (slots: readonly Bytes[], amount: bigint): Bytes =>
    tokenCall("fill(bytes32[],uint256)", slots.map(toHex), amount),
} as const;

function tokenCall(signature: string, ...values: Value[]): Bytes {
  assert(token !== undefined);
  return fromHex(calldata(token, signature, ...values));
}

/** Slot of an account's balance in a token. */
export function balanceSlot(holder: Bytes, keccak: HashFunction): Bytes {
  return keccak(concatBytes(new Uint8Array(12), holder, new Uint8Array(32)));
}

/** Creation code of `Counter` of the quickstart, by solc 0.4.24. */
export async function counterCode(): Promise<Bytes> {
  return fromHex((await compileCounter()).slice(2));
}

/** Creation code of an OpenZeppelin ERC-20 that gives to many at once, by solc 0.8. */
export function tokenCode(): Bytes {
  assert(token !== undefined);
  return fromHex(token.code);
}

/** Runtime code that counts down from 20,000 with 7 instructions each time. */
export const LOOP = { code: fromHex("614e205b600190038060035700"), instructions: 7 * 20_000 };

/** Creation code of short runtime code. */
export function creationOf(code: Bytes): Bytes {
  return concatBytes(
    fromHex(`60${hexByte(code.length)}600c60003960${hexByte(code.length)}6000f3`),
    code,
  );
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
