import type { Block } from "../../../proto/gen/blockchain.ts";
import type { ChainStatus } from "../../../proto/gen/sync.ts";
import { assert } from "../../../shared/assert/mod.ts";
import type { AddressHex } from "../node_manager/mod.ts";
import { TipQuery } from "./tip_query.ts";

/** How much is asked for at once. */
export interface SyncLimits {
  /** Blocks per request. */
  readonly interval: number;
  /** Requests that may wait for an answer. */
  readonly requestsMax: number;
  /** A status whose height this divides makes the core ask again for everything missing. */
  readonly forceEpoch: bigint;
}

/** The peer that is followed: the highest one known. */
export interface SyncTarget {
  readonly address: AddressHex;
  readonly status: ChainStatus;
}

/** A request to send; both ends are included. */
export interface SyncRequest {
  readonly address: AddressHex;
  readonly start: bigint;
  readonly end: bigint;
}

/** A block that waits to be applied. */
export interface SyncedBlock {
  readonly sender: AddressHex;
  readonly block: Block;
}

/** What the core has to know about the chain to plan. */
export interface SyncView {
  readonly ownHeight: bigint;
  /** Whether consensus is deciding on a proposal for the next height. */
  readonly hasCandidates: boolean;
  readonly nowMs: number;
}

interface PendingRequest extends SyncRequest {
  readonly sentMs: number;
}

/** After that long without an answer a request counts as lost. */
export const SYNC_TIMEOUT_MS = 15_000;

/**
 * Fetches the blocks that peers have and this node has not (spec/controller.md, 16). Unlike the
 * reference it remembers what it asked for: lost answers are asked for again, runs of missing
 * blocks anywhere are, and unasked blocks are not taken.
 */
export class SyncCore {
  readonly #limits: SyncLimits;
  readonly #buffer = new Map<bigint, SyncedBlock>();
  readonly #tipQuery = new TipQuery();
  #pending: PendingRequest[] = [];
  #target: SyncTarget | null = null;
  #isSyncing = false;
  /** Shrinks when answers get lost: ten large blocks may not fit into one message. */
  #window: number;

  constructor(limits: SyncLimits) {
    assert(limits.interval > 0 && limits.requestsMax > 0, "Sync limits are positive");
    this.#limits = limits;
    this.#window = limits.interval;
  }

  /** Whether synced blocks are being applied: the node does not propose meanwhile. */
  get isSyncing(): boolean {
    return this.#isSyncing;
  }

  /** The peer that is followed; null while none is known. */
  get target(): SyncTarget | null {
    return this.#target;
  }

  /** Number of blocks that wait to be applied. */
  get bufferedCount(): number {
    return this.#buffer.size;
  }

