import type { Block } from "../../../proto/gen/blockchain.ts";
import { type Bytes, equalBytes } from "../../../shared/bytes/mod.ts";
import type { Rules } from "../auth/mod.ts";
import { type BlockBody, makeBody, transactionKeys, utxoTransactions } from "../chain/mod.ts";
import { packAhead, packBlock, type PackLimits } from "../pool/mod.ts";
import { applyUtxoTransactions } from "../system_config/mod.ts";
import { type Node, rulesOf } from "./node.ts";

/**
 * Encoded transactions of a block: the proposal travels in one message of at most 16 MiB
 * (network_p2p), together with the proof of its parent.
 */
const BODY_SIZE_MAX = 15 * 1024 * 1024;

interface Prepared {
  /** Hash of the block that it follows. */
  readonly parent: Bytes;
  readonly body: BlockBody;
}

/**
 * Packs the transactions of the next block; under load already while its parent is executed and
 * stored, since nothing in a body depends on what that gives.
 */
export class NextBody {
  readonly #node: Node;
  #prepared: Prepared | null = null;

  constructor(node: Node) {
    this.#node = node;
  }

  /** Prepares the body of the block after one that is decided and not stored yet. */
  async prepare(block: Block, parent: Bytes): Promise<void> {
    const { chain, pool, hash, env } = this.#node;
    // the executor gets the block first
    await env.clock.sleep(0, env.signal);
    if (!chain.isOnTip(block)) return;
    const packed = packAhead(pool, rulesAfter(this.#node, block), this.#limits);
    this.#prepared = packed === null ? null : { parent, body: makeBody(hash, packed) };
  }

  /** The body of the block after the tip: the prepared one, unless it follows another block. */
  take(): BlockBody {
    const { chain, pool, hash } = this.#node;
    if (this.#prepared !== null && equalBytes(this.#prepared.parent, chain.tip.hash)) {
      return this.#prepared.body;
    }
    this.#prepared = null;
    return makeBody(hash, packBlock(pool, rulesOf(this.#node), this.#limits));
  }

  get #limits(): PackLimits {
    const { packageLimit: countMax, quotaLimit: quotaMax } = this.#node.settings;
    return { countMax, sizeMax: BODY_SIZE_MAX, quotaMax };
  }
}

/** What transactions will be judged by once the block is the tip. */
function rulesAfter({ systemConfig, history }: Node, block: Block): Rules {
  const contained = new Set(transactionKeys(block));
  return {
    config: applyUtxoTransactions(systemConfig, utxoTransactions(block)).config,
    height: block.header?.height ?? 0n,
    history: { has: (key) => contained.has(key) || history.has(key) },
  };
}
