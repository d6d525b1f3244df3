/** The blocks of a chain as one of its nodes shows them. */

import { toHex } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import type { Controller } from "./chain_net.ts";

/** A block that a node has stored. */
export interface SeenBlock {
  readonly height: bigint;
  /** When the node first told of it, by the system clock. */
  readonly seenMs: number;
  /** When its proposer made it. */
  readonly proposedMs: number;
  /** Hashes of its transactions in hex. */
  readonly hashes: readonly string[];
}

const POLL_INTERVAL_MS = 50;

/** A node tells its height when the block that it is storing is stored. */
const CALL = { deadlineMs: 120_000 } as const;

/** Follows a chain from its next block on, until it is stopped. */
export class BlockFollower {
  readonly blocks: SeenBlock[] = [];
  readonly #controller: Controller;
  #isStopped = false;
  readonly #running: Promise<void>;

  private constructor(controller: Controller, height: bigint) {
    this.#controller = controller;
    this.#running = this.#run(height);
  }

  static async start(controller: Controller): Promise<BlockFollower> {
    const { blockNumber } = await controller.getBlockNumber({ flag: false }, CALL);
    return new BlockFollower(controller, blockNumber);
  }

  /** Resolves when the blocks fulfil a condition; rejects after a time. */
  async waitUntil(
    condition: (blocks: readonly SeenBlock[]) => boolean,
    timeoutMs: number,
  ): Promise<void> {
    const deadlineMs = SYSTEM_CLOCK.monotonicMs() + timeoutMs;
    while (!condition(this.blocks)) {
      if (SYSTEM_CLOCK.monotonicMs() > deadlineMs) {
        const last = this.blocks.at(-1)?.height ?? "none";
        throw new Error(`The chain did not get there in ${timeoutMs} ms; its last block: ${last}`);
      }
      await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
    }
  }

  /** Ends following. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(from: bigint): Promise<void> {
    for (let height = from + 1n; !this.#isStopped;) {
      const { blockNumber } = await this.#controller.getBlockNumber({ flag: false }, CALL);
      const seenMs = SYSTEM_CLOCK.nowMs();
      for (; height <= blockNumber; height++) {
        const { header, body } = await this.#controller.getBlockByNumber(
          { blockNumber: height },
          CALL,
        );
        const hashes = (body?.txHashes ?? []).map(toHex);
        const proposedMs = Number(header?.timestamp ?? 0n);
        this.blocks.push({ height, seenMs, proposedMs, hashes });
      }
      await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
    }
  }
}

/** Times between the blocks, in ms. */
export function blockTimesMs(blocks: readonly SeenBlock[]): number[] {
  return blocks.slice(1).map(({ seenMs }, index) => seenMs - (blocks[index]?.seenMs ?? NaN));
}
