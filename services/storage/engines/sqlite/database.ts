import { DatabaseSync } from "node:sqlite";
import { SqliteError, sqliteError } from "./errors.ts";

/**
 * One table for every region. The layout of upstream's file (spec/storage_kms.md A7) cannot hold
 * what its own service takes since: indexes of any length, regions 0 and 8 as independent records,
 * regions 10 and 11. Keys have a B-tree of their own: in one with the values ("without rowid")
 * SQLite reads all of a large value for each comparison with its key.
 */
const SCHEMA = `
  create table record (
    region integer not null,
    key blob not null,
    value blob not null,
    primary key (region, key)
  ) strict;
`;

/** Marks files of this program ("CCst"): another SQLite file must not be taken for one. */
const APPLICATION_ID = 0x43437374;
const SCHEMA_VERSION = 1;

/** How long a write waits for another program that writes to the file. */
const BUSY_TIMEOUT_MS = 1_000;

/** Size to which the write-ahead log is cut after it has grown for one large batch. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;

/** Opens the file for writing and creates it where it is missing; every commit is an fsync. */
export function openForWriting(path: string): DatabaseSync {
  return open(path, { readOnly: false }, (database) => {
    database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const version = readMark(database, path);
    // only before the first table: lets compact() give pages back without writing the file anew
    if (version === null) database.exec("pragma auto_vacuum = incremental");
    const { journal_mode: mode } = database.prepare("pragma journal_mode = wal").get() ?? {};
    if (mode !== "wal") {
      const wanted = "it must be on a local file system, for its log";
      throw new SqliteError(`Cannot open "${path}": ${wanted}, got "${mode}"`);
    }
    database.exec("pragma synchronous = full");
    database.exec(`pragma journal_size_limit = ${LOG_BYTES_MAX}`);
    if (version === null) create(database);
  });
}

/** Opens the file for reading beside the one that writes; sees what was committed before. */
export function openForReading(path: string): DatabaseSync {
  return open(path, { readOnly: true }, (database) => {
    database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.prepare("select region, key, value from record"); // sees whether the table is there
  });
}

function open(
  path: string,
  options: { readonly readOnly: boolean },
  prepare: (database: DatabaseSync) => void,
): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, options);
    prepare(database);
    return database;
  } catch (cause) {
    database?.close();
    throw sqliteError("open", path, cause);
  }
}

/** The version of the tables; null for a file without any. */
function readMark(database: DatabaseSync, path: string): number | null {
  const tableCount = numberOf(database, "select count(*) from sqlite_schema");
  if (tableCount === 0) return null;
  if (numberOf(database, "pragma application_id") !== APPLICATION_ID) {
    const wanted = "it must be a file of this program or a new one";
    throw new SqliteError(`Cannot open "${path}": ${wanted}, got the tables of another one`);
  }
  const version = numberOf(database, "pragma user_version");
  if (version !== SCHEMA_VERSION) {
    const wanted = `its tables must have version ${SCHEMA_VERSION}`;
    throw new SqliteError(`Cannot open "${path}": ${wanted}, got ${version}`);
  }
  return version;
}

function create(database: DatabaseSync): void {
  database.exec("begin immediate");
  database.exec(SCHEMA);
  database.exec(`pragma application_id = ${APPLICATION_ID}`);
  database.exec(`pragma user_version = ${SCHEMA_VERSION}`);
  database.exec("commit");
}

/** The first value of the first row of a query, as a number. */
export function numberOf(database: DatabaseSync, query: string): number {
  const statement = database.prepare(query);
  const [value] = Object.values(statement.get() ?? {});
  return Number(value);
}
