import type { Block } from "../../../proto/gen/blockchain.ts";
import type { AddressHex } from "../node_manager/mod.ts";

/** A block that waits to be applied. */
export interface SyncedBlock {
  readonly sender: AddressHex;
  readonly block: Block;
  /** Bytes that it counts with. */
  readonly size: number;
}

/** Blocks by height that wait to be applied, bounded by their size. */
export class BlockBuffer {
  readonly #blocks = new Map<bigint, SyncedBlock>();
  readonly #sizeMax: number;
  #size = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get count(): number {
    return this.#blocks.size;
  }

  has(height: bigint): boolean {
    return this.#blocks.has(height);
  }

  /** Whether so many bytes more stay within the bound. */
  hasRoom(size: number): boolean {
    return this.#size + size <= this.#sizeMax;
  }

  put(height: bigint, synced: SyncedBlock): void {
    this.take(height);
    this.#blocks.set(height, synced);
    this.#size += synced.size;
  }

  /** Removes a block; null when it is not there. */
  take(height: bigint): SyncedBlock | null {
    const synced = this.#blocks.get(height);
    if (synced === undefined) return null;
    this.#blocks.delete(height);
    this.#size -= synced.size;
    return synced;
  }

  /** The blocks from a height on without a gap. */
  *from(height: bigint): Generator<SyncedBlock> {
    for (let next = height;; next++) {
      const synced = this.#blocks.get(next);
      if (synced === undefined) return;
      yield synced;
    }
  }

  dropUpTo(height: bigint): void {
    this.#drop((at) => at <= height);
  }

  dropSender(sender: AddressHex): void {
    this.#drop((_, synced) => synced.sender === sender);
  }

  clear(): void {
    this.#drop(() => true);
  }

  #drop(isUnwanted: (height: bigint, synced: SyncedBlock) => boolean): void {
    for (const [height, synced] of this.#blocks) if (isUnwanted(height, synced)) this.take(height);
  }
}
