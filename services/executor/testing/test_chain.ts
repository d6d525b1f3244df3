import type { Block, RawTransaction } from "../../../proto/gen/blockchain.ts";
import { type Receipt } from "../../../proto/gen/evm.ts";
import {
  hashBlockHeader,
  rawTransactionHash,
  transactionsRoot,
} from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, fromHex, toHex, uintToBytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { type BlockOutcome, Chain, type ChainParts } from "../evm/chain/chain.ts";
import { chainHash } from "../evm/chain/header.ts";
import { readBlock } from "../evm/chain/open_block.ts";
import { findReceipt } from "../evm/chain/query.ts";
import { putCurrentHeight } from "../evm/chain/records.ts";
import { finish, type Pace } from "../evm/work.ts";
import { MemoryRecords } from "./memory_records.ts";

/** The sender of all transactions unless another is given (spec/executor_evm.md, 17.2). */
export const SENDER = "aa".repeat(20);

/** The proposer of all blocks but the genesis. */
export const PROPOSER = "cc".repeat(20);

/** What differs from an empty call to nobody with a quota of 3,000,000. */
export interface TestTransaction {
  readonly to?: string;
  readonly data?: string;
  readonly quota?: bigint;
  readonly value?: bigint;
  readonly version?: number;
  readonly sender?: string;
  /** Hex text; made from a counter by default. */
  readonly hash?: string;
}

/** Builds blocks one after the other and executes them. */
export class TestChain {
  chain: Chain;
  readonly #parts: Omit<ChainParts, "reader">;
  readonly #hash: HashFunction;
  #height = -1n;
  #prevhash: Bytes = new Uint8Array(32);
  #transactionCount = 0;

  /** @param hash the function that the blocks are hashed with */
  constructor(
    parts: Omit<ChainParts, "reader">,
    hash: HashFunction,
    readonly records: MemoryRecords = new MemoryRecords(),
  ) {
    this.#parts = parts;
    this.#hash = hash;
    this.chain = new Chain({ ...parts, reader: records });
  }

  /** The next block with these transactions; not executed yet. */
  build(
    transactions: readonly TestTransaction[] = [],
    change: Partial<Block["header"]> = {},
  ): Block {
    const body = transactions.map((tx) => this.#raw(tx));
    const height = this.#height + 1n;
    const hashes = body.map((raw) => rawTransactionHash(raw) ?? EMPTY_BYTES);
    const header = {
      prevhash: this.#prevhash,
      timestamp: 1_600_000_000_000n + 3000n * height,
      height,
      transactionsRoot: transactionsRoot(this.#hash, hashes),
      proposer: height === 0n ? new Uint8Array(32) : fromHex(PROPOSER),
      ...change,
    };
    return { version: 0, header, body: { body }, proof: EMPTY_BYTES };
  }

  /** Gives a block to the chain, stores what came of it, and goes on from there. */
  execute(block: Block, pace?: Pace): BlockOutcome {
    const open = readBlock(block);
    if ("refusal" in open) throw new Error(`The block is refused: ${open.refusal}`);
    const execution = finish(this.chain.execute(open, pace));
    if (execution.kind === "executed" && block.header !== undefined) {
      this.records.put(execution.puts);
      this.chain.stored();
      this.#height = block.header.height;
      this.#prevhash = hashBlockHeader(this.#hash, block.header);
    }
    return execution;
  }

  /** Executes the next block and gives its receipts; fails if it is not accepted. */
  grow(...transactions: readonly TestTransaction[]): { root: string; receipts: Receipt[] } {
    const block = this.build(transactions);
    const execution = this.execute(block);
    if (execution.kind !== "executed") throw new Error(`The block is not executed`);
    return { root: toHex(execution.header.stateRoot), receipts: this.receiptsOf(block) };
  }

  /** The receipts of an executed block. */
  receiptsOf({ body }: Block): Receipt[] {
    return (body?.body ?? []).map((raw) => {
      const found = findReceipt(this.chain, rawTransactionHash(raw) ?? EMPTY_BYTES);
      if (found === null) throw new Error("The receipt is missing");
      return found.receipt;
    });
  }

  /** Forgets everything that is not stored. */
  restart(): void {
    this.chain = new Chain({ ...this.#parts, reader: this.records });
  }

  /** Makes an earlier block the last one, as an operator does while the executor is stopped. */
  rollBack(height: bigint): void {
    this.records.put([putCurrentHeight(height)]);
    this.restart();
    this.#height = height;
    this.#prevhash = chainHash(this.chain.header, this.#hash);
  }

  /** Hash of the last block. */
  get blockHash(): string {
    return toHex(this.#prevhash);
  }

  #raw(tx: TestTransaction): RawTransaction {
    const count = ++this.#transactionCount;
    const name = new TextEncoder().encode(`tx-${count}`);
    const transaction = {
      version: tx.version ?? 0,
      to: fromHex(tx.to ?? ""),
      nonce: String(count),
      quota: tx.quota ?? 3_000_000n,
      validUntilBlock: 100n,
      data: fromHex(tx.data ?? ""),
      value: uintToBytes(tx.value ?? 0n, 32),
      chainId: new Uint8Array(32),
    };
    const transactionHash = tx.hash === undefined ? this.#hash(name) : fromHex(tx.hash);
    const witness = { signature: EMPTY_BYTES, sender: fromHex(tx.sender ?? SENDER) };
    return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness } } };
  }
}

/** A receipt's quota as a number. */
export function usedQuota({ cumulativeQuotaUsed }: Receipt): number {
  return Number(`0x${toHex(cumulativeQuotaUsed)}`);
}
