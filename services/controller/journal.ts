import { basename, dirname, join } from "node:path";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import {
  LogFolder,
  RECORD_HEADER_SIZE,
  salvageRecords,
  type WalRecord,
} from "../../shared/wal/mod.ts";
import type { JournalPort } from "./ports.ts";
import { splitBySize } from "./split_by_size.ts";

/** Type of the records: none that a write-ahead log has. */
const TRANSACTION = 16;

/** A segment of that size gets no more records: one is read at once, which takes some 30 ms. */
const SEGMENT_SIZE_MAX = 1024 * 1024;

/** Records that replace others are written in chunks, so that no call waits for long meanwhile. */
const CHUNK_SIZE_MAX = 256 * 1024;

const SEGMENT_CHUNKS_MAX = SEGMENT_SIZE_MAX / CHUNK_SIZE_MAX;

/** The folder of the journal that belongs to a write-ahead log: who has that one has both. */
export function journalPath(walPath: string): string {
  return join(dirname(walPath), `${basename(walPath)}_txs`);
}

/**
 * The journal of the pool in files. It consists of segments, which are logs whose numbers take the
 * place of heights. Every process begins a new one, so that nothing comes behind a torn record.
 */
export async function openJournal(path: string, log: Logger): Promise<JournalPort> {
  const folder = await LogFolder.open(path, { isSecret: true });
  const sizes = new Map<bigint, number>();
  for (const segment of await folder.heights()) sizes.set(segment, await folder.sizeOf(segment));
  return new SegmentedJournal(folder, sizes, log);
}

class SegmentedJournal implements JournalPort {
  readonly #folder: LogFolder;
  readonly #log: Logger;
  /** Segments by number, with their sizes in bytes. */
  readonly #sizes: Map<bigint, number>;
  /** Those that the process found, oldest first. */
  readonly #found: readonly bigint[];
  /** Number of the segment that grows. */
  #active: bigint;

  constructor(folder: LogFolder, sizes: Map<bigint, number>, log: Logger) {
    this.#folder = folder;
    this.#log = log;
    this.#sizes = sizes;
    this.#found = [...sizes.keys()];
    this.#active = (this.#found.at(-1) ?? 0n) + 1n;
  }

  get size(): number {
    return this.#sizes.values().reduce((sum, size) => sum + size, 0);
  }

  async append(records: readonly Bytes[]): Promise<void> {
    if ((this.#sizes.get(this.#active) ?? 0) >= SEGMENT_SIZE_MAX) this.#active++;
    await this.#appendTo(this.#active, records);
  }

  async #appendTo(segment: bigint, bodies: readonly Bytes[]): Promise<void> {
    const records = bodies.map((body): WalRecord => ({ type: TRANSACTION, body }));
    await this.#folder.append(segment, records);
    this.#sizes.set(segment, (this.#sizes.get(segment) ?? 0) + sizeOf(bodies));
  }

  async *load(): AsyncIterable<readonly Bytes[]> {
    for (const segment of this.#found) {
      const bytes = await this.#folder.read(segment);
      const { records } = salvageRecords(bytes, (type) => type === TRANSACTION);
      const bodies = records.map(({ body }) => body);
      const lostSize = bytes.length - sizeOf(bodies);
      if (lostSize > 0) {
        this.#log.warn(
          `journal: ${lostSize} bytes of ${this.#folder.path}/${segment}.log were torn by a crash ` +
            "or are damaged, left out",
        );
      }
      yield bodies;
    }
  }

  async replace(records: readonly Bytes[]): Promise<void> {
    const replaced = [...this.#sizes.keys()];
    const chunks = [...splitBySize(records, { sizeOf: sizeOfRecord, sizeMax: CHUNK_SIZE_MAX })];
    const first = this.#active + 1n;
    const segmentOf = (chunk: number) => first + BigInt(Math.floor(chunk / SEGMENT_CHUNKS_MAX));
    // numbers below that of the segment which grows meanwhile, however many are needed
    this.#active = segmentOf(chunks.length) + 1n;
    try {
      for (const [index, chunk] of chunks.entries()) await this.#appendTo(segmentOf(index), chunk);
    } catch (error) {
      await this.#remove(chunks.map((_, index) => segmentOf(index)));
      throw error;
    }
    await this.#remove(replaced);
  }

  async #remove(segments: readonly bigint[]): Promise<void> {
    for (const segment of segments) {
      await this.#folder.remove(segment);
      this.#sizes.delete(segment);
    }
  }
}

function sizeOf(bodies: readonly Bytes[]): number {
  return bodies.reduce((sum, body) => sum + sizeOfRecord(body), 0);
}

function sizeOfRecord(body: Bytes): number {
  return RECORD_HEADER_SIZE + body.length;
}
