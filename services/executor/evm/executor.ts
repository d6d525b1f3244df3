import type { Block } from "../../../proto/gen/blockchain.ts";
import type { CallRequest } from "../../../proto/gen/executor.ts";
import { to0xHex } from "../../../shared/bytes/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import type { Caller } from "../../../shared/rpc/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { type CallAnswer, type ExecAnswer, type Executor, RefusedError } from "../service.ts";
import { callContract, estimateQuota, heightOf } from "./chain/call.ts";
import type { BlockOutcome, Chain, ChainParts } from "./chain/chain.ts";
import { chainHash, executorHash, type Header } from "./chain/header.ts";
import { type OpenBlock, readBlock } from "./chain/open_block.ts";
import { OpenChain } from "./open_chain.ts";
import { type RecordStore, RemovedStateError } from "./chain/records.ts";
import { BlockPace, CALLS_PER_TURN_MS } from "./schedule/block_pace.ts";
import { type CallOrder, CallQueue } from "./schedule/call_queue.ts";
import { nextTurn } from "./schedule/turn.ts";
import { StoredChain } from "./stored_chain.ts";

/** What an executor is made of. */
export interface EvmExecutorOptions extends Omit<ChainParts, "reader"> {
  /** Opens the records; again after a write that failed. */
  readonly open: () => Promise<RecordStore>;
  /** Time that a read-only call may take, waiting left out; no limit by default. */
  readonly callTimeLimitMs?: number;
  readonly log: Logger;
  /** Told of each block that was executed and is on the disk. */
  readonly onExecuted?: (figures: ExecutedFigures) => void;
}

/** How an executor is at the moment. */
export interface ExecutorView {
  /** Of the last block, null before the first one. */
  readonly height: number | null;
  readonly waitingBlocks: number;
  /** Read-only calls without an answer, those under way among them. */
  readonly waitingCalls: number;
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

/** Blocks that may wait for those before them; a chain sends one at a time. */
const BLOCKS_WAITING_MAX = 64;

/** How often a call of the last block begins, when blocks outrun it whose states do not stay. */
const CALL_BEGINS_MAX = 3;

/** Begins a call on the blocks that it sees. */
type Start<Answer> = CallOrder<Chain, Answer>["start"];

/** A caller that waits for its answer, whatever happens. */
const WAITING_CALLER: Caller = { isGone: false };

/**
 * Executes blocks one at a time, and read-only calls beside them. A block goes before all calls, but
 * pauses now and then for a small part of its time (see {@linkcode BlockPace}). Queries and calls
 * see the blocks that are on disk.
 */
export class EvmExecutor implements Executor {
  readonly #options: EvmExecutorOptions;
  readonly #clock: Clock;
  readonly #pace: BlockPace;
  readonly #calls: CallQueue<Chain>;
  readonly #chain: OpenChain;
  #blockTurn: Promise<unknown> = Promise.resolve();
  #blocksWaiting = 0;
  /** Whether a block is under way, paused or not, until it is to be written. */
  #isExecuting = false;
  /** Calls may run until then before the next turn, null when none ran in this turn. */
  #callsEndMs: number | null = null;
  #isPruning = false;
  #isClosing = false;

