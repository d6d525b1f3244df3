import { type RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { type PoolLimits, Room } from "./room.ts";
import { estimateSize } from "./size.ts";

/**
 * Room for changes of the system configuration, beside that of all others: the admin must be heard
 * on a flooded chain, yet anyone can send forged ones that wait for the check of their signatures.
 */
const CHANGES_LIMITS: PoolLimits = { countMax: 1_000, sizeMax: 16 * 1024 * 1024 };

/** A transaction whose hash and signature were verified. */
export interface PooledTransaction {
  /** The hash in hex. */
  readonly key: string;
  /** Its address in hex; empty for a change of the system configuration. */
  readonly sender: string;
  readonly raw: RawTransaction;
  readonly hash: Bytes;
  /** Its part of an encoded `RawTransactions`: bodies of blocks are made of these. */
  readonly encoded: Bytes;
  /** Null for a change of the system configuration, which does not expire. */
  readonly validUntilBlock: bigint | null;
}

/** Entries by their keys, in order of arrival. */
type Entries = Map<string, PooledTransaction>;

/**
 * Verified transactions that wait for a block, in order of arrival (spec/controller.md, 9). Indexed
 * by sender and by the block at which they expire, so that a block costs what it holds and not what
 * waits.
 */
export class Pool {
  readonly #room: Room;
  readonly #changesRoom = new Room(CHANGES_LIMITS);
  readonly #byHash: Entries = new Map();
  /** Normal transactions; a sender moves to the end when one of its transactions leaves. */
  readonly #bySender = new Map<string, Entries>();
  /** Normal transactions by the last block that may hold them. */
  readonly #byExpiry = new Map<bigint, Set<string>>();
  /** Changes of the system configuration. */
  readonly #changes: Entries = new Map();
  #size = 0;

  constructor(limits: PoolLimits) {
    this.#room = new Room(limits);
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

  /** Whether one more transaction fits and its sender does not have more than its share. */
  hasRoom(raw: RawTransaction): boolean {
    return this.#roomOf(raw).isFree(senderOf(raw), estimateSize(raw));
  }

  /**
   * Takes room for transactions that are on their way into the pool, until they are released.
   *
   * @returns false, and nothing is taken, when there is none for one of them
   */
  reserve(raws: readonly RawTransaction[]): boolean {
    for (const [index, raw] of raws.entries()) {
      if (!this.hasRoom(raw)) {
        this.release(raws.slice(0, index));
        return false;
      }
      this.#roomOf(raw).take(senderOf(raw), estimateSize(raw));
    }
    return true;
  }

  /** Gives back the room of reserved transactions: they were added, or refused. */
  release(raws: readonly RawTransaction[]): void {
    for (const raw of raws) this.#roomOf(raw).release(senderOf(raw), estimateSize(raw));
  }

  #roomOf({ tx }: RawTransaction): Room {
    return tx?.$case === "utxoTx" ? this.#changesRoom : this.#room;
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
    this.#roomOf(raw).take(entry.sender, estimateSize(raw));
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
      this.#roomOf(entry.raw).release(entry.sender, estimateSize(entry.raw));
      if (entry.validUntilBlock === null) this.#changes.delete(key);
      else this.#unindex(entry, entry.validUntilBlock);
    }
  }

  #unindex({ key, sender }: PooledTransaction, validUntilBlock: bigint): void {
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
   *
   * @param stopped senders that get no further turn; some may be added meanwhile
   */
  *inTurns(stopped: ReadonlySet<string>): Generator<PooledTransaction> {
    yield* this.#changes.values();
    let turn: IterableIterator<PooledTransaction>[] = [];
    for (const entries of this.#bySender.values()) {
      const waiting = entries.values();
      const { value, done } = waiting.next();
      if (done === true) continue;
      yield value;
      if (!stopped.has(value.sender)) turn.push(waiting);
    }
    while (turn.length > 0) {
      const next: IterableIterator<PooledTransaction>[] = [];
      for (const waiting of turn) {
        const { value, done } = waiting.next();
        if (done === true) continue;
        yield value;
        if (!stopped.has(value.sender)) next.push(waiting);
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
