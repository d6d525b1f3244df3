import type { Block } from "../../../proto/gen/blockchain.ts";
import type { CallRequest } from "../../../proto/gen/executor.ts";
import { to0xHex } from "../../../shared/bytes/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { BusyError, type CallAnswer, type ExecAnswer, type Executor } from "../service.ts";
import { callContract } from "./chain/call.ts";
import { Chain, type ChainParts } from "./chain/chain.ts";
import { chainHash, executorHash, type Header } from "./chain/header.ts";
import { type OpenBlock, readBlock } from "./chain/open_block.ts";
import { Pruner } from "./chain/pruner.ts";
import type { RecordStore } from "./chain/records.ts";
import { finish } from "./work.ts";

/** What an executor is made of. */
export interface EvmExecutorOptions extends Omit<ChainParts, "reader"> {
  /** Opens the records; again after a write that failed. */
  readonly open: () => Promise<RecordStore>;
  readonly log: Logger;
  /** Told of each block that was executed and is on the disk. */
  readonly onExecuted?: (figures: ExecutedFigures) => void;
}

/** How an executor is at the moment. */
export interface ExecutorView {
  /** Of the last block, null before the first one. */
  readonly height: number | null;
  readonly waitingCount: number;
  /** What of the state is in memory, null while the records are not open. */
  readonly inMemory: { readonly entries: number; readonly nodes: number } | null;
}

/** What a block was, and how long its phases took. */
export interface ExecutedFigures {
  readonly transactionCount: number;
  readonly quotaUsed: bigint;
  /** Its transactions. */
  readonly executeMs: number;
  /** The state, until its root is known. */
  readonly commitMs: number;
  /** Its records, until they are safe on the disk. */
  readonly writeMs: number;
}

interface Opened {
  readonly store: RecordStore;
  readonly chain: Chain;
  /** Null when no state is to be removed. */
  readonly pruner: Pruner | null;
}

/** Requests that may wait for their turn before further ones are refused. */
const WAITING_MAX = 10_000;

/** Executes blocks and answers queries one at a time, in the order of their arrival (section 15). */
export class EvmExecutor implements Executor {
  readonly #options: EvmExecutorOptions;
  #opened: Opened | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isPruning = false;
  #isClosed = false;

  constructor(options: EvmExecutorOptions) {
    this.#options = options;
  }

  /** Opens the records at once; throws when they cannot be read. */
  async start(): Promise<void> {
    const { log } = this.#options;
    const { chain } = await this.#open();
    this.#prune();
    if (chain.isEmpty) log.info("Not found exist block within database.");
    const { header, hash } = chain;
    const currentHash = to0xHex(executorHash(header, hash));
    log.info(`executor init, current_height: ${header.height}, current_hash: ${currentHash}`);
  }

  async exec(block: Block): Promise<ExecAnswer> {
    const { log } = this.#options;
    log.info(`exec method invoke, height: ${block.header?.height ?? "none"}`);
    const open = readBlock(block);
    if ("refusal" in open) return { code: open.refusal, hash: null };
    for (const hash of open.utxoHashes) log.info(`block contains utxo(${to0xHex(hash)})`);
    return await this.#inTurn(() => this.#execute(open));
  }

  call(request: CallRequest): Promise<CallAnswer> {
    return this.read((chain) => finish(callContract(chain, request)));
  }

  /** How it is at the moment, for metrics. */
  get view(): ExecutorView {
    const chain = this.#opened?.chain ?? null;
    return {
      height: chain === null || chain.isEmpty ? null : Number(chain.header.height),
      waitingCount: this.#waiting,
      inMemory: chain?.state.inMemory ?? null,
    };
  }

  /** Answers a query from the state after the last block. */
  read<Answer>(query: (chain: Chain) => Answer): Promise<Answer> {
    return this.#inTurn(async () => query((await this.#open()).chain));
  }

