/** The Counter contract of the quickstart, compiled by the compiler that its users use. */

import assert from "node:assert/strict";
import solc from "solc";

const COUNTER_SOURCE = new URL("../../docs/Counter.sol", import.meta.url);

/** Selectors of the contract's functions, as the quickstart types them. */
export const COUNTER = { count: "0x06661abd", add: "0x4f2be91f", reset: "0xd826f88f" } as const;

/** Compiles the contract; gives its creation code as 0x-hex. */
export async function compileCounter(): Promise<string> {
  const input = {
    language: "Solidity",
    sources: { "Counter.sol": { content: await Deno.readTextFile(COUNTER_SOURCE) } },
    settings: { outputSelection: { "*": { "*": ["evm.bytecode.object"] } } },
  };
  const output = JSON.parse(solc.compileStandardWrapper(JSON.stringify(input)));
  const code: unknown = output.contracts["Counter.sol"].Counter.evm.bytecode.object;
  assert(typeof code === "string" && code.length > 0);
  return `0x${code}`;
}
