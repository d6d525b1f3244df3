import { RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import type { Timer } from "../../../shared/clock/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import { estimateSize } from "../pool/mod.ts";
import type { Gossip } from "./gossip.ts";
import type { Node } from "./node.ts";

/** Transactions that come within that time travel together. */
const COLLECT_MS = 20;

/** Size of a message to peers: far below the limit of every network flavour. */
const MESSAGE_SIZE_MAX = 4 * 1024 * 1024;

/** Tells the known peers of the transactions that users send to this node. */
export class Forwarder {
  readonly #node: Node;
  readonly #gossip: Gossip;
  #waiting: RawTransaction[] = [];
  #timer: Timer | null = null;

  constructor(node: Node, gossip: Gossip) {
    this.#node = node;
    this.#gossip = gossip;
  }

  /** Forwards a transaction together with others that come soon. */
  forward(raw: RawTransaction): void {
    if (!this.#node.settings.enableForward) return;
    this.#waiting.push(raw);
    this.#timer ??= this.#node.env.clock.setTimer(COLLECT_MS, () => this.#flush());
  }

  /** Forwards a batch at once. */
  forwardAll(raws: readonly RawTransaction[]): void {
    if (this.#node.settings.enableForward) this.#send(raws, true);
  }

  /** Drops what waits. */
  stop(): void {
    this.#timer?.cancel();
    this.#waiting = [];
  }

  #flush(): void {
    const raws = this.#waiting;
    this.#waiting = [];
    this.#timer = null;
    this.#send(raws, false);
  }

  #send(raws: readonly RawTransaction[], isBatch: boolean): void {
    const [only, second] = raws;
    if (!isBatch && only !== undefined && second === undefined) {
      this.#gossip.multicast(MessageType.SendTx, encode(RawTransaction, only));
      return;
    }
    for (const body of splitBySize(raws)) {
      this.#gossip.multicast(MessageType.SendTxs, encode(RawTransactions, { body }));
    }
  }
}

/** Groups of transactions, in order, whose encodings fit into a message; at least one in each. */
function* splitBySize(raws: readonly RawTransaction[]): Generator<RawTransaction[]> {
  let group: RawTransaction[] = [];
  let size = 0;
  for (const raw of raws) {
    const more = estimateSize(raw);
    if (group.length > 0 && size + more > MESSAGE_SIZE_MAX) {
      yield group;
      group = [];
      size = 0;
    }
    group.push(raw);
    size += more;
  }
  if (group.length > 0) yield group;
}
