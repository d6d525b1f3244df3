/** The contracts that the executor is measured with, compiled anew in every run. */

import solc from "solc-0.8";
import { type Bytes, concatBytes, fromHex, uintToBytes } from "../shared/bytes/mod.ts";
import type { HashFunction } from "../shared/crypto/mod.ts";
import { compileCounter } from "../tests/e2e/counter.ts";

const PACKAGES = new URL("../node_modules/", import.meta.url);

/**
 * An ERC-20 of OpenZeppelin that gives the same amount to many accounts at once, by their addresses
 * or, without events, by the slots of their balances.
 */
const TOKEN_SOURCE = `
pragma solidity ^0.8.20;
import "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract Token is ERC20 {
  constructor() ERC20("Token", "TOK") {}
  function issue(address[] calldata holders, uint256 amount) external {
    for (uint256 i = 0; i < holders.length; i++) _mint(holders[i], amount);
  }
  function fill(bytes32[] calldata slots, uint256 amount) external {
    for (uint256 i = 0; i < slots.length; i++) {
      bytes32 slot = slots[i];
      assembly { sstore(slot, amount) }
    }
  }
}`;

/** Newest instruction set that solc knows and the dialect has. */
const EVM_VERSION = "istanbul";

const TRANSFER = "a9059cbb";
const ISSUE = "42958b54";
const FILL = "818e53fc";

/** Calldata of the functions that are called. */
export const CALLDATA = {
  add: fromHex("4f2be91f"),
  count: fromHex("06661abd"),
  transfer: (to: Bytes, amount: bigint): Bytes =>
    concatBytes(fromHex(TRANSFER), padded(to), uintToBytes(amount, 32)),
  issue: (holders: readonly Bytes[], amount: bigint): Bytes =>
    concatBytes(fromHex(ISSUE), arrayAndAmount(holders.map(padded), amount)),
  fill: (slots: readonly Bytes[], amount: bigint): Bytes =>
    concatBytes(fromHex(FILL), arrayAndAmount(slots, amount)),
} as const;

/** Slot of an account's balance in a token. */
export function balanceSlot(holder: Bytes, keccak: HashFunction): Bytes {
  return keccak(concatBytes(padded(holder), new Uint8Array(32)));
}

function arrayAndAmount(words: readonly Bytes[], amount: bigint): Bytes {
  const count = uintToBytes(BigInt(words.length), 32);
  return concatBytes(uintToBytes(64n, 32), uintToBytes(amount, 32), count, ...words);
}

function padded(address: Bytes): Bytes {
  return concatBytes(new Uint8Array(12), address);
}

/** Creation code of `Counter` of the quickstart, by solc 0.4.24. */
export async function counterCode(): Promise<Bytes> {
  return fromHex((await compileCounter()).slice(2));
}

/** Creation code of an OpenZeppelin ERC-20, by solc 0.8 with its optimizer. */
export function tokenCode(): Bytes {
  const input = {
    language: "Solidity",
    sources: { "Token.sol": { content: TOKEN_SOURCE } },
    settings: {
      evmVersion: EVM_VERSION,
      optimizer: { enabled: true },
      outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
    },
  };
  const readImport = (path: string) => ({
    contents: Deno.readTextFileSync(new URL(path, PACKAGES)),
  });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
  const code: unknown = output.contracts?.["Token.sol"]?.Token?.evm.bytecode.object;
  if (typeof code !== "string") throw new Error(`Cannot compile: ${JSON.stringify(output.errors)}`);
  return fromHex(code);
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
