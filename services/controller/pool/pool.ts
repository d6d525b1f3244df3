import { type RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { estimateSize } from "./size.ts";

/** A transaction whose hash and signature were verified. */
export interface PooledTransaction {
  /** The hash in hex. */
  readonly key: string;
  readonly raw: RawTransaction;
  readonly hash: Bytes;
  /** Its part of an encoded `RawTransactions`: bodies of blocks are made of these. */
  readonly encoded: Bytes;
  /** Null for a change of the system configuration, which does not expire. */
  readonly validUntilBlock: bigint | null;
}

/** How much may wait. */
export interface PoolLimits {
  readonly countMax: number;
  /** Encoded bytes. */
  readonly sizeMax: number;
}

/** A pooled transaction and where the indexes have it. */
interface Entry extends PooledTransaction {
  readonly sender: string;
}

/** Entries by their keys, in order of arrival. */
type Entries = Map<string, Entry>;

/**
 * Verified transactions that wait for a block, in order of arrival (spec/controller.md, 9). Indexed
 * by sender and by the block at which they expire, so that a block costs what it holds and not what
 * waits.
 */
export class Pool {
  readonly #limits: PoolLimits;
  readonly #byHash: Entries = new Map();
  /** Normal transactions; a sender moves to the end when one of its transactions leaves. */
  readonly #bySender = new Map<string, Entries>();
  /** Normal transactions by the last block that may hold them. */
  readonly #byExpiry = new Map<bigint, Set<string>>();
  /** Changes of the system configuration. */
  readonly #changes: Entries = new Map();
  #size = 0;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /** Number of waiting transactions. */
  get count(): number {
    return this.#byHash.size;
  }

  /** Their encoded size in bytes. */
  get size(): number {
    return this.#size;
  }

  /** The transaction with that hash, in hex. */
  get(hashHex: string): PooledTransaction | undefined {
    return this.#byHash.get(hashHex);
  }

  /**
   * Whether one more transaction fits, beside others that are on their way into the pool. Changes of
   * the system configuration always do: the admin must be heard on a flooded chain. Once the pool
   * is more than half full a sender may have no more than its share, the capacity divided by the
   * number of senders that have transactions in it; one that is alone may fill it.
   */
  hasRoom(raw: RawTransaction, onTheirWay = 0): boolean {
    if (raw.tx?.$case === "utxoTx") return true;
    const { countMax, sizeMax } = this.#limits;
    const count = this.count + onTheirWay;
    if (count >= countMax || this.#size + estimateSize(raw) > sizeMax) return false;
    if (2 * count < countMax && 2 * this.#size < sizeMax) return true;
    const own = this.#bySender.get(senderOf(raw))?.size ?? 0;
    const sendersCount = this.#bySender.size + (own === 0 ? 1 : 0);
    return own < countMax / sendersCount;
  }

  /** Adds a verified transaction; false when one with its hash is there already. */
  add(raw: RawTransaction): boolean {
    const hash = rawTransactionHash(raw);
    if (hash === null) return false;
    const key = toHex(hash);
    if (this.#byHash.has(key)) return false;
    const validUntilBlock = raw.tx?.$case === "normalTx"
      ? raw.tx.value.transaction?.validUntilBlock ?? 0n
      : null;
    const encoded = encode(RawTransactions, { body: [raw] });
    const entry = { key, raw, hash, encoded, sender: senderOf(raw), validUntilBlock };
    this.#byHash.set(key, entry);
    this.#size += encoded.length;
    if (validUntilBlock === null) {
      this.#changes.set(key, entry);
      return true;
    }
    getOrAdd(this.#bySender, entry.sender, () => new Map()).set(key, entry);
    getOrAdd(this.#byExpiry, validUntilBlock, () => new Set()).add(key);
    return true;
  }

  /** Takes out the transactions of a block, by their hashes in hex. */
  remove(hashes: Iterable<string>): void {
    for (const key of hashes) {
      const entry = this.#byHash.get(key);
      if (entry === undefined) continue;
      this.#byHash.delete(key);
      this.#size -= entry.encoded.length;
      if (entry.validUntilBlock === null) this.#changes.delete(key);
      else this.#unindex(entry, entry.validUntilBlock);
    }
  }

  #unindex({ key, sender }: Entry, validUntilBlock: bigint): void {
    const siblings = this.#bySender.get(sender);
    siblings?.delete(key);
    this.#bySender.delete(sender);
    if (siblings !== undefined && siblings.size > 0) this.#bySender.set(sender, siblings);
    const expiring = this.#byExpiry.get(validUntilBlock);
    expiring?.delete(key);
    if (expiring?.size === 0) this.#byExpiry.delete(validUntilBlock);
  }

  /** Takes out the normal transactions whose last block the predicate names. */
  removeExpired(isExpired: (validUntilBlock: bigint) => boolean): void {
    for (const [validUntilBlock, keys] of this.#byExpiry) {
      if (isExpired(validUntilBlock)) this.remove([...keys]);
    }
  }

  /** Changes of the system configuration in order of arrival; entries may be removed meanwhile. */
  changes(): IterableIterator<PooledTransaction> {
    return this.#changes.values();
  }

  /** Everything in order of arrival; entries may be removed meanwhile. */
  values(): IterableIterator<PooledTransaction> {
    return this.#byHash.values();
  }

  /**
   * Everything, each sender in its turn: first the changes of the system configuration, then one
   * transaction of every sender, then the next of each. A sender's own are in order of arrival, and
   * senders that no block has served for long come first. Nothing may be removed meanwhile.
   */
  *inTurns(): Generator<PooledTransaction> {
    yield* this.#changes.values();
    let turn: IterableIterator<Entry>[] = [];
    for (const entries of this.#bySender.values()) {
      const waiting = entries.values();
      const { value, done } = waiting.next();
      if (done === true) continue;
      turn.push(waiting);
      yield value;
    }
    while (turn.length > 0) {
      const next: IterableIterator<Entry>[] = [];
      for (const waiting of turn) {
        const { value, done } = waiting.next();
        if (done === true) continue;
        next.push(waiting);
        yield value;
      }
      turn = next;
    }
  }
}

function senderOf({ tx }: RawTransaction): string {
  return tx?.$case === "normalTx" ? toHex(tx.value.witness?.sender ?? new Uint8Array()) : "";
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
