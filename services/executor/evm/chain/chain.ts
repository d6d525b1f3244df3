import { type Bytes, equalBytes } from "../../../../shared/bytes/mod.ts";
import type { Clock } from "../../../../shared/clock/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import type { BlockContext, Natives } from "../interpreter/context.ts";
import { FramePools } from "../interpreter/frame.ts";
import { toWord, type Word, wordOfBytes } from "../word.ts";
import { finish, type Pace, WITHOUT_PAUSE, type Work } from "../work.ts";
import { EMPTY_ROOT } from "../state/account.ts";
import {
  CALL_LIMITS,
  CommittedState,
  STATE_LIMITS,
  type StateChanges,
  type StateLimits,
  type StateStore,
} from "../state/committed_state.ts";
import { ProgramCache } from "../state/program.ts";
import { WorldState } from "../state/world_state.ts";
import { type Applied, applyTransaction } from "../transaction/apply.ts";
import { receiptHashes, receiptsRoot, ReceiptTrees } from "../transaction/receipt_tree.ts";
import type { EvmTransaction } from "../transaction/transaction.ts";
import { BlockHashes } from "./block_hashes.ts";
import { executeBlock, type ExecutedBlock } from "./execute_block.ts";
import { chainHash, defaultHeader, executorHash, type Header, type OpenHeader } from "./header.ts";
import { isSameBlock, type OpenBlock } from "./open_block.ts";
import {
  checkFormat,
  MissingRecordError,
  type Put,
  putCurrentHeight,
  putFormat,
  putGenesisOption,
  putHeader,
  putHeightOfHash,
  putReceiptHashes,
  readCurrentHeight,
  readGenesisOption,
  readHeader,
  type RecordReader,
  requireHeader,
} from "./records.ts";
import {
  pastStateStore,
  putNoRemovals,
  putRemovals,
  putState,
  requireState,
  stateStore,
} from "./state_records.ts";

/** What a chain is made of. */
export interface ChainParts {
  readonly reader: RecordReader;
  readonly natives: Natives;
  /**
   * The functions that the chain may hash with, SM3 and Keccak-256. Nothing in the configuration
   * tells which: block 1 does, by the hash of the genesis that it names (section 2).
   */
  readonly hashes: readonly HashFunction[];
  /** Whether contracts see seconds instead of milliseconds. */
  readonly isEthCompatible: boolean;
  /** Whether amendments are carried out. */
  readonly amends: boolean;
  /** States before the last one that a {@linkcode Pruner} leaves, null when none is to be removed. */
  readonly statesKept: number | null;
  /** Tells how long the commit of a state takes. */
  readonly clock: Clock;
}

/** What became of a block that was sent (spec/executor_evm.md, 4.2). */
export type BlockOutcome =
  /** It is the last block now; the records must be written before that is told. */
  | {
    readonly kind: "executed";
    readonly header: Header;
    readonly puts: readonly Put[];
    readonly quotaUsed: bigint;
    /** How long the commit of the state took, of the time of the whole. */
    readonly commitMs: number;
  }
  /** Its height was executed before; the header is that of then. */
  | { readonly kind: "reentered"; readonly isSame: boolean; readonly header: Header }
  /** It does not follow the last block. */
  | { readonly kind: "refused"; readonly reason: string };

/** A block whose transactions are in the state. */
interface CommittedBlock extends ExecutedBlock {
  readonly changes: StateChanges;
  readonly commitMs: number;
}

/** What is known of the hash function of the chain once a block is executed. */
interface Decision {
  readonly hashes: readonly HashFunction[];
  readonly blockHashes: BlockHashes;
  /** The header of the genesis, if the one that is stored is hashed by the other function. */
  readonly puts: readonly Put[];
}

/** A block that was executed again. */
export interface Replay {
  /** What the header of the block ought to be. */
  readonly header: Header;
  /** Hashes of its receipts in their order. */
  readonly leaves: readonly Bytes[];
}

