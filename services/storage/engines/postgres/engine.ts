import { type Bytes, toHex } from "../../../../shared/bytes/mod.ts";
import type { Clock } from "../../../../shared/clock/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { type Engine, type EngineBatch, EngineError } from "../../engine.ts";
import { ReadSessions } from "./read_sessions.ts";
import { type Row, Session, type SessionOptions } from "./session.ts";
import { type TableName, TableSql } from "./sql.ts";
import { WriteSession } from "./write_session.ts";

/** What {@linkcode PostgresEngine.open} needs. */
export interface PostgresEngineOptions {
  readonly session: SessionOptions;
  readonly table: TableName;
  readonly readSessionsMax: number;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Largest value: the driver reads bytes as text of twice the size, which has a limit. */
const VALUE_BYTES_MAX = 128 * 1024 * 1024;
/** Keys that a walk asks for at a time, and bytes of values that it holds. */
const SCAN_KEYS_MAX = 1_000;
const SCAN_BYTES_MAX = 16 * 1024 * 1024;

/** Bound of a clean-up, a day. */
const COMPACT_MS_MAX = 24 * 3600 * 1000;

/** Records in one table of a PostgreSQL database. */
export class PostgresEngine implements Engine {
  readonly #options: PostgresEngineOptions;
  readonly #sql: TableSql;
  readonly #writer: WriteSession;
  readonly #readers: ReadSessions;
  /** Resolves when the last write that was asked for has ended. */
  #lastWrite: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(options: PostgresEngineOptions, writer: WriteSession) {
    this.#options = options;
    this.#sql = new TableSql(options.table);
    this.#writer = writer;
    this.#readers = new ReadSessions(options.session, options.readSessionsMax);
  }

  /** Logs in and locks the table; throws a `PostgresError` when either cannot be done. */
  static async open(options: PostgresEngineOptions): Promise<PostgresEngine> {
    const { session, log, clock } = options;
    const sql = new TableSql(options.table);
    const writer = await WriteSession.open({ session, sql, log, clock });
    return new PostgresEngine(options, writer);
  }

  async get(region: number, key: Bytes): Promise<Bytes | null> {
    const statement = this.#sql.get(region, key);
    const [row] = await this.#readers.use((session) => session.run("read", statement));
    return row === undefined ? null : bytesOf(row, "value");
  }

  async getMany(region: number, keys: readonly Bytes[]): Promise<(Bytes | null)[]> {
    const statement = this.#sql.getMany(region, keys);
    const rows = await this.#readers.use((session) => session.run("read", statement));
    const valueByKey = new Map(rows.map((row) => [toHex(bytesOf(row, "key")), row]));
    return keys.map((key) => {
      const row = valueByKey.get(toHex(key));
      return row === undefined ? null : bytesOf(row, "value").slice();
    });
  }

  async *scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
    const session = await Session.open(this.#options.session);
    const begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    try {
      await session.run("read", { text: begin });
      let after: Bytes | null = null;
      while (true) {
        const limit = SCAN_KEYS_MAX;
        const keys: Row[] = await session.run("read", this.#sql.scanKeys(region, { after, limit }));
        for (const range of rangesOf(keys)) {
          const rows = await session.run("read", this.#sql.scanRange(region, range));
          for (const row of rows) yield [bytesOf(row, "key"), bytesOf(row, "value")];
          after = range.last;
        }
        if (keys.length < limit) return;
      }
    } finally {
      await session.close();
    }
  }

  write(batch: EngineBatch): Promise<void> {
    if (this.#isClosed) return Promise.reject(new EngineError("Cannot write: it is closed"));
    for (const { region, value } of batch.puts) {
      if (value.length <= VALUE_BYTES_MAX) continue;
      const text = `a value must have at most ${VALUE_BYTES_MAX} bytes, got ${value.length}`;
      return Promise.reject(new EngineError(`Cannot write into region ${region}: ${text}`));
    }
    const statements = this.#sql.write(batch);
    const { clock, session } = this.#options;
    const giveUpMs = clock.monotonicMs() + session.callTimeoutMs;
    const written = this.#lastWrite.then(() => this.#writer.transact(statements, giveUpMs));
    this.#lastWrite = written.catch(() => {}); // its caller gets the error
    return written;
  }

  async compact(): Promise<void> {
    const session = await Session.open({ ...this.#options.session, callTimeoutMs: COMPACT_MS_MAX });
    try {
      await session.run("compact a table of", this.#sql.vacuum());
    } finally {
      await session.close();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lastWrite;
    await Promise.all([this.#writer.close(), this.#readers.close()]);
  }
}

function bytesOf(row: Row, column: string): Bytes {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new EngineError(`Column "${column}" must be bytes`);
  // the driver hands out Node.js buffers, whose `slice` shares memory unlike that of a Uint8Array
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** Ranges of keys that follow each other and whose values fit in memory together. */
function rangesOf(keys: readonly Row[]): { first: Bytes; last: Bytes }[] {
  const ranges: { first: Bytes; last: Bytes }[] = [];
  let bytes = Infinity;
  for (const row of keys) {
    const key = bytesOf(row, "key");
    const size = Number(row.size);
    const range = ranges.at(-1);
    if (range === undefined || bytes + size > SCAN_BYTES_MAX) {
      ranges.push({ first: key, last: key });
      bytes = 0;
    } else range.last = key;
    bytes += size;
  }
  return ranges;
}
