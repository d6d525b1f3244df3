import type { Block } from "../../../proto/gen/blockchain.ts";
import type { ChainStatus } from "../../../proto/gen/sync.ts";
import { assert } from "../../../shared/assert/mod.ts";
import type { AddressHex } from "../node_manager/mod.ts";
import { BlockBuffer, type SyncedBlock } from "./block_buffer.ts";
import { type PendingRequest, RequestBook, type SyncRequest } from "./request_book.ts";
import { TipQuery } from "./tip_query.ts";

/** How much is asked for at once. */
export interface SyncLimits {
  /** Blocks per request. */
  readonly interval: number;
  /** Requests that may wait for an answer of one peer. */
  readonly requestsMax: number;
  /** A status whose height this divides makes the core ask again for everything missing. */
  readonly forceEpoch: bigint;
}

/** The peer that is followed: the highest one known. */
export interface SyncTarget {
  readonly address: AddressHex;
  readonly status: ChainStatus;
}

/** A peer that can be asked. */
export interface SyncPeer {
  readonly address: AddressHex;
  /** What it says to have. */
  readonly height: bigint;
}

/** Blocks as they arrived in one message. */
export interface SyncAnswer {
  readonly blocks: readonly Block[];
  /** Bytes of the message. */
  readonly size: number;
}

/** What the core has to know about the chain to plan. */
export interface SyncView {
  readonly ownHeight: bigint;
  /** Whether consensus is deciding on a proposal for the next height. */
  readonly hasCandidates: boolean;
  /** Who is reachable. */
  readonly peers: readonly SyncPeer[];
  readonly nowMs: number;
}

/** After that long without an answer a request counts as lost. */
export const SYNC_TIMEOUT_MS = 15_000;

/**
 * After that long another peer is asked too, when the block that is needed next is waited for, and
 * the node goes on without it. Shorter than the usual block interval: lies cost no time then.
 */
export const SYNC_IMPATIENCE_MS = 2_000;

/** Bytes of the blocks that wait, but for the one that is needed next. */
export const SYNC_BUFFER_SIZE_MAX = 64 * 1024 * 1024;

/**
 * Fetches the blocks that peers have and this node has not (spec/controller.md, 16). Unlike the
 * reference it remembers what it asked for: lost answers are asked for again, runs of missing
 * blocks anywhere are, and unasked blocks are not taken. All peers that have a block may be asked
 * for it, so that one that is slow or lies holds nobody up.
 */
