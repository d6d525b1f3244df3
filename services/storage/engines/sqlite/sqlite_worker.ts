import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { serveWorker } from "../../../../shared/workers/mod.ts";
import { numberOf, openForReading, openForWriting } from "./database.ts";
import { SqliteError, sqliteError } from "./errors.ts";
import type { SqliteRequest, SqliteResponse } from "./messages.ts";
import { unpackRecords } from "./packed_records.ts";

/** Buffers above this size move to the main thread, smaller ones are copied faster. */
const MOVED_BYTES_MIN = 64 * 1024;

/** The open file of this thread. */
interface OpenFile {
  readonly path: string;
  readonly database: DatabaseSync;
  readonly select: StatementSync;
  readonly upsert: StatementSync;
  readonly remove: StatementSync;
}

let file: OpenFile | null = null;

function open({ path, access }: SqliteRequest & { readonly kind: "open" }): OpenFile {
  const database = access === "write" ? openForWriting(path) : openForReading(path);
  return {
    path,
    database,
    select: database.prepare("select value from record where region = ? and key = ?"),
    upsert: database.prepare(
      `insert into record values (?, ?, ?)
       on conflict (region, key) do update set value = excluded.value`,
    ),
    remove: database.prepare("delete from record where region = ? and key = ?"),
  };
}

function serve(request: SqliteRequest): SqliteResponse {
  if (request.kind === "open") {
    file = open(request);
    return [];
  }
  if (file === null) throw new SqliteError("Cannot use a closed database");
  switch (request.kind) {
    case "read":
      return read(file, request);
    case "write":
      write(file, request);
      return [];
    case "compact":
      compact(file);
      return [];
    case "close":
      file.database.close();
      file = null;
      return [];
  }
}

/** One transaction, so that all values are of one instant. */
function read(
  { path, database, select }: OpenFile,
  { region, keys }: SqliteRequest & { readonly kind: "read" },
): SqliteResponse {
  try {
    return inTransaction(database, "begin", () =>
      keys.map((key) => {
        const value = select.get(region, key)?.value;
        return value instanceof Uint8Array ? value : null;
      }));
  } catch (cause) {
    throw sqliteError("read", path, cause);
  }
}

function write(
  { path, database, upsert, remove }: OpenFile,
  { puts, deletes }: SqliteRequest & { readonly kind: "write" },
): void {
  try {
    inTransaction(database, "begin immediate", () => {
      for (const { region, key, value } of unpackRecords(puts)) upsert.run(region, key, value);
      for (const { region, key } of unpackRecords(deletes)) remove.run(region, key);
    });
  } catch (cause) {
    throw sqliteError("write", path, cause);
  }
}

function inTransaction<Result>(
  database: DatabaseSync,
  begin: "begin" | "begin immediate",
  action: () => Result,
): Result {
  database.exec(begin);
  try {
    const result = action();
    database.exec("commit");
    return result;
  } catch (error) {
    // some failures have rolled it back already
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

/** Pages that are given back in one transaction, some 100 MB. */
const FREED_PAGES_MAX = 25_600;

/**
 * Cuts unused pages off the file: pages from its end move into the gaps. This needs no room for a
 * copy, unlike `vacuum`, which Deno does not allow to a program without all permissions.
 */
function compact({ path, database }: OpenFile): void {
  try {
    const unused = numberOf(database, "pragma freelist_count");
    for (let freed = 0; freed < unused; freed += FREED_PAGES_MAX) {
      // one step for each page: `exec` would take the first only
      database.prepare(`pragma incremental_vacuum(${FREED_PAGES_MAX})`).all();
    }
    database.exec("pragma wal_checkpoint(truncate)");
  } catch (cause) {
    throw sqliteError("compact", path, cause);
  }
}

function movedBuffers(values: SqliteResponse): ArrayBufferLike[] {
  const isMoved = (value: Bytes | null): value is Bytes =>
    value !== null && value.length >= MOVED_BYTES_MIN;
  return values.filter(isMoved).map(({ buffer }) => buffer);
}

serveWorker(
  (request: SqliteRequest) => new Promise<SqliteResponse>((resolve) => resolve(serve(request))),
  (values) => movedBuffers(values).filter((buffer) => buffer instanceof ArrayBuffer),
);