/** What a chain may have in common with another one. */
interface SharedParts {
  readonly frames: FramePools;
  readonly programs: ProgramCache;
  readonly receiptTrees: ReceiptTrees;
}

/**
 * The executed blocks and the state after the last one. After an {@linkcode execute} that threw or
 * was not done to its end, or whose records could not be written, the object is void: load it again.
 */
export class Chain {
  readonly #parts: ChainParts;
  readonly #shared: SharedParts;
  /** More than one until block 1 decided; the first one is in use. */
  #hashes: readonly HashFunction[];
  #header: Header;
  #isEmpty: boolean;
  #state: CommittedState;
  #blockHashes: BlockHashes;

  /**
   * Loads what is stored; an empty store gives a chain without blocks.
   *
   * @param executing a chain on the same records that goes on while this one is only read: it shares
   * with it what does not depend on the block, and keeps no more of the state than a call does
   */
  constructor(parts: ChainParts, executing: Chain | null = null) {
    const { reader, hashes } = parts;
    this.#parts = parts;
    this.#shared = executing === null
      ? {
        frames: new FramePools(),
        programs: new ProgramCache(),
        receiptTrees: new ReceiptTrees(),
      }
      : executing.#shared;
    checkFormat(reader);
    const height = readCurrentHeight(reader);
    this.#isEmpty = height === null;
    this.#header = height === null ? defaultHeader(hashOf(hashes)) : requireHeader(reader, height);
    this.#hashes = height === null || height === 0n ? hashes : decideHash(parts);
    requireState(reader, this.#header.height);
    const root = height === null ? EMPTY_ROOT : this.#header.stateRoot;
    this.#state = executing === null
      ? this.#openState(root, stateStore(reader))
      : this.#openState(root, pastStateStore(reader, this.#header.height), CALL_LIMITS);
    this.#blockHashes = this.#blockHashesFrom(this.#header, this.hash);
  }

  /** Whether no block was executed yet. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Header of the last block, or the default header. */
  get header(): Header {
    return this.#header;
  }

  /** State after the last block. */
  get state(): CommittedState {
    return this.#state;
  }

  /** The hash function of the chain, as far as is known. */
  get hash(): HashFunction {
    return hashOf(this.#hashes);
  }

  /** Whether block 1 told already which function that is. */
  get isHashKnown(): boolean {
    return this.#hashes.length === 1;
  }

  /** The stored records. */
  get reader(): RecordReader {
    return this.#parts.reader;
  }

  /** The functions of contracts. */
  get natives(): Natives {
    return this.#parts.natives;
  }

  /** Of blocks whose receipts were proved lately. */
  get receiptTrees(): ReceiptTrees {
    return this.#shared.receiptTrees;
  }

  /** Header of an executed height, or the default header, null for any other height. */
  headerAt(height: bigint): Header | null {
    if (height === this.#header.height) return this.#header;
    // above the last block there may be headers of abandoned ones
    return height < this.#header.height ? readHeader(this.reader, height) : null;
  }

  /**
   * State after an executed block.
   *
   * @throws {MissingRecordError} when it was removed, now or while it is read
   */
  stateAfter(header: Header): CommittedState {
    return header === this.#header ? this.#state : this.#openPast(header, CALL_LIMITS);
  }

  /**
   * Executes a block if it follows the last one. While it pauses, everything else shows the state
   * before the block.
   */
  *execute(block: OpenBlock, pace: Pace = WITHOUT_PAUSE): Work<BlockOutcome> {
    const { height, prevhash } = block.header;
    if (this.#isEmpty && height === 0n) {
      return yield* this.#grow(block, { decision: this.#undecided(), pace });
    }
    if (!this.#isEmpty && height <= this.#header.height) {
      const header = requireHeader(this.reader, height);
      return { kind: "reentered", isSame: isSameBlock(header, block.header), header };
    }
    if (this.#isEmpty || height !== this.#header.height + 1n) {
      const current = this.#isEmpty ? "none" : this.#header.height;
      return {
        kind: "refused",
        reason: `current height: ${current}, open_block number: ${height}`,
      };
    }
    const hash = this.#hashes.find((hash) => equalBytes(chainHash(this.#header, hash), prevhash));
    if (hash === undefined) {
      return { kind: "refused", reason: "block's parent_hash is not consistent with current_hash" };
    }
    return yield* this.#grow(block, { decision: this.#decide(hash), pace });
  }

  /**
   * Executes a transaction on the state after the last block, or after an earlier one, without
   * lasting effects (section 10). If a block is executed while it pauses, that is the end of it.
   *
   * @throws {MissingRecordError} for a height that was not executed or whose state was removed
   */
  *simulate(
    tx: EvmTransaction,
    { height = null, pace = WITHOUT_PAUSE }: {
      readonly height?: bigint | null;
      readonly pace?: Pace;
    } = {},
  ): Work<Applied> {
    const header = height === null ? this.#header : this.headerAt(height);
    if (header === null) throw new MissingRecordError(`Cannot find header ${height}`);
    const state = new WorldState(this.stateAfter(header));
    const blockHash = (asked: Word) => this.#blockHashes.inCall(header.height, asked);
    const block = this.#blockContext(header, blockHash);
    const { natives } = this;
    const frames = this.#shared.frames.take();
    try {
      const env = { state, block, natives, frames, pace, amends: false };
      return yield* applyTransaction(tx, { ...env, gasPrice: 0 });
    } finally {
      this.#shared.frames.giveBack(frames);
    }
  }

  /**
   * Executes a block again on the state after the one below it, and keeps nothing.
   *
   * @throws {MissingRecordError} when the block below was not executed or its state was removed
   */
  replay(block: OpenBlock): Replay {
    const { height } = block.header;
    const state = height === 0n
      ? this.#openState(EMPTY_ROOT, stateStore(this.reader))
      : this.#openPast(requireHeader(this.reader, height - 1n));
    const blockHashes = this.#blockHashes;
    const executed = finish(this.#executeOn(state, block, { blockHashes, pace: WITHOUT_PAUSE }));
    const leaves = receiptHashes(executed.receipts, this.hash);
    const results = {
      stateRoot: executed.changes.root,
      receiptsRoot: receiptsRoot(leaves, this.hash),
      logBloom: executed.logBloom,
    };
    return { header: { ...block.header, ...results }, leaves };
  }

  *#executeOn(
    state: CommittedState,
    block: OpenBlock,
    { blockHashes, pace }: { readonly blockHashes: BlockHashes; readonly pace: Pace },
  ): Work<CommittedBlock> {
    const { header } = block;
    const { clock, amends } = this.#parts;
    const frames = this.#shared.frames.take();
    const overlay = new WorldState(state);
    const executed = yield* executeBlock(block, {
      state: overlay,
      block: this.#blockContext(header, (asked) => blockHashes.inBlock(header.height, asked)),
      natives: this.natives,
      gasPrice: 1,
      frames,
      pace,
      amends,
    });
    this.#shared.frames.giveBack(frames);
    const executedMs = clock.monotonicMs();
    const changes = overlay.commit();
    return { ...executed, changes, commitMs: clock.monotonicMs() - executedMs };
  }

  /** Tells that the records of the last block were written; until then its state fills memory. */
  stored(): void {
    this.#state.stored();
  }

  /** Block 1 names the hash of the genesis and decides the function; later ones change nothing. */
  #decide(hash: HashFunction): Decision {
    if (this.#hashes.length === 1) return this.#undecided();
    const hashes = [hash];
    if (hash === this.hash) {
      return { hashes, blockHashes: this.#blockHashesFrom(this.#header, hash), puts: [] };
    }
    const genesis = readGenesisOption(this.reader);
    if (genesis === null) throw new MissingRecordError("Cannot read the other genesis header");
    const blockHashes = this.#blockHashesFrom(genesis, hash);
    return { hashes, blockHashes, puts: [putHeader(genesis)] };
  }

  #undecided(): Decision {
    return { hashes: this.#hashes, blockHashes: this.#blockHashes, puts: [] };
  }

  *#grow(
    block: OpenBlock,
    { decision, pace }: { readonly decision: Decision; readonly pace: Pace },
  ): Work<BlockOutcome> {
    const { height } = block.header;
    const { hashes, blockHashes, puts } = decision;
    this.stored();
    const executed = yield* this.#executeOn(this.#state, block, { blockHashes, pace });
    const { receipts, receiptPuts, logBloom, changes, quotaUsed, commitMs } = executed;
    const [closed, other] = hashes.map((hash) => {
      const leaves = receiptHashes(receipts, hash);
      const results = { stateRoot: changes.root, receiptsRoot: receiptsRoot(leaves, hash) };
      const header: Header = { ...block.header, ...results, logBloom };
      return { leaves, header, place: putHeightOfHash(executorHash(header, hash), height) };
    });
    if (closed === undefined) throw new RangeError("A chain must have a hash function");
    const { header, leaves } = closed;
    this.#header = header;
    this.#isEmpty = false;
    this.#hashes = hashes;
    this.#blockHashes = blockHashes;
    const ofState = [...putState(changes, height), ...this.#putRemovals(changes, height)];
    const all = [...puts, ...ofState, ...receiptPuts, putHeader(header), closed.place];
    if (leaves.length > 0) all.push(putReceiptHashes(height, leaves));
    if (other !== undefined) all.push(putGenesisOption(other.header), other.place);
    if (height === 0n) all.push(putFormat());
    all.push(putCurrentHeight(height));
    return { kind: "executed", header, puts: all, quotaUsed, commitMs };
  }

  #blockContext(header: OpenHeader, blockHash: (asked: Word) => Word): BlockContext {
    const { isEthCompatible } = this.#parts;
    return {
      height: toWord(header.height),
      timestamp: toWord(isEthCompatible ? header.timestamp / 1000n : header.timestamp),
      proposer: wordOfBytes(header.proposer),
      blockHash,
    };
  }

  #openPast({ height, stateRoot }: Header, limits?: StateLimits): CommittedState {
    return this.#openState(stateRoot, pastStateStore(this.reader, height), limits);
  }

  #openState(root: Bytes, store: StateStore, limits = STATE_LIMITS): CommittedState {
    return new CommittedState(root, {
      store,
      keccak: this.natives.keccak,
      limits,
      programs: this.#shared.programs,
      tellsRemoved: this.#parts.statesKept !== null,
    });
  }

  /** What of the state before is to be removed one day. */
  #putRemovals(changes: StateChanges, height: bigint): Put[] {
    const { reader, statesKept } = this.#parts;
    return statesKept === null ? putNoRemovals(reader, height) : [putRemovals(changes, height)];
  }

  /** Hashes of the blocks up to one whose header may differ from the stored one, and of later ones. */
  #blockHashesFrom(first: Header, hash: HashFunction): BlockHashes {
    const headerAt = (height: bigint) =>
      [first, this.#header].find((header) => header.height === height) ??
        requireHeader(this.reader, height);
    return new BlockHashes(headerAt, hash);
  }
}

function hashOf(hashes: readonly HashFunction[]): HashFunction {
  const [hash] = hashes;
  if (hash === undefined) throw new RangeError("A chain must have a hash function");
  return hash;
}

/** The function by which block 1 names the genesis as its parent. */
function decideHash({ reader, hashes }: ChainParts): readonly HashFunction[] {
  const genesis = requireHeader(reader, 0n);
  const { prevhash } = requireHeader(reader, 1n);
  const decided = hashes.filter((hash) => equalBytes(chainHash(genesis, hash), prevhash));
  if (decided.length === 0) {
    throw new MissingRecordError("Cannot read the chain: block 1 does not follow the genesis");
  }
  return decided;
}
