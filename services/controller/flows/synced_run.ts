import { Block } from "../../../proto/gen/blockchain.ts";
import { hashBlockHeader } from "../../../shared/block/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Rules } from "../auth/mod.ts";
import {
  changeRecords,
  contentRecords,
  type StoreRecord,
  type Tip,
  tipRecords,
  transactionKeys,
  utxoTransactions,
} from "../chain/mod.ts";
import type { SyncedBlock } from "../sync/mod.ts";
import { type AppliedChange, applyUtxoTransactions } from "../system_config/mod.ts";
import { execute, moveTip } from "./finalise.ts";
import { type Node, rulesOfDecided } from "./node.ts";

/** Blocks of a run at most: queries see the tip move that far at once. */
const RUN_COUNT_MAX = 32;

/** Their encoded bytes, which are in memory until the run ends. */
const RUN_SIZE_MAX = 16 * 1024 * 1024;

/** The lock is held for about that long at most. */
const RUN_MS_MAX = 250;

interface ExecutedBlock {
  readonly synced: SyncedBlock;
  readonly tip: Tip;
  readonly keys: readonly string[];
}

/**
 * Blocks of peers that follow each other: one is executed while those before it are being stored,
 * and the height is stored once for all of them. Nothing else of the node changes until then. A
 * crash in between leaves blocks above the stored height, in the storage and in the executor: they
 * are fetched again, the executor answers 502 then. The lock must be held for the whole run.
 */
export class SyncedRun {
  readonly #node: Node;
  readonly #startMs: number;
  readonly #blocks: ExecutedBlock[] = [];
  readonly #stores: Promise<StatusCode>[] = [];
  readonly #keys = new Set<string>();
  #changes: readonly AppliedChange[] = [];
  #size = 0;
  #tip: Tip;

  constructor(node: Node) {
    this.#node = node;
    this.#startMs = node.env.clock.monotonicMs();
    this.#tip = node.chain.tip;
  }

  /** The last block of the run; the node's tip before the first. */
  get tip(): Tip {
    return this.#tip;
  }

  /** What the transactions of the next block are judged by. */
  get rules(): Rules {
    const { history, ...rules } = rulesOfDecided(this.#node, this.#tip.height);
    const has = (key: string) => this.#keys.has(key) || history.has(key);
    return { ...rules, history: { has } };
  }

  /** Whether another block may be added: one that changes the configuration is the last. */
  get isOpen(): boolean {
    const elapsedMs = this.#node.env.clock.monotonicMs() - this.#startMs;
    return this.#blocks.length < RUN_COUNT_MAX && this.#size < RUN_SIZE_MAX &&
      this.#changes.length === 0 && elapsedMs < RUN_MS_MAX;
  }

  /** Executes a block that was found to be the next one, and begins to store it. */
  async add(synced: SyncedBlock): Promise<StatusCode> {
    const node = this.#node;
    const { block } = synced;
    if (block.header === undefined) return StatusCode.NoneBlockHeader;
    const keys = transactionKeys(block);
    if (keys === null) return StatusCode.NoTransaction;
    const { height } = block.header;
    const encoded = encode(Block, block);
    const { code, stateRoot } = await execute(node, { height, encoded });
    if (code !== StatusCode.Success && code !== StatusCode.ReenterBlock) return code;
    const hash = hashBlockHeader(node.hash, block.header);
    this.#tip = {
      height,
      hash,
      timestampMs: block.header.timestamp,
      stateRoot,
      proof: block.proof,
    };
    this.#blocks.push({ synced, tip: this.#tip, keys });
    for (const key of keys) this.#keys.add(key);
    this.#size += encoded.length;
    this.#changes = applyUtxoTransactions(node.systemConfig, utxoTransactions(block)).applied;
    this.#stores.push(this.#store(contentRecords({ height, encoded, stateRoot })));
    return StatusCode.Success;
  }

  async #store(records: readonly StoreRecord[]): Promise<StatusCode> {
    const { storage } = this.#node.env.ports;
    const codes = await Promise.all(records.map((record) => storage.store(record)));
    return firstFailure(codes);
  }

  /**
   * Ends the run: everything is on disk, and the tip is its last block. After a failure nothing has
   * moved; its blocks are to be applied again.
   */
  async commit(): Promise<StatusCode> {
    const node = this.#node;
    const stored = firstFailure(await Promise.all(this.#stores));
    if (stored !== StatusCode.Success || this.#blocks.length === 0) return stored;
    // what changes comes after the block that says so, the height after everything
    const [hash, height] = tipRecords(this.#tip);
    for (const group of [changeRecords(this.#changes), [hash], [height]]) {
      const code = await this.#store(group);
      if (code !== StatusCode.Success) return code;
    }
    for (const { synced: { block }, tip, keys } of this.#blocks) {
      const { config } = applyUtxoTransactions(node.systemConfig, utxoTransactions(block));
      moveTip(node, { tip, keys, config });
    }
    return StatusCode.Success;
  }

  /** The blocks that were added, for another try. */
  get blocks(): readonly (readonly [height: bigint, synced: SyncedBlock])[] {
    return this.#blocks.map(({ synced, tip }) => [tip.height, synced] as const);
  }
}

function firstFailure(codes: readonly StatusCode[]): StatusCode {
  return codes.find((code) => code !== StatusCode.Success) ?? StatusCode.Success;
}
