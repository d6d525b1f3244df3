/** The Counter contract of the quickstart, compiled by the compiler that its users use. */

import assert from "node:assert/strict";
import solc from "solc";
import { fromHex, to0xHex } from "../../shared/bytes/mod.ts";
import type { DevChain } from "./dev_chain.ts";
import { waitFor } from "./wait.ts";

const COUNTER_SOURCE = new URL("../../docs/Counter.sol", import.meta.url);

/** Selectors of the contract's functions, as the quickstart types them. */
export const COUNTER = { count: "0x06661abd", add: "0x4f2be91f", reset: "0xd826f88f" } as const;

/** Two block intervals and a margin for two busy cores. */
const FINAL_TIMEOUT_MS = 30_000;

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

/** Waits for the receipt of a transaction on one node. */
export function receiptOf(chain: DevChain, transactionHash: string, node: number) {
  return waitFor(
    () => chain.node(node).evm.getTransactionReceipt({ hash: fromHex(transactionHash) }),
    { what: `the receipt of ${transactionHash} on node ${node}`, timeoutMs: FINAL_TIMEOUT_MS },
  );
}

/** A Counter on a chain, driven by `cldi`. */
export class Counter {
  private constructor(
    readonly chain: DevChain,
    readonly account: string,
    readonly address: string,
  ) {}

  /** Deploys it through node 0, by an account that `cldi` has. */
  static async deploy(chain: DevChain, account: string): Promise<Counter> {
    const creation = await chain.cldi(0, "-u", account, "create", await compileCounter());
    assert.match(creation, /^0x[0-9a-f]{64}$/);
    const receipt = await receiptOf(chain, creation, 0);
    assert.equal(receipt.errorMessage, "");
    return new Counter(chain, account, to0xHex(receipt.contractAddress));
  }

  /** What a node holds. */
  async count(node: number): Promise<bigint> {
    return BigInt(await this.#cldi(node, "call", this.address, COUNTER.count));
  }

  /** Sends `add` to a node; gives the hash of the transaction. */
  add(node: number): Promise<string> {
    return this.#cldi(node, "send", this.address, COUNTER.add);
  }

  #cldi(node: number, ...args: string[]): Promise<string> {
    return this.chain.cldi(node, "-u", this.account, ...args);
  }
}
