/** What unfinished messages of all connections may take, besides the shares. */
export const UNFINISHED_SIZE_MAX = 1024 * 1024 * 1024;

/** No connection has more than this for itself. */
const SHARE_SIZE_MAX = 16 * 1024 * 1024;

/** Streams of a connection that may wait; what they leave unread must not stop the others. */
const WAITING_MAX = 2;

/** Memory for the unfinished large frames of all connections, and how much each has for itself. */
export class MemoryBudget {
  #used = 0;
  #sharerCount = 0;

  constructor(readonly sizeMax: number) {}

  /** Reserves bytes; false when there are not as many left. */
  take(size: number): boolean {
    if (this.#used + size > this.sizeMax) return false;
    this.#used += size;
    return true;
  }

  /** Gives reserved bytes back. */
  release(size: number): void {
    this.#used -= size;
  }

  /** Bytes that are reserved. */
  get used(): number {
    return this.#used;
  }

  /** Counts the connections that use a share. */
  addSharers(count: 1 | -1): void {
    this.#sharerCount += count;
  }

  /**
   * What a connection has for itself besides, whatever others take. It shrinks when very many use
   * theirs, since strangers may open as many connections as they like with `network_p2p`.
   */
  shareOf(isSharer: boolean): number {
    const count = this.#sharerCount + (isSharer ? 0 : 1);
    return Math.min(SHARE_SIZE_MAX, Math.floor(this.sizeMax / count));
  }
}

/** How a request for memory ended; "busy" is over when another frame of the connection is. */
export type Grant = "granted" | "busy" | "full";

/**
 * Memory for the unfinished frames of one connection, over all of its streams: a share that nobody
 * takes from it, and the common budget for one frame at a time that is too large for the share. So
 * no neighbour takes all of the budget. Owners are whoever reads a frame.
 */
export class ConnectionMemory {
  readonly #budget: MemoryBudget;
  /** What each has of the share. */
  readonly #owned = new Map<object, number>();
  #shareUsed = 0;
  #large: { readonly owner: object; readonly size: number } | null = null;
  readonly #waiters = new Set<() => void>();

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Bytes that are reserved. */
  get used(): number {
    return this.#shareUsed + (this.#large?.size ?? 0);
  }

  /** Changes what an owner has to so many bytes, which are more than before. */
  grow(owner: object, size: number): Grant {
    const isLarge = this.#large?.owner === owner;
    if (!isLarge && this.#growInShare(owner, size)) return "granted";
    if (!isLarge && this.#large !== null) return "busy";
    if (!this.#budget.take(size - (this.#large?.size ?? 0))) return "full";
    this.#large = { owner, size };
    this.#setOwned(owner, 0);
    return "granted";
  }

  /** Takes back all that an owner has. */
  release(owner: object): void {
    this.#setOwned(owner, 0);
    if (this.#large?.owner === owner) {
      this.#budget.release(this.#large.size);
      this.#large = null;
    }
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  }

  /** Resolves when it is worth to ask again after "busy"; null when too many wait already. */
  whenLess(): Promise<void> | null {
    if (this.#waiters.size >= WAITING_MAX) return null;
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  #growInShare(owner: object, size: number): boolean {
    const used = this.#shareUsed + size - (this.#owned.get(owner) ?? 0);
    if (used > this.#budget.shareOf(this.#shareUsed > 0)) return false;
    this.#setOwned(owner, size);
    return true;
  }

  #setOwned(owner: object, size: number): void {
    const wasSharer = this.#shareUsed > 0;
    this.#shareUsed += size - (this.#owned.get(owner) ?? 0);
    if (size > 0) this.#owned.set(owner, size);
    else this.#owned.delete(owner);
    const isSharer = this.#shareUsed > 0;
    if (isSharer !== wasSharer) this.#budget.addSharers(isSharer ? 1 : -1);
  }
}
