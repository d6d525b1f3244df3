import { type RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { estimateSize } from "../pool/mod.ts";
import { splitBySize } from "../split_by_size.ts";
import { Lock } from "./lock.ts";
import type { Node } from "./node.ts";

/** Written and synced together, unless one caller has more: encoding it takes some 20 ms. */
export const WRITE_SPLIT = { sizeOf: estimateSize, sizeMax: 256 * 1024 };

/** The journal may have twice the size of the pool, and that many bytes. */
const SPARE_SIZE = 8 * 1024 * 1024;

/** Transactions that wait for their turn. */
interface Job {
  readonly raws: readonly RawTransaction[];
  readonly finish: (isOnDisk: boolean) => void;
}

/**
 * Lets transactions into the pool once they are on disk, if the operator wants that: what the pool
 * holds is in the journal. Those that come while others are being written are written together.
 */
export class PoolJournal {
  readonly #node: Node;
  /** One write at a time: whenever it is free, what is on disk and not refused is in the pool. */
  readonly #lock = new Lock();
  readonly #waiting: Job[] = [];
  #isFailing = false;

  constructor(node: Node) {
    this.#node = node;
  }

  /**
   * Writes transactions to disk and then adds them to the pool.
   *
   * @param add called right after the write, at once when there is no journal
   * @returns what `add` gave; null, and it was not called, when they could not be written
   */
  async write<Outcome>(
    raws: readonly RawTransaction[],
    add: () => Outcome,
  ): Promise<Outcome | null> {
    if (this.#node.env.ports.journal === null || raws.length === 0) return add();
    const { promise, resolve } = Promise.withResolvers<Outcome | null>();
    this.#waiting.push({ raws, finish: (isOnDisk) => resolve(isOnDisk ? add() : null) });
    if (this.#waiting.length === 1) this.#flushSoon();
    return await promise;
  }

  #flushSoon(): void {
    void this.#lock.run(() => this.#flush());
  }

  async #flush(): Promise<void> {
    const group = this.#takeGroup();
    if (this.#waiting.length > 0) this.#flushSoon();
    const raws = group.flatMap((job) => job.raws);
    const isOnDisk = await this.#append(
      raws.map((raw) => encode(RawTransactions, { body: [raw] })),
    );
    for (const { finish } of group) finish(isOnDisk);
  }

  /** At least one job, however large. */
  #takeGroup(): Job[] {
    const sizeOf = ({ raws }: Job) => raws.reduce((sum, raw) => sum + WRITE_SPLIT.sizeOf(raw), 0);
    const [group = []] = splitBySize(this.#waiting, { ...WRITE_SPLIT, sizeOf });
    this.#waiting.splice(0, group.length);
    return group;
  }

  async #append(records: readonly Bytes[]): Promise<boolean> {
    const { ports, log } = this.#node.env;
    try {
      await ports.journal?.append(records);
    } catch (cause) {
      if (!this.#isFailing) {
        log.error("cannot write the journal: no transaction is taken until it can be written", {
          cause,
        });
      }
      this.#isFailing = true;
      return false;
    }
    if (this.#isFailing) log.info("the journal can be written again");
    this.#isFailing = false;
    return true;
  }

  /** Drops the records of transactions that have left the pool, once they are many. */
  async tidy(): Promise<void> {
    const { env: { ports: { journal } }, pool } = this.#node;
    if (journal !== null && journal.size > 2 * pool.size + SPARE_SIZE) await this.shrink();
  }

  /** Drops the records of transactions that are not in the pool. Transactions are taken meanwhile. */
  async shrink(): Promise<void> {
    const { env: { ports: { journal }, log }, pool } = this.#node;
    if (journal === null) return;
    try {
      const { done } = await this.#lock.run(() => {
        const records = Array.from(pool.values(), ({ encoded }) => encoded);
        return Promise.resolve({ done: journal.replace(records) });
      });
      await done;
    } catch (cause) {
      log.warn("cannot shrink the journal", { cause });
    }
  }
}
