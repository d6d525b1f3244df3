import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import {
  startWorker,
  WorkerFault,
  type WorkerLink,
  workerUrl,
} from "../../../../shared/workers/mod.ts";
import { type Engine, type EngineBatch, EngineError } from "../../engine.ts";
import { openForReading } from "./database.ts";
import { SqliteError, sqliteError } from "./errors.ts";
import { lockDatabase } from "./lock.ts";
import type { SqliteRequest, SqliteResponse } from "./messages.ts";
import { buffersOf, packRecords } from "./packed_records.ts";

type SqliteThread = WorkerLink<SqliteRequest, SqliteResponse>;

/**
 * Values up to this size are read in the calling thread: 10 µs, where asking another one costs 40.
 * A value of 20 MB would hold up the callers for 40 ms.
 */
const VALUE_READ_HERE_BYTES_MAX = 64 * 1024;

/** What an engine is made of. */
interface SqliteEngineParts {
  readonly path: string;
  readonly lock: Disposable;
  readonly writer: SqliteThread;
  readonly reader: SqliteThread;
  readonly database: DatabaseSync;
  /** Reads the value of a record in this thread, null when it is large. */
  readonly select: StatementSync;
}

/**
 * Records in one SQLite file. One thread writes and waits for the disk, another reads what is large
 * or much; single records are read in the thread of the caller.
 */
export class SqliteEngine implements Engine {
  readonly #parts: SqliteEngineParts;
  #closing: Promise<void> | null = null;

  private constructor(parts: SqliteEngineParts) {
    this.#parts = parts;
  }

  /** Opens the file and creates it where it is missing; throws when it cannot be used. */
  static async open(path: string): Promise<SqliteEngine> {
    const threads: SqliteThread[] = [];
    let lock: Disposable | null = null;
    try {
      lock = await lockDatabase(path);
      const [writer, reader] = [startThread(), startThread()];
      threads.push(writer, reader);
      await writer.call({ kind: "open", path, access: "write" });
      await reader.call({ kind: "open", path, access: "read" });
      const database = openForReading(path);
      const select = prepareSelect(database);
      return new SqliteEngine({ path, lock, writer, reader, database, select });
    } catch (cause) {
      for (const thread of threads) thread.terminate();
      lock?.[Symbol.dispose]();
      throw withContext(cause);
    }
  }

  async get(region: number, key: Bytes): Promise<Bytes | null> {
    this.#assertOpen();
    const row = this.#selectRow(region, key);
    if (row === undefined) return null;
    if (row.value instanceof Uint8Array) return row.value;
    const [value = null] = await this.getMany(region, [key]);
    return value;
  }

  async getMany(region: number, keys: readonly Bytes[]): Promise<(Bytes | null)[]> {
    this.#assertOpen();
    return [...await ask(this.#parts.reader, { kind: "read", region, keys })];
  }

  /**
   * Walks in the thread of the caller, for whom nobody waits in an offline tool. Each record is a
   * search of its own (15 µs): the walk of Deno 2.7.14 over one ends at a damaged page as at the last
   * record.
   */
  async *scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
    this.#assertOpen();
    const { path } = this.#parts;
    let database: DatabaseSync | null = null;
    try {
      database = openForReading(path);
      database.exec("begin"); // one instant until it is closed
      const select = "select key, value from record where region = ?";
      const next = database.prepare(`${select} and key > ? order by key limit 1`);
      let row = database.prepare(`${select} order by key limit 1`).get(region);
      while (row !== undefined) {
        const { key, value } = row;
        if (!(key instanceof Uint8Array && value instanceof Uint8Array)) break;
        yield [key, value];
        row = next.get(region, key);
      }
    } catch (cause) {
      throw withContext(sqliteError("read", path, cause));
    } finally {
      database?.close();
    }
  }

  async write(batch: EngineBatch): Promise<void> {
    this.#assertOpen();
    const puts = packRecords(batch.puts);
    const deletes = packRecords(batch.deletes.map((place) => ({ ...place, value: NO_VALUE })));
    const buffers = [...buffersOf(puts), ...buffersOf(deletes)];
    await ask(this.#parts.writer, { kind: "write", puts, deletes }, buffers);
  }

  async compact(): Promise<void> {
    this.#assertOpen();
    await ask(this.#parts.writer, { kind: "compact" });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The writer is the last to close: it then moves its log into the file. */
  async #close(): Promise<void> {
    const { database, reader, writer, lock } = this.#parts;
    database.close();
    try {
      await ask(reader, { kind: "close" });
      await ask(writer, { kind: "close" });
    } finally {
      for (const thread of [reader, writer]) thread.terminate();
      lock[Symbol.dispose]();
    }
  }

  #selectRow(region: number, key: Bytes): Record<string, unknown> | undefined {
    try {
      return this.#parts.select.get(region, key);
    } catch (cause) {
      throw withContext(sqliteError("read", this.#parts.path, cause));
    }
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new EngineError("Cannot use a closed engine");
  }
}

/** The size is in the head of a record: SQLite does not read a large value for it. */
function prepareSelect(database: DatabaseSync): StatementSync {
  return database.prepare(
    `select case when length(value) <= ${VALUE_READ_HERE_BYTES_MAX} then value end as value
     from record where region = ? and key = ?`,
  );
}

const NO_VALUE: Bytes = new Uint8Array(0);

function startThread(): SqliteThread {
  return startWorker<SqliteRequest, SqliteResponse>(workerUrl("sqlite_worker", import.meta.url));
}

async function ask(
  thread: SqliteThread,
  request: SqliteRequest,
  buffers?: ArrayBuffer[],
): Promise<SqliteResponse> {
  try {
    return await thread.call(request, buffers);
  } catch (cause) {
    throw withContext(cause);
  }
}

/** Names of errors that a thread may answer with; any other is a defect and stays what it is. */
const FAULTS = ["SqliteError", "WorkerFault"];

function withContext(cause: unknown): unknown {
  const isFault = cause instanceof SqliteError ||
    cause instanceof WorkerFault && FAULTS.includes(cause.causeName);
  return isFault ? new EngineError(cause.message, { cause }) : cause;
}
