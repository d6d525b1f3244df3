/** How much may wait. */
export interface PoolLimits {
  readonly countMax: number;
  /** Encoded bytes, estimated from above. */
  readonly sizeMax: number;
}

/** What is taken of the room. */
interface Usage {
  count: number;
  size: number;
}

/**
 * So many times what is free must exceed what a sender holds or, once that is more than its share,
 * all of the room: a lone sender gets 7/8 of it, and whoever comes next finds some free.
 */
const FREE_FACTOR = 8;

/** The room for waiting transactions, by count and by bytes, shared between their senders. */
export class Room {
  readonly #limits: PoolLimits;
  readonly #used: Usage = { count: 0, size: 0 };
  readonly #bySender = new Map<string, Usage>();

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /**
   * Whether a sender may take that many bytes for one more transaction. Its share is the room
   * divided by one more than there are senders, by count and by bytes.
   */
  isFree(sender: string, size: number): boolean {
    const { countMax, sizeMax } = this.#limits;
    const { count, size: used } = this.#used;
    if (count >= countMax || used + size > sizeMax) return false;
    const own = this.#bySender.get(sender);
    if (own === undefined) return true;
    const parts = this.#bySender.size + 1;
    return hasMore({ own: own.count, used: count, all: countMax, parts }) &&
      hasMore({ own: own.size, used, all: sizeMax, parts });
  }

  /** Takes room for one transaction, whether it is free or not. */
  take(sender: string, size: number): void {
    const own = this.#bySender.get(sender) ?? { count: 0, size: 0 };
    this.#bySender.set(sender, own);
    for (const usage of [own, this.#used]) {
      usage.count++;
      usage.size += size;
    }
  }

  /** Gives back what was taken for one transaction. */
  release(sender: string, size: number): void {
    const own = this.#bySender.get(sender);
    if (own === undefined) return;
    for (const usage of [own, this.#used]) {
      usage.count--;
      usage.size -= size;
    }
    if (own.count === 0) this.#bySender.delete(sender);
  }
}

function hasMore(
  { own, used, all, parts }: Readonly<Record<"own" | "used" | "all" | "parts", number>>,
): boolean {
  return FREE_FACTOR * (all - used) > (own * parts < all ? own : all);
}
