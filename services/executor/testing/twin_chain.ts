import assert from "node:assert/strict";
import type { Receipt } from "../../../proto/gen/evm.ts";
import { EMPTY_BYTES, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import { callContract } from "../evm/chain/call.ts";
import { finish } from "../evm/work.ts";
import { loadChainParts } from "./chain_parts.ts";
import { type LogText, NOT_ENOUGH_BASE, Oracle, type OracleReceipt } from "./oracle.ts";
import { pausingAtRandom } from "./pausing.ts";
import { TestChain, type TestTransaction, usedQuota } from "./test_chain.ts";

/** Amendments are the only way to a balance. */
const parts = { ...await loadChainParts(), amends: true };
const AMEND = "ffffffffffffffffffffffffffffffffff010002";
const AMEND_BALANCE = 5n;

/** Calls are made once more with pauses, which change nothing. */
const PACE = pausingAtRandom(seededRandom(20261127));

const OUT_OF_QUOTA = "Out of quota.";
const OUT_OF_BOUNDS = "Out of bounds.";
const BAD_JUMP = "Jump position wasn't marked with JUMPDEST instruction.";
const BAD_INSTRUCTION = "Instruction is not supported.";
const STACK_UNDERFLOW = "Not enough stack elements to execute instruction.";
const OUT_OF_STACK = "Execution would exceed defined Stack Limit.";
const INTERNAL = "EVM internal error.";
const STATIC = "Mutable call in static context.";

/**
 * The errors of ours that an error of the oracle may be. The oracle looks at the gas of most
 * instructions before the height of the stack, and has no error of its own for returned data.
 */
const ERRORS: Readonly<Record<string, readonly string[]>> = {
  "": [""],
  "revert": ["Reverted."],
  [NOT_ENOUGH_BASE]: ["Not enough base quota."],
  "out of gas": [OUT_OF_QUOTA, OUT_OF_BOUNDS, OUT_OF_STACK, STACK_UNDERFLOW, STATIC],
  "invalid JUMP": [BAD_JUMP],
  "invalid opcode": [BAD_INSTRUCTION],
  "stack underflow": [STACK_UNDERFLOW],
  "stack overflow": [OUT_OF_STACK],
  "static state change": [STATIC, STACK_UNDERFLOW, OUT_OF_QUOTA],
  "create collision": [INTERNAL],
  "internal error": [INTERNAL, OUT_OF_QUOTA],
};

/** Executes the same transactions on our chain and on the oracle, and compares all there is. */
export class TwinChain {
  private constructor(readonly test: TestChain, readonly oracle: Oracle) {}

  /** Two chains with an empty genesis. */
  static async create(): Promise<TwinChain> {
    const [hash] = parts.hashes;
    assert(hash !== undefined);
    const twin = new TwinChain(new TestChain(parts, hash), await Oracle.create());
    await twin.grow();
    return twin;
  }

  /** Executes a block on both; gives the receipts of ours once they are known to be right. */
  async grow(...transactions: readonly TestTransaction[]): Promise<readonly Receipt[]> {
    const { receipts, root } = this.test.grow(...transactions);
    const { header } = this.test.chain;
    for (const [index, tx] of transactions.entries()) {
      const expected = await this.oracle.execute(tx, header);
      assertSame(receipts[index], expected, `transaction ${index} of block ${header.height}`);
    }
    assert.equal(root, this.oracle.root(), `state root of block ${header.height}`);
    return receipts;
  }

  /** Executes one transaction, which must succeed; gives its receipt. */
  async send(tx: TestTransaction): Promise<Receipt> {
    const [receipt] = await this.grow(tx);
    assert(receipt !== undefined);
    assert.equal(receipt.errorMessage, "");
    return receipt;
  }

  /** Creates a contract; gives its address. */
  async create(data: string, quota = 20_000_000n): Promise<string> {
    return toHex((await this.send({ data, quota })).contractAddress);
  }

  /** Gives a balance to an account, by an amendment of the usual sender. */
  async setBalance(address: string, balance: bigint): Promise<void> {
    const data = address + balance.toString(16).padStart(64, "0");
    const { root, receipts } = this.test.grow({ to: AMEND, value: AMEND_BALANCE, data });
    assert.equal(receipts[0]?.errorMessage, "");
    await this.oracle.amendBalance(address, balance);
    assert.equal(root, this.oracle.root(), "state root after an amendment");
  }

  /** Calls without lasting effects; gives what both returned, or `Reverted: ` and the reason. */
  async call(to: string, data: string): Promise<string> {
    const request = {
      to: fromHex(to),
      from: EMPTY_BYTES,
      method: fromHex(data),
      args: [],
      height: 0n,
    };
    const { chain } = this.test;
    const answer = finish(callContract(chain, request));
    assert.deepEqual(finish(callContract(chain, request, PACE)), answer, "paused now and then");
    const expected = await this.oracle.call(to, data, this.test.chain.header);
    const text = answer.kind === "value" ? toHex(answer.value) : answer.message;
    assert.equal(text, expectedAnswer(expected), `call of ${to} with ${data}`);
    return text;
  }
}

/** What a client is told about a call (spec/executor_evm.md, section 10). */
function expectedAnswer({ error, output }: OracleReceipt): string {
  if (error !== "revert" || !output.startsWith("08c379a0") || output.length <= 136) return output;
  const text = output.slice(136).replace(/(00)+$/, "");
  return `Reverted: ${new TextDecoder().decode(fromHex(text))}`;
}

function assertSame(receipt: Receipt | undefined, expected: OracleReceipt, what: string): void {
  assert(receipt !== undefined);
  const allowed = ERRORS[expected.error];
  const { errorMessage } = receipt;
  assert(allowed?.includes(errorMessage), `${what}: "${errorMessage}", not "${expected.error}"`);
  assert.equal(usedQuota(receipt), expected.quotaUsed, `quota of ${what}, ${expected.error}`);
  const logs = receipt.logs.map((
    { address, topics, data },
  ): LogText => [toHex(address), topics.map(toHex), toHex(data)]);
  assert.deepEqual(logs, expected.logs, `logs of ${what}`);
  assert.equal(toHex(receipt.contractAddress), expected.created || "00".repeat(20), what);
}
