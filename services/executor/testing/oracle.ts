import type { EVM, EVMRunCallOpts, ExecResult } from "@ethereumjs/evm";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { encodeBytes, encodeList, encodeUint } from "../evm/rlp/mod.ts";
import { addressOf, createDialectEvm, DialectState } from "./dialect_evm.ts";
import { referenceRoot } from "./reference_trie.ts";
import { SENDER, type TestTransaction } from "./test_chain.ts";

/** A log in hex. */
export type LogText = readonly [address: string, topics: readonly string[], data: string];

/** What the oracle says of a transaction. */
export interface OracleReceipt {
  /** Empty for success, else the name of an error of `@ethereumjs/evm`. */
  readonly error: string;
  readonly quotaUsed: number;
  readonly logs: readonly LogText[];
  /** Address of a contract that was created, else empty. */
  readonly created: string;
  /** What was returned, or given as the reason of a revert. */
  readonly output: string;
}

/** What contracts see of a block. */
export interface OracleBlock {
  readonly height: bigint;
  readonly timestamp: bigint;
  readonly proposer: Bytes;
}

const CALL_QUOTA = 21_000n;
const CREATE_QUOTA = 53_000n;
const DATA_QUOTA_PER_BYTE = 68n;
const READ_ONLY_QUOTA = 50_000_000n;
const GAS_LIMIT = 2n ** 64n - 1n;
const EMPTY_HASH = fromHex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");

/** Error of a transaction whose quota does not cover the base (spec/executor_evm.md, 6). */
export const NOT_ENOUGH_BASE = "not enough base";

/**
 * Executes transactions on the EVM of others, with the rules of section 6 around it written once
 * more. Contracts must not look at hashes of blocks.
 */
export class Oracle {
  private constructor(readonly evm: EVM, readonly state: DialectState) {}

  /** An oracle with an empty state. */
  static async create(): Promise<Oracle> {
    const state = new DialectState();
    return new Oracle(await createDialectEvm(state), state);
  }

  /** Executes a transaction without value; the state keeps its effects. */
  async execute(tx: TestTransaction, block: OracleBlock): Promise<OracleReceipt> {
    const { quota = 3_000_000n, version = 0, to = "", data = "", sender = SENDER } = tx;
    if (tx.value !== undefined) throw new Error("The oracle would move the value");
    const perByte = version <= 2 ? 0n : DATA_QUOTA_PER_BYTE;
    const base = (to === "" ? CREATE_QUOTA : CALL_QUOTA) + perByte * BigInt(data.length / 2);
    if (quota < base) {
      await this.#countNonce(sender);
      return { error: NOT_ENOUGH_BASE, quotaUsed: 0, logs: [], created: "", output: "" };
    }
    return await this.#run({ to, data, sender, quota, base, gasPrice: 1n, block });
  }

  /** Sets a balance, as an amendment of the usual sender does. */
  async amendBalance(address: string, balance: bigint): Promise<void> {
    await this.#countNonce(SENDER);
    await this.state.modifyAccountFields(addressOf(BigInt(`0x${address}`)), { balance });
  }

  /** Executes a read-only call; gives what it returned and whether it succeeded (section 10). */
  async call(to: string, data: string, block: OracleBlock): Promise<OracleReceipt> {
    await this.state.checkpoint();
    const sender = "00".repeat(20);
    const quota = READ_ONLY_QUOTA;
    const receipt = await this.#run({
      to,
      data,
      sender,
      quota,
      base: CALL_QUOTA,
      gasPrice: 0n,
      block,
    });
    await this.state.revert();
    return receipt;
  }

  /** Root of the state (5.1). */
  root(): string {
    const slots = this.state.slots();
    const accounts = new Map<string, Bytes>();
    for (const [address, { nonce, balance, codeHash }] of this.state.accounts()) {
      const values = [...slots.get(address) ?? []].map(([slot, value]) =>
        [slot, encodeUint(BigInt(`0x${toHex(value)}`))] as const
      );
      accounts.set(
        address,
        encodeList([
          encodeUint(nonce),
          encodeUint(balance),
          encodeBytes(referenceRoot(new Map(values))),
          encodeBytes(codeHash),
          encodeBytes(EMPTY_HASH),
        ]),
      );
    }
    return toHex(referenceRoot(accounts));
  }

  async #countNonce(sender: string): Promise<void> {
    const address = addressOf(BigInt(`0x${sender}`));
    const nonce = (await this.state.getAccount(address))?.nonce ?? 0n;
    await this.state.modifyAccountFields(address, { nonce: nonce + 1n });
  }

  async #run(message: OracleMessage): Promise<OracleReceipt> {
    const { quota, base } = message;
    const { execResult, createdAddress } = await this.evm.runCall(callOptions(message));
    this.evm.journal.cleanJournal();
    this.state.originalStorageCache.clear();
    const { exceptionError, executionGasUsed, returnValue, gasRefund = 0n } = execResult;
    const used = base + executionGasUsed;
    const [error = ""] = (exceptionError?.error ?? "").split(" at ");
    if (error !== "" && error !== "revert") {
      return { error, quotaUsed: Number(quota), logs: [], created: "", output: "" };
    }
    const quotaUsed = Number(used - (gasRefund < used / 2n ? gasRefund : used / 2n));
    const output = toHex(returnValue);
    if (error !== "") return { error, quotaUsed, logs: [], created: "", output };
    for (const destructed of execResult.selfdestruct?.keys() ?? []) {
      await this.state.deleteAccount(addressOf(BigInt(destructed)));
    }
    const created = message.to === "" ? createdAddress?.toString().slice(2) ?? "" : "";
    return { error, quotaUsed, logs: logsOf(execResult), created, output };
  }
}

interface OracleMessage {
  readonly to: string;
  readonly data: string;
  readonly sender: string;
  readonly quota: bigint;
  readonly base: bigint;
  readonly gasPrice: bigint;
  readonly block: OracleBlock;
}

function callOptions(message: OracleMessage): EVMRunCallOpts {
  const { to, data, sender, quota, base, gasPrice, block } = message;
  const header = {
    number: block.height,
    timestamp: block.timestamp,
    coinbase: addressOf(BigInt(`0x${toHex(block.proposer)}`)),
    difficulty: 0n,
    prevRandao: new Uint8Array(32),
    gasLimit: GAS_LIMIT,
    getBlobGasPrice: () => undefined,
  };
  return {
    caller: addressOf(BigInt(`0x${sender}`)),
    ...(to === "" ? {} : { to: addressOf(BigInt(`0x${to}`)) }),
    data: fromHex(data),
    gasLimit: quota - base,
    gasPrice,
    block: { header },
  };
}

function logsOf({ logs = [] }: ExecResult): LogText[] {
  return logs.map(([address, topics, data]) => [toHex(address), topics.map(toHex), toHex(data)]);
}
