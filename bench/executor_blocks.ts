/** Blocks for an executor, encoded before they are sent, so that only its own time counts. */

import { Block, type RawTransaction } from "../proto/gen/blockchain.ts";
import { ExecutorServiceService } from "../proto/gen/executor.ts";
import { RPCServiceService } from "../proto/gen/evm.ts";
import { hashBlockHeader } from "../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, u64be } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { encode } from "../shared/codec/mod.ts";
import type { HashFunction } from "../shared/crypto/mod.ts";
import { connect, rawRequest } from "../shared/rpc/mod.ts";

/** What a transaction is, apart from what does not matter here. */
export interface Sent {
  readonly from: Bytes;
  /** Empty for a creation. */
  readonly to: Bytes;
  readonly data: Bytes;
}

const QUOTA = 100_000_000n;
const DEADLINE_MS = 120_000;
const ZERO_WORD = new Uint8Array(32);
const ZERO_ADDRESS = new Uint8Array(20);

/** An executor that serves on a port, and the chain that it is given block by block. */
export class BenchChain implements Disposable {
  readonly #hash: HashFunction;
  readonly #executor;
  readonly #evm;
  #height = -1n;
  #prevhash: Bytes = ZERO_WORD;
  #sent = 0n;

  /** @param hash the hash function of the chain */
  constructor(port: number, hash: HashFunction) {
    this.#hash = hash;
    const options = { port, deadlineMs: DEADLINE_MS };
    this.#executor = connect(rawRequest(ExecutorServiceService, "exec"), options);
    this.#evm = connect(RPCServiceService, options);
  }

  /** Executes the next block; gives the milliseconds from its being sent to its answer. */
  async execute(transactions: readonly Sent[]): Promise<number> {
    const block = this.#encode(transactions);
    const startMs = SYSTEM_CLOCK.monotonicMs();
    const { status } = await this.#executor.exec(block);
    const tookMs = SYSTEM_CLOCK.monotonicMs() - startMs;
    if (status?.code !== 0) throw new Error(`Cannot go on: a block is answered ${status?.code}`);
    return tookMs;
  }

  /** Executes a block of one transaction, which must succeed; gives the contract that it created. */
  async send(transaction: Sent): Promise<Bytes> {
    const hash = this.#nextHash();
    await this.execute([transaction]);
    const receipt = await this.#evm.getTransactionReceipt({ hash });
    if (receipt.errorMessage !== "") throw new Error(`Cannot go on: ${receipt.errorMessage}`);
    return receipt.contractAddress;
  }

  /** A read-only call. */
  async call(to: Bytes, method: Bytes): Promise<Bytes> {
    const request = { to, from: EMPTY_BYTES, method, args: [], height: 0n };
    return (await this.#executor.call(request)).value;
  }

  [Symbol.dispose](): void {
    this.#executor.close();
    this.#evm.close();
  }

  #nextHash(): Bytes {
    return this.#hash(u64be(this.#sent));
  }

  #encode(transactions: readonly Sent[]): Bytes {
    this.#height++;
    const body = transactions.map((transaction) => this.#rawTransaction(transaction));
    const header = {
      prevhash: this.#prevhash,
      timestamp: 1_600_000_000_000n + 3000n * this.#height,
      height: this.#height,
      transactionsRoot: ZERO_WORD,
      proposer: this.#height === 0n ? ZERO_WORD : ZERO_ADDRESS,
    };
    this.#prevhash = hashBlockHeader(this.#hash, header);
    return encode(Block, { version: 0, header, body: { body }, proof: EMPTY_BYTES });
  }

  #rawTransaction({ from, to, data }: Sent): RawTransaction {
    const transaction = {
      version: 0,
      to,
      nonce: String(this.#sent),
      quota: QUOTA,
      validUntilBlock: 100n,
      data,
      value: ZERO_WORD,
      chainId: ZERO_WORD,
    };
    const transactionHash = this.#nextHash();
    this.#sent++;
    const witness = { signature: new Uint8Array(128), sender: from };
    return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness } } };
  }
}