  /** Takes note of a peer's status (16.2, try_update_global). */
  statusSeen(target: SyncTarget, ownHeight: bigint): void {
    const { height } = target.status;
    if (height % this.#limits.forceEpoch === 0n) this.#pending = [];
    const best = this.#target?.status.height ?? 0n;
    if (height > best && height >= ownHeight) this.#target = target;
  }

  /** Stops following a peer, or follows another one. */
  retarget(left: AddressHex, next: SyncTarget | null): void {
    if (this.#target?.address !== left) return;
    this.#target = next;
  }

  /**
   * The requests to send now. None while nobody is higher, and none while the only missing block
   * is the one that consensus is deciding on.
   */
  plan({ ownHeight, hasCandidates, nowMs }: SyncView): SyncRequest[] {
    const target = this.#target;
    if (target === null || target.status.height <= ownHeight) {
      this.#end();
      return [];
    }
    if (hasCandidates && target.status.height === ownHeight + 1n) return [];
    this.#discardUpTo(ownHeight);
    const requests: SyncRequest[] = [];
    const { address } = target;
    for (const { start, end } of this.#missingRuns(ownHeight, target.status.height)) {
      if (this.#pending.length >= this.#limits.requestsMax) break;
      const request = { address, start, end };
      requests.push(request);
      this.#pending.push({ ...request, sentMs: nowMs });
    }
    return requests;
  }

  /** Runs of blocks that are neither buffered nor asked for, cut into windows, lowest first. */
  *#missingRuns(ownHeight: bigint, top: bigint): Generator<{ start: bigint; end: bigint }> {
    const reach = ownHeight + BigInt(this.#limits.interval * this.#limits.requestsMax);
    const last = top < reach ? top : reach;
    let start: bigint | null = null;
    for (let height = ownHeight + 1n; height <= last + 1n; height++) {
      const isMissing = height <= last && !this.#buffer.has(height) && !this.#isPending(height);
      if (start !== null && (!isMissing || height - start >= BigInt(this.#window))) {
        yield { start, end: height - 1n };
        start = null;
      }
      if (isMissing && start === null) start = height;
    }
  }

  #isPending(height: bigint): boolean {
    return this.#pending.some(({ start, end }) => start <= height && height <= end);
  }

  #discardUpTo(ownHeight: bigint): void {
    this.#tipQuery.moveTo(ownHeight);
    for (const height of this.#buffer.keys()) {
      if (height <= ownHeight) this.#buffer.delete(height);
    }
    this.#pending = this.#pending.filter(({ end }) => end > ownHeight);
  }

  /**
   * Takes the answer to a request. Blocks that this peer was not asked for are left out; a peer may
   * answer with fewer blocks than it was asked for.
   *
   * @returns the heights taken, or null when a block is not what it should be
   */
  received(sender: AddressHex, blocks: readonly Block[], ownHeight: bigint): bigint[] | null {
    this.#tipQuery.moveTo(ownHeight);
    const [firstBlock] = blocks;
    if (firstBlock !== undefined && this.#tipQuery.received(sender, firstBlock)) return [ownHeight];
    if (firstBlock !== undefined && firstBlock.header === undefined) return null;
    const first = firstBlock?.header?.height;
    const request = this.#pending.find(({ address, start }) =>
      address === sender && start === first
    );
    if (request === undefined) return [];
    this.#pending = this.#pending.filter((pending) => pending !== request);
    const taken: bigint[] = [];
    for (const block of blocks) {
      const height = block.header?.height;
      if (height === undefined) return null;
      if (height < request.start || height > request.end || height <= ownHeight) continue;
      if (this.#buffer.has(height)) continue;
      this.#buffer.set(height, { sender, block });
      taken.push(height);
    }
    this.#window = Math.min(this.#limits.interval, 2 * this.#window);
    return taken;
  }

  /**
   * Takes the next block out of the buffer; the node counts as syncing from then on. None while a
   * peer is asked for its copy of the tip.
   */
  takeNext(ownHeight: bigint): SyncedBlock | null {
    this.#tipQuery.moveTo(ownHeight);
    if (this.#tipQuery.isOpen) return null;
    const synced = this.#buffer.get(ownHeight + 1n);
    if (synced === undefined) return null;
    this.#buffer.delete(ownHeight + 1n);
    this.#isSyncing = true;
    return synced;
  }

  /** Whether the next block waits to be applied. */
  hasNext(ownHeight: bigint): boolean {
    return this.#buffer.has(ownHeight + 1n);
  }

  /** Puts a block back that could not be applied for a reason that lies in this node. */
  putBack(height: bigint, synced: SyncedBlock): void {
    this.#buffer.set(height, synced);
  }

  /**
   * Puts the next block back until its sender has sent its copy of the tip, on which the proof of
   * the next block depends.
   *
   * @returns the request to send; null when the copy of that sender did not help
   */
  askForTip(
    synced: SyncedBlock,
    { ownHeight, nowMs }: Pick<SyncView, "ownHeight" | "nowMs">,
  ): SyncRequest | null {
    const { sender: address } = synced;
    this.#tipQuery.moveTo(ownHeight);
    if (!this.#tipQuery.ask(address, nowMs)) return null;
    this.putBack(ownHeight + 1n, synced);
    return { address, start: ownHeight, end: ownHeight };
  }

  /** The copy of the tip that a peer sent when it was asked; null when there is none. */
  tipOf(sender: AddressHex, ownHeight: bigint): Block | null {
    this.#tipQuery.moveTo(ownHeight);
    return this.#tipQuery.answerOf(sender);
  }

  /** Forgets what a peer sent and was asked for: its blocks are wrong, or it has none. */
  forgetPeer(sender: AddressHex): void {
    this.#tipQuery.forgetPeer(sender);
    this.#pending = this.#pending.filter(({ address }) => address !== sender);
    for (const [height, synced] of this.#buffer) {
      if (synced.sender === sender) this.#buffer.delete(height);
    }
  }

  /** Peers that left a request unanswered for too long; their requests are forgotten. */
  expire(nowMs: number): AddressHex[] {
    const isLate = ({ sentMs }: PendingRequest) => nowMs - sentMs >= SYNC_TIMEOUT_MS;
    const late = new Set(this.#pending.filter(isLate).map(({ address }) => address));
    const silent = this.#tipQuery.expire(nowMs - SYNC_TIMEOUT_MS);
    if (silent !== null) {
      this.forgetPeer(silent);
      late.add(silent);
    }
    if (late.size === 0) return [];
    this.#pending = this.#pending.filter(({ address }) => !late.has(address));
    this.#window = Math.max(1, Math.floor(this.#window / 2));
    return [...late];
  }

  /** Starts syncing afresh, with all peers. */
  reset(): void {
    this.#end();
    this.#tipQuery.forgetAll();
  }

  /** Nothing is missing, or nobody has it. */
  #end(): void {
    this.#tipQuery.end();
    this.#isSyncing = false;
    this.#buffer.clear();
    this.#pending = [];
  }
}