  constructor(options: EvmExecutorOptions) {
    const { clock, callTimeLimitMs = Infinity } = options;
    this.#options = options;
    this.#clock = clock;
    this.#pace = new BlockPace(clock);
    this.#calls = new CallQueue({ clock, timeLimitMs: callTimeLimitMs });
    this.#chain = new OpenChain({
      load: () => this.#load(),
      onCloseFailure: (cause) => options.log.warn("cannot close the records", { cause }),
    });
  }

  /** Opens the records at once; throws when they cannot be read. */
  async start(): Promise<void> {
    const { log } = this.#options;
    const { shown: { header, hash, isEmpty } } = await this.#chain.open();
    this.#prune();
    if (isEmpty) log.info("Not found exist block within database.");
    const currentHash = to0xHex(executorHash(header, hash));
    log.info(`executor init, current_height: ${header.height}, current_hash: ${currentHash}`);
  }

  async exec(block: Block): Promise<ExecAnswer> {
    const { log } = this.#options;
    log.info(`exec method invoke, height: ${block.header?.height ?? "none"}`);
    const open = readBlock(block);
    if ("refusal" in open) return { code: open.refusal, hash: null };
    for (const hash of open.utxoHashes) log.info(`block contains utxo(${to0xHex(hash)})`);
    if (this.#blocksWaiting >= BLOCKS_WAITING_MAX) {
      const text = `it must wait for at most ${BLOCKS_WAITING_MAX} others`;
      throw new RefusedError("busy", `Cannot take the block: ${text}`);
    }
    this.#blocksWaiting++;
    try {
      return await this.#inTurn(() => this.#execute(open));
    } finally {
      this.#blocksWaiting--;
    }
  }

  call(request: CallRequest, caller: Caller = WAITING_CALLER): Promise<CallAnswer> {
    const start: Start<CallAnswer> = (chain, pace) => callContract(chain, request, pace);
    return this.#simulate(request, { start, caller });
  }

  /** The quota with which a transaction would succeed, null if it fails. */
  estimateQuota(request: CallRequest, caller: Caller = WAITING_CALLER): Promise<bigint | null> {
    const start: Start<bigint | null> = (chain, pace) => estimateQuota(chain, request, pace);
    return this.#simulate(request, { start, caller });
  }

  /** How it is at the moment, for metrics. */
  get view(): ExecutorView {
    const chain = this.#chain.current?.latest ?? null;
    return {
      height: chain === null || chain.isEmpty ? null : Number(chain.header.height),
      waitingBlocks: this.#blocksWaiting,
      waitingCalls: this.#calls.size,
      inMemory: chain?.state.inMemory ?? null,
    };
  }

  /** Answers a query, which must be quick, at once. */
  async read<Answer>(query: (chain: Chain) => Answer): Promise<Answer> {
    if (this.#isClosing) throw stoppingError();
    return query((await this.#chain.open()).shown);
  }

  /**
   * Closes the records, after a block that is being written. Calls, and a block that is not
   * executed to its end, are refused.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#calls.rejectAll(stoppingError());
    await this.#blockTurn;
    await this.#drop();
  }

  async #execute(block: OpenBlock): Promise<ExecAnswer> {
    if (this.#isClosing) throw stoppingError();
    const { log, onExecuted } = this.#options;
    const stored = await this.#chain.open();
    const { height } = block.header;
    try {
      const startMs = this.#clock.monotonicMs();
      const outcome = await this.#executeInPieces(stored, block);
      this.#runCalls();
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
      const executedMs = this.#clock.monotonicMs();
      await stored.write(outcome);
      onExecuted?.({
        transactionCount: block.transactions.length,
        quotaUsed: outcome.quotaUsed,
        executeMs: executedMs - startMs - outcome.commitMs,
        commitMs: outcome.commitMs,
        writeMs: this.#clock.monotonicMs() - executedMs,
      });
      this.#prune();
      log.info(closedBlock(header, stored.shown));
      log.info(`height: ${height}, state_root: ${to0xHex(header.stateRoot)}`);
      return { code: StatusCode.Success, hash: header.stateRoot };
    } catch (cause) {
      // what is in memory may be ahead of the disk or incomplete: start again from the disk
      await this.#drop();
      throw cause;
    }
  }

  /** Calls that were paused begin again when the block is executed: their state is gone. */
  async #executeInPieces(stored: StoredChain, block: OpenBlock): Promise<BlockOutcome> {
    const before = stored.shown;
    const work = stored.execute(block, this.#pace);
    this.#isExecuting = true;
    this.#pace.begin();
    try {
      for (;;) {
        const step = work.next();
        if (step.done === true) {
          if (step.value.kind === "executed") this.#calls.move(before, () => stored.shown);
          return step.value;
        }
        await this.#pause(before);
        if (this.#isClosing) throw stoppingError();
      }
    } finally {
      this.#isExecuting = false;
    }
  }

  /** Lets waiting events in, and calls run for a moment if it is a long block that is under way. */
  async #pause(chain: Chain): Promise<void> {
    const sinceMs = this.#clock.monotonicMs();
    await nextTurn();
    if (this.#pace.allowsCalls) {
      this.#calls.run(chain, this.#clock.monotonicMs() + CALLS_PER_TURN_MS);
    }
    this.#pace.goOn(sinceMs);
  }

  /** Answers a call. One of the last block, if its state is removed meanwhile, begins on another. */
  async #simulate<Answer>(
    request: CallRequest,
    order: CallOrder<Chain, Answer>,
  ): Promise<Answer> {
    for (let begins = 1;; begins++) {
      try {
        return await this.#queueCall(order);
      } catch (cause) {
        if (!(cause instanceof RemovedStateError) || heightOf(request) !== null) throw cause;
        if (begins === CALL_BEGINS_MAX) throw outrunError(cause);
      }
    }
  }

  #queueCall<Answer>(order: CallOrder<Chain, Answer>): Promise<Answer> {
    if (this.#isClosing) return Promise.reject(stoppingError());
    const answer = this.#calls.add(order);
    this.#runCalls();
    return answer;
  }

  /** Runs calls while no block is under way, in every turn of the event loop for a moment. */
  #runCalls(): void {
    if (this.#isExecuting || this.#calls.size === 0) return;
    const stored = this.#chain.current;
    if (stored === null) {
      this.#chain.open().then(() => this.#runCalls(), (cause) => this.#calls.rejectAll(cause));
      return;
    }
    if (this.#callsEndMs === null) {
      this.#callsEndMs = this.#clock.monotonicMs() + CALLS_PER_TURN_MS;
      nextTurn().then(() => {
        this.#callsEndMs = null;
        this.#runCalls();
      });
    }
    try {
      this.#calls.run(stored.shown, this.#callsEndMs);
    } catch (cause) {
      this.#calls.rejectAll(cause); // what is on disk cannot be read
    }
  }

  /** Removes old states bit by bit, after blocks that wait; what is left waits for the next block. */
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
    const stored = this.#chain.current;
    if (stored === null || this.#isClosing) return false;
    try {
      return await stored.prune();
    } catch (cause) {
      await this.#drop();
      throw cause;
    }
  }

  /** Does work that changes the chain, after everything that was asked for before. */
  #inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#blockTurn.then(work);
    this.#blockTurn = answer.catch(() => {}); // whoever asked gets the error
    return answer;
  }

  async #load(): Promise<StoredChain> {
    const store = await this.#options.open();
    try {
      return new StoredChain(this.#options, store);
    } catch (cause) {
      await store.close();
      throw cause;
    }
  }

  /** Forgets what is in memory and closes the records; whoever needs them opens them again. */
  async #drop(): Promise<void> {
    this.#calls.startOver();
    await this.#chain.drop();
    this.#runCalls();
  }
}

function stoppingError(): RefusedError {
  return new RefusedError("stopping", "Cannot answer: the service stops");
}

function outrunError(cause: RemovedStateError): RefusedError {
  const text = "states_kept of [executor_evm] must be more blocks than come while it runs";
  return new RefusedError("outrun", `Cannot answer the call: ${text}`, { cause });
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
