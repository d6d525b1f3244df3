import { RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import type { Timer } from "../../../shared/clock/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import { estimateSize, transactionKey } from "../pool/mod.ts";
import { splitBySize } from "../split_by_size.ts";
import type { Gossip } from "./gossip.ts";
import type { Node } from "./node.ts";

/** Size of a message to peers: far below the limit of every network flavour. */
const MESSAGE_SPLIT = { sizeOf: estimateSize, sizeMax: 4 * 1024 * 1024 };

/** Between attempts to find a peer for what no peer has heard of. */
const RETRY_MS = 500;

/** Blocks without a transaction after which its message counts as lost on the way. */
const REMIND_BLOCKS = 10n;

/** So many that left the pool are among them before they are dropped. */
const LEFT_MAX = 10_000;

/**
 * Tells the known peers of the transactions that users send to this node. A node that was just
 * started knows none: what nobody has heard of is told later, as long as it waits for a block. What
 * still waits when many blocks have come since is told again: a node that does not validate has no
 * other way to get it into a block.
 */
export class Forwarder {
  readonly #node: Node;
  readonly #gossip: Gossip;
  #waiting: RawTransaction[] = [];
  /** Own height when peers were told of a transaction, by its hash, oldest first. */
  readonly #toldAt = new Map<string, bigint>();
  /** Hashes in hex of pooled transactions that no peer has heard of, and of some that left. */
  readonly #unheard = new Set<string>();
  #timer: Timer | null = null;
  #retryTimer: Timer | null = null;
  #isStopped = false;

  constructor(node: Node, gossip: Gossip) {
    this.#node = node;
    this.#gossip = gossip;
  }

  /** Forwards a transaction together with others that come soon. */
  forward(raw: RawTransaction): void {
    const { enableForward, forwardCountMax, forwardDelayMs } = this.#node.settings;
    if (!enableForward) return;
    this.#node.activity.transactionsForwarded(1);
    this.#waiting.push(raw);
    this.#timer ??= this.#node.env.clock.setTimer(forwardDelayMs, () => this.#flush());
    if (this.#waiting.length >= forwardCountMax) this.#flush();
  }

  /** Forwards a batch at once. */
  forwardAll(raws: readonly RawTransaction[]): void {
    if (!this.#node.settings.enableForward) return;
    this.#node.activity.transactionsForwarded(raws.length);
    void this.#send(raws, true);
  }

  /**
   * Transactions that users or peers sent before a restart: most have been told, so that peers hear
   * of those only that no block takes.
   */
  watch(raws: readonly RawTransaction[]): void {
    if (!this.#node.settings.enableForward) return;
    for (const raw of raws) this.#remember(raw);
  }

  /** Tells again, in one message, of what should have been in a block by now; called now and then. */
  remind(): void {
    const { chain, pool, settings } = this.#node;
    const forgotten: RawTransaction[] = [];
    for (const [hash, height] of this.#toldAt) {
      if (height + REMIND_BLOCKS > chain.tip.height) break;
      if (forgotten.length === settings.forwardCountMax) break;
      this.#toldAt.delete(hash);
      const pooled = pool.get(hash);
      if (pooled !== undefined) forgotten.push(pooled.raw);
    }
    if (forgotten.length > 0) void this.#send(forgotten, true);
  }

  /** Drops what waits. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#retryTimer?.cancel();
    this.#waiting = [];
    this.#unheard.clear();
  }

  #flush(): void {
    this.#timer?.cancel();
    const raws = this.#waiting;
    this.#waiting = [];
    this.#timer = null;
    void this.#send(raws, false);
  }

  async #send(raws: readonly RawTransaction[], isBatch: boolean): Promise<void> {
    if (!this.#gossip.hasPeers) return this.#keep(raws);
    for (const raw of raws) this.#remember(raw);
    const [only, second] = raws;
    if (!isBatch && only !== undefined && second === undefined) {
      const isSent = await this.#gossip.multicast(
        MessageType.SendTx,
        encode(RawTransaction, only),
      );
      if (!isSent) this.#keep(raws);
      return;
    }
    for (const body of splitBySize(raws, MESSAGE_SPLIT)) {
      const payload = encode(RawTransactions, { body });
      this.#gossip.multicast(MessageType.SendTxs, payload).then((isSent) => {
        if (!isSent) this.#keep(body);
      });
    }
  }

  #remember(raw: RawTransaction): void {
    const key = transactionKey(raw);
    this.#toldAt.delete(key); // so that the newest is the last
    this.#toldAt.set(key, this.#node.chain.tip.height);
  }

  #keep(raws: readonly RawTransaction[]): void {
    if (this.#isStopped) return;
    const { pool, env } = this.#node;
    for (const raw of raws) this.#unheard.add(transactionKey(raw));
    if (this.#unheard.size > pool.count + LEFT_MAX) {
      for (const key of this.#unheard) if (pool.get(key) === undefined) this.#unheard.delete(key);
    }
    this.#retryTimer ??= env.clock.setTimer(RETRY_MS, () => this.#retry());
  }

  #retry(): void {
    this.#retryTimer = null;
    if (!this.#gossip.hasPeers) return this.#keep([]);
    const pooled: RawTransaction[] = [];
    for (const key of this.#unheard) {
      const raw = this.#node.pool.get(key)?.raw;
      if (raw !== undefined) pooled.push(raw);
    }
    this.#unheard.clear();
    if (pooled.length > 0) void this.#send(pooled, true);
  }
}