export class SyncCore {
  readonly #limits: SyncLimits;
  readonly #buffer = new BlockBuffer(SYNC_BUFFER_SIZE_MAX);
  readonly #requests = new RequestBook();
  readonly #tipQuery = new TipQuery();
  #target: SyncTarget | null = null;
  #isSyncing = false;
  /** Blocks up to here are being applied. */
  #takenUpTo = 0n;
  /** Where the node stood when a peer was first seen above it, and when that was. */
  #waiting: { readonly height: bigint; readonly sinceMs: number } | null = null;
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
    return this.#buffer.count;
  }

  /**
   * Whether the node has waited long enough at a height for blocks that peers say to have. Whoever
   * says so may lie, again and again and under ever new names: the chain has to go on.
   */
  hasWaited(ownHeight: bigint, nowMs: number): boolean {
    return this.#waiting?.height === ownHeight &&
      nowMs - this.#waiting.sinceMs >= SYNC_IMPATIENCE_MS;
  }

  /** Takes note of a peer's status (16.2, try_update_global). */
  statusSeen(target: SyncTarget, ownHeight: bigint): void {
    const { height } = target.status;
    if (height % this.#limits.forceEpoch === 0n) this.#requests.clear();
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
  plan({ ownHeight, hasCandidates, peers, nowMs }: SyncView): SyncRequest[] {
    const target = this.#target;
    if (target === null || target.status.height <= ownHeight) {
      this.#end();
      return [];
    }
    if (this.#waiting?.height !== ownHeight) {
      this.#waiting = { height: ownHeight, sinceMs: nowMs };
    }
    if (hasCandidates && target.status.height === ownHeight + 1n) return [];
    this.#discardUpTo(ownHeight);
    // what arrives while the buffer is full is dropped: only the next block is worth asking then
    const isFilling = !this.#buffer.hasRoom(SYNC_BUFFER_SIZE_MAX / 2);
    if (isFilling && this.hasNext(ownHeight)) return [];
    const requests: SyncRequest[] = [];
    const overdue = this.#overdue(this.#baseOf(ownHeight) + 1n, nowMs);
    for (const { start, end } of this.#missingRuns(ownHeight, target.status.height, overdue)) {
      const peer = this.#choosePeer(start, { peers, nowMs });
      if (peer === null) continue;
      const { address, height } = peer;
      const request = { address, start, end: end < height ? end : height };
      requests.push(request);
      this.#requests.add(request, nowMs);
      if (isFilling) break;
    }
    return requests;
  }

  /** The requests for the next block once all of them have waited for long. */
  #overdue(next: bigint, nowMs: number): PendingRequest[] {
    const asked = this.#requests.covering(next);
    const isLate = ({ sentMs }: PendingRequest) => nowMs - sentMs >= SYNC_IMPATIENCE_MS;
    return asked.every(isLate) ? asked : [];
  }

  /**
   * The peer with the least to do of those that have a block and were not asked for it; one that is
   * late with an answer is left alone as long as another has the block.
   */
  #choosePeer(
    height: bigint,
    { peers, nowMs }: Pick<SyncView, "peers" | "nowMs">,
  ): SyncPeer | null {
    const able = peers.filter((peer) =>
      peer.height >= height && !this.#requests.hasAsked(peer.address, height)
    );
    const sinceMs = nowMs - SYNC_IMPATIENCE_MS;
    const prompt = able.filter(({ address }) => !this.#requests.isLate(address, sinceMs));
    let best: SyncPeer | null = null;
    let bestCount = this.#limits.requestsMax;
    for (const peer of prompt.length > 0 ? prompt : able) {
      const count = this.#requests.countOf(peer.address);
      if (count >= bestCount) continue;
      best = peer;
      bestCount = count;
    }
    return best;
  }

  /**
   * Runs of blocks that are neither buffered nor asked for, cut into windows, lowest first. Twice
   * what one peer may be asked for: half of it is on its way while the other half is applied.
   */
  *#missingRuns(
    ownHeight: bigint,
    top: bigint,
    overdue: readonly PendingRequest[],
  ): Generator<{ start: bigint; end: bigint }> {
    const reach = ownHeight + 2n * BigInt(this.#limits.interval * this.#limits.requestsMax);
    const last = top < reach ? top : reach;
    let start: bigint | null = null;
    for (let height = this.#baseOf(ownHeight) + 1n; height <= last + 1n; height++) {
      const isMissing = height <= last && !this.#buffer.has(height) &&
        !this.#requests.isPending(height, overdue);
      if (start !== null && (!isMissing || height - start >= BigInt(this.#window))) {
        yield { start, end: height - 1n };
        start = null;
      }
      if (isMissing && start === null) start = height;
    }
  }

  /** The height above which blocks are of use. */
  #baseOf(ownHeight: bigint): bigint {
    return this.#takenUpTo > ownHeight ? this.#takenUpTo : ownHeight;
  }

  #discardUpTo(ownHeight: bigint): void {
    this.#tipQuery.moveTo(ownHeight);
    this.#buffer.dropUpTo(ownHeight);
  }

  /**
   * Takes the answer to a request. Blocks that this peer was not asked for are left out, and those
   * for which there is no room; a peer may answer with fewer blocks than it was asked for.
   *
   * @returns the heights taken, or null when a block is not what it should be
   */
  received(sender: AddressHex, { blocks, size }: SyncAnswer, ownHeight: bigint): bigint[] | null {
    this.#tipQuery.moveTo(ownHeight);
    const [firstBlock] = blocks;
    if (firstBlock !== undefined && this.#tipQuery.received(sender, firstBlock)) return [ownHeight];
    if (firstBlock !== undefined && firstBlock.header === undefined) return null;
    const request = this.#requests.take(sender, firstBlock?.header?.height);
    if (request === null) return [];
    const wanted = new Map<bigint, Block>();
    for (const block of blocks) {
      const height = block.header?.height;
      if (height === undefined) return null;
      if (height < request.start || height > request.end) continue;
      if (height <= this.#baseOf(ownHeight)) continue;
      if (!this.#buffer.has(height)) wanted.set(height, block);
    }
    this.#window = Math.min(this.#limits.interval, 2 * this.#window);
    // the whole message counts, whoever filled it with what was not wanted
    const share = Math.ceil(size / wanted.size);
    for (const [height, block] of wanted) {
      if (height !== ownHeight + 1n && !this.#buffer.hasRoom(share)) wanted.delete(height);
      else this.#buffer.put(height, { sender, block, size: share });
    }
    return [...wanted.keys()];
  }

  /**
   * Takes the next block out of the buffer; the node counts as syncing from then on. None while a
   * peer is asked for its copy of the tip.
   */
  takeNext(ownHeight: bigint): SyncedBlock | null {
    this.#tipQuery.moveTo(ownHeight);
    if (this.#tipQuery.isOpen) return null;
    const synced = this.#buffer.take(ownHeight + 1n);
    if (synced === null) return null;
    this.#isSyncing = true;
    this.#takenUpTo = ownHeight + 1n;
    return synced;
  }

  /** What was taken is applied, put back, or void. */
  endRun(): void {
    this.#takenUpTo = 0n;
  }

  /** Blocks that can be applied one after the other; at most so many. */
  upcoming(ownHeight: bigint, countMax: number): SyncedBlock[] {
    const found: SyncedBlock[] = [];
    for (const synced of this.#buffer.from(ownHeight + 1n)) {
      if (found.length >= countMax) break;
      found.push(synced);
    }
    return found;
  }

  /** Whether the next block waits to be applied. */
  hasNext(ownHeight: bigint): boolean {
    return this.#buffer.has(ownHeight + 1n);
  }

  /** Puts a block back that could not be applied for a reason that lies in this node. */
  putBack(height: bigint, synced: SyncedBlock): void {
    this.#buffer.put(height, synced);
    if (this.#takenUpTo >= height) this.#takenUpTo = height - 1n;
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
    this.#requests.dropPeer(sender);
    this.#buffer.dropSender(sender);
  }

  /** Peers that left a request unanswered for too long; their requests are forgotten. */
  expire(nowMs: number): AddressHex[] {
    const late = this.#requests.expire(nowMs - SYNC_TIMEOUT_MS);
    const silent = this.#tipQuery.expire(nowMs - SYNC_TIMEOUT_MS);
    if (silent !== null) {
      this.forgetPeer(silent);
      late.add(silent);
    }
    if (late.size === 0) return [];
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
    this.#requests.clear();
  }
}
