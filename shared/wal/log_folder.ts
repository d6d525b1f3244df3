import { type Bytes, joinBytes } from "../bytes/mod.ts";
import {
  appendSynced,
  makeFolder,
  PLAIN_MODE,
  readIfThere,
  removeIfThere,
  removeTemporaries,
  replaceFile,
  SECRET_MODE,
  syncFolder,
} from "../files/mod.ts";
import { encodeRecord, type WalRecord } from "./record.ts";

/** A folder that cannot be used as a write-ahead log; the text names file and content. */
export class WalError extends Error {
  override name = "WalError";
}

/** Mode of a folder whose files are secret. */
const SECRET_FOLDER_MODE = 0o700;

const INDEX_NAME = "index";

const LOG_SUFFIX = ".log";

/** Logs of so many heights below the current one are kept, as the reference does. */
const HEIGHTS_KEPT = 8n;

/**
 * A write-ahead log in the files of the reference (spec/consensus.md, section 6.2): `index` with
 * the current height, and one `<height>.log` per height. Every method resolves when its change is
 * on disk.
 */
export class LogFolder {
  #height: bigint | null;
  readonly #fileMode: number;

  private constructor(readonly path: string, height: bigint | null, fileMode: number) {
    this.#height = height;
    this.#fileMode = fileMode;
  }

  /**
   * Opens or creates the folder; throws a {@linkcode WalError} when the index is no height.
   *
   * @param isSecret whether what is created is for the user of the process only
   */
  static async open(path: string, { isSecret = false } = {}): Promise<LogFolder> {
    await makeFolder(path, isSecret ? SECRET_FOLDER_MODE : undefined);
    await removeTemporaries(`${path}/${INDEX_NAME}`);
    const bytes = await readIfThere(`${path}/${INDEX_NAME}`);
    const text = bytes === null ? "" : new TextDecoder().decode(bytes).trim();
    const height = heightOf(text);
    if (height === null && text !== "") {
      const place = `"${path}/${INDEX_NAME}"`;
      throw new WalError(`index file data wrong: ${place} must hold a height, got "${text}"`);
    }
    return new LogFolder(path, height, isSecret ? SECRET_MODE : PLAIN_MODE);
  }

  /** The current height; null in a new folder. */
  get height(): bigint | null {
    return this.#height;
  }

  /** Adds records to the log of a height. */
  append(height: bigint, records: readonly WalRecord[]): Promise<void> {
    return appendSynced(this.#pathOf(height), joinBytes(records.map(encodeRecord)), this.#fileMode);
  }

  /** Makes a height the current one and drops logs that are no longer of use. */
  async setHeight(height: bigint): Promise<void> {
    if (height === this.#height) return;
    await replaceFile(`${this.path}/${INDEX_NAME}`, height.toString(), PLAIN_MODE);
    this.#height = height;
    for (const other of await this.heights()) {
      if (other + HEIGHTS_KEPT < height) await this.remove(other);
    }
  }

  /** Heights that have a log, ascending. */
  async heights(): Promise<bigint[]> {
    const heights: bigint[] = [];
    for await (const { name } of Deno.readDir(this.path)) {
      const height = name.endsWith(LOG_SUFFIX) ? heightOf(name.slice(0, -LOG_SUFFIX.length)) : null;
      if (height !== null) heights.push(height);
    }
    return heights.sort((left, right) => left < right ? -1 : 1);
  }

  /** The bytes of a height's log; empty when there is none. */
  async read(height: bigint): Promise<Bytes> {
    return await readIfThere(this.#pathOf(height)) ?? new Uint8Array();
  }

  /** How many bytes the log of a height has; it must be there. */
  async sizeOf(height: bigint): Promise<number> {
    return (await Deno.stat(this.#pathOf(height))).size;
  }

  /** Drops the log of a height, if there is one. */
  remove(height: bigint): Promise<void> {
    return removeIfThere(this.#pathOf(height));
  }

  /** Cuts off what a crash left behind the last whole record, else the next one would be lost. */
  async cut(height: bigint, goodSize: number): Promise<void> {
    const file = await Deno.open(this.#pathOf(height), { write: true });
    try {
      await file.truncate(goodSize);
      await file.sync();
    } finally {
      file.close();
    }
  }

  /** Drops every log. */
  async erase(): Promise<void> {
    for (const height of await this.heights()) await this.remove(height);
    await syncFolder(this.path);
  }

  #pathOf(height: bigint): string {
    return `${this.path}/${height}${LOG_SUFFIX}`;
  }
}

/** Any u64 in decimal; null for everything else. */
function heightOf(text: string): bigint | null {
  if (!/^\d{1,20}$/.test(text)) return null;
  const height = BigInt(text);
  return BigInt.asUintN(64, height) === height ? height : null;
}
