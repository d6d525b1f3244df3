import { Block, type UtxoTransaction } from "../../../proto/gen/blockchain.ts";
import { hashBlockHeader } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes } from "../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { utxoTransactions } from "../chain/mod.ts";
import type { WalPort } from "../ports.ts";
import { ChainDataError, MEND_EXECUTOR } from "./chain_data.ts";
import { finalise } from "./finalise.ts";
import type { Node } from "./node.ts";
import { type RetryOptions, untilReady } from "./retry.ts";

/** The blocks of the write-ahead log: those that were being stored when the process ended. */
export class LoggedBlocks {
  readonly #blocks: readonly Block[];

  private constructor(blocks: readonly Block[]) {
    this.#blocks = blocks;
  }

  static async load(wal: WalPort, log: Logger): Promise<LoggedBlocks> {
    const blocks: Block[] = [];
    for (const encoded of await wal.load()) {
      const block = tryDecode(Block, encoded);
      if (block?.header === undefined) log.warn("wal: a record is no block, left out");
      else blocks.push(block);
    }
    return new LoggedBlocks(blocks);
  }

  /**
   * A change of the system configuration in a logged block; null when there is none of that hash.
   * The reference notes a change before it stores the block, so storage may name one that it lacks.
   */
  findChange(txHash: Bytes): UtxoTransaction | null {
    const found = this.#blocks.flatMap(utxoTransactions)
      .find(({ transactionHash }) => equalBytes(transactionHash, txHash));
    return found?.transaction ?? null;
  }

  /**
   * Finishes the block after the tip if it was logged (spec/controller.md, 18), and clears the log.
   * The block had been decided, so nothing is checked again but that it follows the tip. A block
   * further on says that the storage was rolled back or restored: it comes again from the peers.
   *
   * @throws {ChainDataError} when the executor has executed another block of that height
   */
  async redo(node: Node, retry: RetryOptions): Promise<void> {
    const { ports, log } = node.env;
    for (const block of this.#blocks) {
      const { header } = block;
      if (header === undefined) continue;
      const { height } = node.chain.tip;
      if (header.height <= height) {
        log.info("wal exists, but doesn't need to be redone");
      } else if (header.height > height + 1n || !node.chain.isOnTip(block)) {
        log.warn(
          `wal: block ${header.height} does not follow the stored block ${height} (the storage ` +
            "was rolled back, restored or replaced), left out",
        );
      } else {
        await redoBlock(node, retry, { block, hash: hashBlockHeader(node.hash, header) });
        log.info(`wal redo status_height: ${header.height}`);
      }
    }
    await ports.wal.clear();
  }
}

/** The record stays for as long as a neighbour is away or the disk is full. */
async function redoBlock(
  node: Node,
  retry: RetryOptions,
  decided: { readonly block: Block; readonly hash: Bytes },
): Promise<void> {
  await untilReady(async () => {
    const code = await finalise(node, { ...decided, source: "log" });
    if (code === StatusCode.Success) return true;
    if (code === StatusCode.ReenterInvalidBlock) {
      throw new ChainDataError(
        `Cannot finish block ${decided.block.header?.height} of the write-ahead log: the executor ` +
          "refuses it",
        MEND_EXECUTOR,
      );
    }
    node.env.log.warn(`wal process_block error ${statusName(code)}`);
    return null;
  }, retry);
}
