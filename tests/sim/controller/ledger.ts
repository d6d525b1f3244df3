import assert from "node:assert/strict";
import { Block, type RawTransaction } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { hashBlockHeader, rawTransactionHash } from "../../../shared/block/mod.ts";
import { readU64be, toHex } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import type { StoreRecord } from "../../../services/controller/chain/mod.ts";
import { LockId, type SystemConfig } from "../../../services/controller/system_config/mod.ts";
import type { SimProcess } from "./sim_process.ts";

/** A transaction that a node has said yes to. */
export interface Acknowledged {
  readonly hash: string;
  /** The process that said it. */
  readonly process: SimProcess;
  /** Whether it is on disk: else it may be gone when the process ends. */
  readonly isKept: boolean;
  /** Of the tip on which it said so. */
  readonly height: bigint;
  readonly validUntil: bigint;
}

/** Watches everything that nodes store and promise, and throws at the first thing that is wrong. */
export class Ledger {
  readonly #blocks = new Map<bigint, string>();
  readonly #stateRoots = new Map<bigint, string>();
  readonly #configs = new Map<bigint, string>();
  readonly #heightOf = new Map<string, bigint>();
  readonly #committed = new Map<number, bigint>();
  #acknowledged: Acknowledged[] = [];
  #executedCount = 0;
  /** Height of the last block after which nodes do not keep what they promised before it. */
  #takenBackAt = 0n;

  constructor(readonly hash: HashFunction) {}

  /** Transactions in the chain. */
  get executedCount(): number {
    return this.#executedCount;
  }

  /** Whether a block holds the transaction. */
  has(hash: string): boolean {
    return this.#heightOf.has(hash);
  }

  /** A node stores a record: every node stores the same at a height. */
  onStored(node: number, { region, key, value }: StoreRecord): void {
    if (region === Regions.FULL_BLOCK) this.#onBlock(node, readU64be(key), decode(Block, value));
    if (region === Regions.RESULT) {
      expectSame(this.#stateRoots, readU64be(key), toHex(value), `state root of node ${node}`);
    }
  }

  #onBlock(node: number, height: bigint, { header, body }: Block): void {
    assert(header !== undefined, `Node ${node} stores a block without a header`);
    const hash = toHex(hashBlockHeader(this.hash, header));
    const isNew = !this.#blocks.has(height);
    expectSame(this.#blocks, height, hash, `block of node ${node}`);
    if (!isNew) return;
    if (body?.body.some(takesPromisesBack)) this.#takenBackAt = height;
    for (const raw of body?.body ?? []) {
      const txHash = toHex(rawTransactionHash(raw) ?? new Uint8Array());
      const before = this.#heightOf.get(txHash);
      assert(before === undefined, `Blocks ${before} and ${height} hold transaction ${txHash}`);
      this.#heightOf.set(txHash, height);
      this.#executedCount++;
    }
  }

  /** The configuration that a node goes on with after a height. */
  onConfig(node: number, height: bigint, config: SystemConfig): void {
    const text = JSON.stringify(config, (_key, value) => {
      if (value instanceof Uint8Array) return toHex(value);
      if (value instanceof Map) return [...value];
      return typeof value === "bigint" ? `${value}` : value;
    });
    expectSame(this.#configs, height, text, `system configuration of node ${node}`);
  }

  /** A controller has told its consensus that the block is stored. */
  onCommitted(node: number, height: bigint): void {
    if (height > (this.#committed.get(node) ?? 0n)) this.#committed.set(node, height);
  }

  /** A controller has loaded its chain. */
  onStarted(node: number, height: bigint): void {
    const committed = this.#committed.get(node) ?? 0n;
    assert(height >= committed, `Node ${node} starts at ${height} after it had ${committed}`);
  }

  /** A controller has told a user that it took a transaction. */
  onAcknowledged(transaction: Acknowledged): void {
    this.#acknowledged.push(transaction);
  }

  /**
   * Transactions that still have to come: they are on disk or promised by a process that is alive,
   * and a block above the height may hold them.
   */
  open(height: bigint): Acknowledged[] {
    this.#acknowledged = this.#acknowledged.filter((promised) =>
      (promised.isKept || promised.process.isAlive) && promised.height >= this.#takenBackAt &&
      !this.#heightOf.has(promised.hash)
    );
    return this.#acknowledged.filter(({ validUntil }) => validUntil > height);
  }
}

/** Changes after which a node throws away what its blocks may not hold any more. */
const FORBIDDING: readonly bigint[] = [LockId.Version, LockId.EmergencyBrake, LockId.BlockLimit];

function takesPromisesBack({ tx }: RawTransaction): boolean {
  const lockId = tx?.$case === "utxoTx" ? tx.value.transaction?.lockId : undefined;
  return lockId !== undefined && FORBIDDING.includes(lockId);
}

function expectSame(
  known: Map<bigint, string>,
  height: bigint,
  value: string,
  what: string,
): void {
  const first = known.get(height);
  if (first === undefined) known.set(height, value);
  else assert.equal(value, first, `Not as others: the ${what} at height ${height}`);
}
