import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import type { WalPort } from "../ports.ts";
import { decodeRecords, encodeRecord, FINALIZE_BLOCK } from "./record.ts";

/** A folder that cannot be used as a write-ahead log. */
export class WalError extends Error {
  override name = "WalError";
}

const INDEX_FILE = "index";

/** Logs of that many heights below the current one may exist. */
const KEPT_HEIGHTS = 8n;

const TEXT_ENCODER = new TextEncoder();

/**
 * The write-ahead log in a folder, in the files of the reference: `index` with the height being
 * written, and `<height>.log` (spec/controller.md, 18).
 */
export async function openWal(folder: string, log: Logger): Promise<WalPort> {
  await Deno.mkdir(folder, { recursive: true });
  const wal = new WalFiles(folder, log);
  await wal.open();
  return wal;
}

class WalFiles implements WalPort {
  readonly #folder: string;
  readonly #log: Logger;
  #current = 1n;

  constructor(folder: string, log: Logger) {
    this.#folder = folder;
    this.#log = log;
  }

  async open(): Promise<void> {
    const text = await readTextOrEmpty(`${this.#folder}/${INDEX_FILE}`);
    if (!/^\d*$/.test(text)) {
      throw new WalError(
        `Cannot use "${this.#folder}/${INDEX_FILE}": it must be a height, got "${text}"`,
      );
    }
    this.#current = text === "" ? 1n : BigInt(text);
    for (const height of await this.#heights()) {
      if (height + KEPT_HEIGHTS < this.#current) await this.#remove(height);
    }
  }

  async append(height: bigint, encodedBlock: Bytes): Promise<void> {
    const record = encodeRecord(FINALIZE_BLOCK, encodedBlock);
    const file = await Deno.open(this.#pathOf(height), { create: true, append: true });
    try {
      await writeAll(file, record);
      await file.syncData();
    } finally {
      file.close();
    }
    if (height === this.#current) return;
    this.#current = height;
    await this.#writeIndex();
  }

  /** The rename makes sure that the file is never seen half written. */
  async #writeIndex(): Promise<void> {
    const path = `${this.#folder}/${INDEX_FILE}`;
    const file = await Deno.open(`${path}.tmp`, { create: true, write: true, truncate: true });
    try {
      await writeAll(file, TEXT_ENCODER.encode(`${this.#current}`));
      await file.syncData();
    } finally {
      file.close();
    }
    await Deno.rename(`${path}.tmp`, path);
  }

  async load(): Promise<Bytes[]> {
    const blocks: Bytes[] = [];
    for (const height of await this.#heights()) {
      const bytes = await Deno.readFile(this.#pathOf(height));
      const records = decodeRecords(bytes);
      const size = records.reduce((sum, { body }) => sum + 13 + body.length, 0);
      if (size < bytes.length) {
        this.#log.warn(`wal file may be corrupted: ${height}.log ends within a record`);
      }
      blocks.push(
        ...records.filter(({ type }) => type === FINALIZE_BLOCK).map(({ body }) => body),
      );
    }
    return blocks;
  }

  async clear(): Promise<void> {
    for (const height of await this.#heights()) await this.#remove(height);
  }

  /** Heights that have a log, ascending. */
  async #heights(): Promise<bigint[]> {
    const heights: bigint[] = [];
    for await (const { name } of Deno.readDir(this.#folder)) {
      const match = /^(\d+)\.log$/.exec(name);
      if (match?.[1] !== undefined) heights.push(BigInt(match[1]));
    }
    return heights.sort((left, right) => left < right ? -1 : 1);
  }

  #pathOf(height: bigint): string {
    return `${this.#folder}/${height}.log`;
  }

  async #remove(height: bigint): Promise<void> {
    await Deno.remove(this.#pathOf(height));
  }
}

async function readTextOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Bytes): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await file.write(bytes.subarray(written));
}
