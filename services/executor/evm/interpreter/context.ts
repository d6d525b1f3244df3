import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import type { LogBlooms } from "../bloom.ts";
import type { Precompiles } from "../precompiles/mod.ts";
import type { AddressKey, WorldState } from "../state/world_state.ts";
import type { Checkpoint } from "./frame.ts";
import type { Word } from "../word.ts";
import type { Pace } from "../work.ts";

/** A log of a contract. */
export interface Log {
  readonly address: Bytes;
  readonly topics: readonly Bytes[];
  readonly data: Bytes;
}

/** What contracts see of the block (spec/executor_evm.md, section 9). */
export interface BlockContext {
  readonly height: Word;
  readonly timestamp: Word;
  readonly proposer: Word;
  /** BLOCKHASH: 0 for a height without one. */
  blockHash(height: Word): Word;
}

/** What contracts see of the transaction. */
export interface TransactionContext {
  readonly origin: Word;
  readonly gasPrice: Word;
}

/** What the machine computes itself. */
export interface Natives {
  readonly keccak: HashFunction;
  readonly blooms: LogBlooms;
  readonly precompiles: Precompiles;
}

/** What an execution is made of. */
export interface ExecutionParts {
  readonly state: WorldState;
  readonly block: BlockContext;
  readonly transaction: TransactionContext;
  readonly natives: Natives;
  readonly pace: Pace;
}

/** Bytes of memory for a log, and again for each topic and for its data: small objects on the heap. */
const LOG_PART_BYTES = 240;

/** Gas given back for a contract that removes itself. */
const SELF_DESTRUCT_REFUND = 24_000;

/**
 * All that the frames of one transaction share: the state, and what is kept beside it and restored
 * with it (spec/executor_evm.md, 8.1).
 */
export class Execution {
  readonly #logs: Log[] = [];
  #logBytes = 0;
  refund = 0;
  readonly #destructed: AddressKey[] = [];
  readonly #isDestructed = new Set<AddressKey>();

  readonly state: WorldState;
  readonly block: BlockContext;
  readonly transaction: TransactionContext;
  readonly natives: Natives;
  readonly pace: Pace;

  constructor({ state, block, transaction, natives, pace }: ExecutionParts) {
    this.state = state;
    this.block = block;
    this.transaction = transaction;
    this.natives = natives;
    this.pace = pace;
  }

  /** The logs of all frames that did not fail. */
  get logs(): readonly Log[] {
    return this.#logs;
  }

  /** Bytes of memory for the logs and for what changed in the state. */
  get heldBytes(): number {
    return this.#logBytes + this.state.changeBytes;
  }

  /** Adds a log. */
  addLog(log: Log): void {
    this.#logs.push(log);
    this.#logBytes += LOG_PART_BYTES * (2 + log.topics.length) + log.data.length;
  }

  /** Contracts that removed themselves, which happens at the end of the transaction. */
  get destructed(): readonly AddressKey[] {
    return this.#destructed;
  }

  /** What a failing frame is restored to. */
  checkpoint(): Checkpoint {
    return {
      state: this.state.mark(),
      logs: this.#logs.length,
      logBytes: this.#logBytes,
      refund: this.refund,
      destructed: this.#destructed.length,
    };
  }

  /** Undoes everything since a checkpoint. */
  rollback(checkpoint: Checkpoint): void {
    const { refund, destructed } = checkpoint;
    this.rollbackState(checkpoint);
    this.refund = refund;
    while (this.#destructed.length > destructed) {
      this.#isDestructed.delete(this.#destructed.pop() ?? "");
    }
  }

  /** Undoes the state and the logs but neither refunds nor self-destructions. */
  rollbackState({ state, logs, logBytes }: Checkpoint): void {
    this.state.rollback(state);
    this.#logs.length = logs;
    this.#logBytes = logBytes;
  }

  /** Marks a contract for removal at the end of the transaction (8.3). */
  selfDestruct(key: AddressKey, beneficiary: AddressKey): void {
    if (this.#isDestructed.has(key)) return;
    this.#isDestructed.add(key);
    this.#destructed.push(key);
    this.refund += SELF_DESTRUCT_REFUND;
    const balance = this.state.balance(key);
    if (key === beneficiary) this.state.burn(key, balance);
    else this.state.transfer(key, beneficiary, balance);
  }
}
