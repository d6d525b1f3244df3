import { type SyncBlockRequest, SyncBlockRespond } from "../../../proto/gen/sync.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { type Bytes, u64be } from "../../../shared/bytes/mod.ts";
import { Block } from "../../../proto/gen/blockchain.ts";
import { encode, tryDecode } from "../../../shared/codec/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import type { Gossip } from "./gossip.ts";
import type { Node } from "./node.ts";

/** Requests of a peer that may wait; more are dropped, it asks again. The reference has 5. */
const PEER_QUEUE_MAX = 16;

/** Peers whose requests may wait. */
const PEERS_MAX = 256;

/** Blocks that a peer may ask for at once; the reference asks for 10. */
const RANGE_COUNT_MAX = 500n;

/**
 * Blocks of an answer: beyond that size it ends early, which a requester takes as a part. The
 * default limit of network_p2p is 16 MiB per message and 24 MiB waiting per session, and the
 * reference has five requests in flight.
 */
const ANSWER_SIZE_MAX = 4 * 1024 * 1024;

/**
 * Answers peers that ask for blocks, one request after the other. Peers take turns, so that one that
 * asks for much keeps nobody else waiting.
 */
export class BlockServer {
  readonly #node: Node;
  readonly #gossip: Gossip;
  /** By session; whose turn it is comes first. */
  readonly #queues = new Map<bigint, SyncBlockRequest[]>();
  #isRunning = false;

  constructor(node: Node, gossip: Gossip) {
    this.#node = node;
    this.#gossip = gossip;
  }

  /** Answers in the background. */
  answer(request: SyncBlockRequest, origin: bigint): void {
    const queue = this.#queues.get(origin) ?? [];
    const isKnown = queue.length > 0;
    if (queue.length >= PEER_QUEUE_MAX || !isKnown && this.#queues.size >= PEERS_MAX) {
      this.#node.env.log.warn("too many sync_block requests wait: one is dropped");
      return;
    }
    queue.push(request);
    this.#queues.set(origin, queue);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run().finally(() => this.#isRunning = false);
  }

  /** An answer is handed over before the next one is made: one at a time is in memory. */
  async #run(): Promise<void> {
    for (let next = this.#takeNext(); next !== null; next = this.#takeNext()) {
      const { request: { startHeight, endHeight }, origin } = next;
      const respond = await this.#collect(startHeight, endHeight);
      const payload = encode(SyncBlockRespond, { respond });
      await this.#gossip.unicast(origin, MessageType.SyncBlockRespond, payload);
      if (respond?.$case === "ok") {
        this.#node.env.log.info(`send sync_block_res: ${startHeight}-${endHeight}`);
      }
    }
  }

  /** The oldest request of the peer whose turn it is; the peer goes to the end. */
  #takeNext(): { readonly request: SyncBlockRequest; readonly origin: bigint } | null {
    const [turn] = this.#queues;
    if (turn === undefined) return null;
    const [origin, queue] = turn;
    const request = queue.shift();
    this.#queues.delete(origin);
    if (request === undefined) return null;
    if (queue.length > 0) this.#queues.set(origin, queue);
    return { request, origin };
  }

  async #collect(start: bigint, end: bigint): Promise<SyncBlockRespond["respond"]> {
    const address = { address: this.#node.settings.nodeAddress };
    const syncBlocks: Block[] = [];
    let size = 0;
    // the end just below the start asks for nothing, which the reference grants
    const isAbsurd = end + 1n < start || end - start >= RANGE_COUNT_MAX;
    for (let height = start; !isAbsurd && height <= end; height++) {
      const encoded = await this.#load(height);
      if (encoded === null) return this.#missing(height, address);
      const block = tryDecode(Block, encoded);
      if (block === null) return this.#missing(height, address);
      size += encoded.length;
      if (syncBlocks.length > 0 && size > ANSWER_SIZE_MAX) break;
      syncBlocks.push(block);
    }
    if (isAbsurd) return this.#missing(start, address);
    return { $case: "ok", value: { address, syncBlocks } };
  }

  async #load(height: bigint): Promise<Bytes | null> {
    if (height > this.#node.chain.tip.height) return null;
    const { storage } = this.#node.env.ports;
    const { code, value } = await storage.load(Regions.FULL_BLOCK, u64be(height));
    return code === StatusCode.Success ? value : null;
  }

  #missing(height: bigint, address: { readonly address: Bytes }): SyncBlockRespond["respond"] {
    this.#node.env.log.warn(`handle sync_block error: not get block(h: ${height})`);
    return { $case: "missBlock", value: address };
  }
}
