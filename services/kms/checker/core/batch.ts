import { type Bytes, concatBytes, toHex } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import type { TransactionRefusal } from "../../check_transactions.ts";
import { type BodyElement, BodyWalk } from "./body_walk.ts";
import type { Chunk, ChunkReport } from "./chunk.ts";
import type { KnownTransactions } from "./known_transactions.ts";

/** Transactions of a chunk: small enough to share work evenly, 5 ms of SM2; messages take 0.1 ms. */
const CHUNK_TRANSACTIONS_MAX = 32;

/** Size of a chunk that is not a single transaction, in bytes: hashing it takes 0.4 ms. */
const CHUNK_SIZE_MAX = 65_536;

/** Transactions looked up for one chunk, most of which may be known: 0.3 ms. */
const LOOKUPS_MAX = 64;

/** Chunks that each worker gets of what is left of a batch: the last ones are the smallest. */
const CHUNKS_PER_WORKER = 2;

/** What became of a batch. */
export type BatchOutcome =
  | { readonly kind: "checked"; readonly refusal: TransactionRefusal | null }
  | { readonly kind: "malformed" };

/** What a batch is checked with. */
export interface BatchDeps {
  /** The chain's hash. */
  readonly hash: HashFunction;
  readonly known: KnownTransactions;
  readonly workerCount: number;
}

/**
 * One request on its way through the workers: chunks are taken from it in the order of its
 * transactions and settled in any order. Its outcome is that of checking one after the other.
 *
 * Known transactions are left out. They are known by the chain's hash over all bytes received, and
 * whether a transaction passes depends on nothing else: the bytes hold content, claimed hash,
 * signature and sender, so that another content or sender under the same hash and signature is
 * another transaction. Refused ones are never remembered.
 */
export class Batch {
  readonly #request: Bytes;
  readonly #deps: BatchDeps;
  readonly #walk: BodyWalk;
  #nextIndex = 0;
  #inFlightCount = 0;
  #refusal: TransactionRefusal | null = null;
  #isMalformed = false;

  constructor(request: Bytes, deps: BatchDeps) {
    this.#request = request;
    this.#deps = deps;
    this.#walk = new BodyWalk(request);
  }

  /** Whether there may be more to take. */
  get hasMore(): boolean {
    return !this.#isMalformed && this.#walk.remainingSize > 0;
  }

  /** Null until it is known. */
  get outcome(): BatchOutcome | null {
    if (this.#isMalformed) return { kind: "malformed" };
    if (this.hasMore || this.#inFlightCount > 0) return null;
    return { kind: "checked", refusal: this.#refusal };
  }

  /**
   * The next chunk that somebody must work on and {@linkcode Batch.settle}. Looks at a bounded part
   * of the request; null when nothing in it needs work.
   */
  take(): Chunk | null {
    const chunk = this.#refusal === null ? this.#takeUnknown() : this.#takeRest();
    if (this.#isMalformed || chunk === null) return null;
    this.#inFlightCount++;
    return chunk;
  }

  /** Takes note of what became of a chunk. */
  settle({ indexes, digests, isToBeVerified }: Chunk, report: ChunkReport): void {
    this.#inFlightCount--;
    if (report.kind === "malformed") {
      this.#isMalformed = true;
      return;
    }
    if (!isToBeVerified) return;
    const { refusal } = report;
    for (const digest of digests.slice(0, refusal?.position)) {
      if (digest !== null) this.#deps.known.add(digest);
    }
    if (refusal === null) return;
    const position = indexes[refusal.position] ?? 0;
    if (this.#refusal !== null && this.#refusal.position < position) return;
    this.#refusal = { ...refusal, position };
  }

  #takeUnknown(): Chunk | null {
    const share = this.#walk.remainingSize / (CHUNKS_PER_WORKER * this.#deps.workerCount);
    const sizeMax = Math.min(share, CHUNK_SIZE_MAX);
    const parts: Bytes[] = [];
    const indexes: number[] = [];
    const digests: (string | null)[] = [];
    let seenSize = 0;
    for (let lookups = 0; lookups < LOOKUPS_MAX && this.hasMore; lookups++) {
      const element = this.#step();
      if (element === null) break;
      const index = this.#nextIndex++;
      const bytes = this.#request.subarray(element.start, element.end);
      const digest = this.#digest(bytes);
      seenSize += bytes.length;
      if (digest === null || !this.#deps.known.has(digest)) {
        parts.push(bytes);
        indexes.push(index);
        digests.push(digest);
      }
      if (seenSize >= CHUNK_SIZE_MAX || parts.length === CHUNK_TRANSACTIONS_MAX) break;
      if (parts.length > 0 && seenSize >= sizeMax) break;
    }
    if (parts.length === 0) return null;
    return { body: concatBytes(...parts), indexes, digests, isToBeVerified: true };
  }

  /** What is behind a refused transaction. */
  #takeRest(): Chunk | null {
    const first = this.#step();
    if (first === null) return null;
    let { end } = first;
    while (end - first.start < CHUNK_SIZE_MAX) {
      const next = this.#step();
      if (next === null) break;
      ({ end } = next);
    }
    const body = this.#request.slice(first.start, end);
    return { body, indexes: [], digests: [], isToBeVerified: false };
  }

  /** The next transaction; null where there is none now. */
  #step(): BodyElement | null {
    const element = this.#walk.next();
    if (element === "malformed") this.#isMalformed = true;
    return typeof element === "string" ? null : element;
  }

  /** Null when taking the hash would hold up other calls: such a transaction is checked each time. */
  #digest(bytes: Bytes): string | null {
    return bytes.length > CHUNK_SIZE_MAX ? null : toHex(this.#deps.hash(bytes));
  }
}