  /** Waits for the requests under way and closes the records. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    await this.#drop();
  }

  async #execute(block: OpenBlock): Promise<ExecAnswer> {
    const { log, clock, onExecuted } = this.#options;
    const { store, chain, pruner } = await this.#open();
    const { height } = block.header;
    try {
      const startMs = clock.monotonicMs();
      const outcome = finish(chain.execute(block));
      if (outcome.kind === "refused") {
        log.warn(`refused block(${height}): ${outcome.reason}`);
        return { code: StatusCode.ReenterInvalidBlock, hash: null };
      }
      const { header } = outcome;
      if (outcome.kind === "reentered") {
        if (outcome.isSame) log.info(`block(${height}) re-enter`);
        else log.warn(`invalid block(${height}) re-enter`);
        const code = outcome.isSame ? StatusCode.ReenterBlock : StatusCode.ReenterInvalidBlock;
        return { code, hash: header.stateRoot };
      }
      const { puts, quotaUsed, commitMs } = outcome;
      const executedMs = clock.monotonicMs();
      await store.write({ puts }, { sync: true });
      onExecuted?.({
        transactionCount: block.transactions.length,
        quotaUsed,
        executeMs: executedMs - startMs - commitMs,
        commitMs,
        writeMs: clock.monotonicMs() - executedMs,
      });
      chain.stored();
      pruner?.written(height, puts);
      this.#prune();
      log.info(closedBlock(header, chain));
      log.info(`height: ${height}, state_root: ${to0xHex(header.stateRoot)}`);
      return { code: StatusCode.Success, hash: header.stateRoot };
    } catch (cause) {
      // what is in memory may be ahead of the disk or incomplete: start again from the disk
      await this.#drop();
      throw cause;
    }
  }

  /** Removes old states bit by bit, after whatever waits then; what is left waits for the next block. */
  async #prune(): Promise<void> {
    if (this.#isPruning) return;
    this.#isPruning = true;
    try {
      while (await this.#inTurn(() => this.#pruneStep()));
    } catch (cause) {
      this.#options.log.warn("cannot remove old states", { cause });
    } finally {
      this.#isPruning = false;
    }
  }

  async #pruneStep(): Promise<boolean> {
    const opened = this.#opened;
    if (opened === null || this.#isClosed) return false;
    try {
      return await opened.pruner?.step(opened.chain.header.height) ?? false;
    } catch (cause) {
      await this.#drop();
      throw cause;
    }
  }

  /** Runs work after everything that was asked for before. */
  #inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (this.#waiting >= WAITING_MAX) {
      const text = `it must wait for at most ${WAITING_MAX} others, got ${this.#waiting}`;
      return Promise.reject(new BusyError(`Cannot take the request: ${text}`));
    }
    this.#waiting++;
    const answer = this.#turn.then(work).finally(() => this.#waiting--);
    this.#turn = answer.catch(() => {}); // whoever asked gets the error
    return answer;
  }

  async #open(): Promise<Opened> {
    if (this.#opened !== null) return this.#opened;
    const store = await this.#options.open();
    try {
      const chain = new Chain({ ...this.#options, reader: store });
      const { statesKept } = this.#options;
      const pruner = statesKept === null ? null : new Pruner({ store, statesKept });
      return this.#opened = { store, chain, pruner };
    } catch (cause) {
      await store.close();
      throw cause;
    }
  }

  async #drop(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    try {
      await opened?.store.close();
    } catch (cause) {
      this.#options.log.warn("cannot close the records", { cause });
    }
  }
}

function closedBlock(header: Header, { hash }: Chain): string {
  const fields = [
    `height: ${header.height}`,
    `hash: ${to0xHex(chainHash(header, hash))}`,
    `parent_hash: ${to0xHex(header.prevhash)}`,
    `timestamp: ${header.timestamp}`,
    `state_root: ${to0xHex(header.stateRoot)}`,
    `transaction_root: ${to0xHex(header.transactionsRoot)}`,
    `proposer: ${to0xHex(header.proposer)}`,
  ];
  return `executor grow according to ClosedBlock(${fields.join(", ")})`;
}
