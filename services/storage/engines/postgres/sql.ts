import { createHash } from "node:crypto";
import { type Bytes, toHex } from "../../../../shared/bytes/mod.ts";
import type { EngineBatch } from "../../engine.ts";
import type { RecordKey, StoredRecord } from "../../regions.ts";

/** A statement with its parameters; those with a name are prepared once in a session. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
}

/** The table of a node; both names are safe in SQL without quotes. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Rows of one statement: with 500 a block of 18,000 records takes the least time. */
const ROWS_MAX = 500;
/** Bytes of one statement above which no further row is added. */
const STATEMENT_BYTES_MAX = 16 * 1024 * 1024;

/** The columns of the table and their types, in the words of the server. */
export const COLUMNS = { region: "integer", key: "bytea", value: "bytea" } as const;

/** The statements for one table. */
export class TableSql {
  readonly #name: string;
  readonly #table: TableName;

  constructor(table: TableName) {
    this.#table = table;
    this.#name = `"${table.schema}"."${table.table}"`;
  }

  /** The table with its schema, for texts. */
  get name(): string {
    return `${this.#table.schema}.${this.#table.table}`;
  }

  /** The types of the columns by name; no rows when there is no such table. */
  describe(): Statement {
    const { schema, table } = this.#table;
    return {
      text: "SELECT column_name, data_type FROM information_schema.columns " +
        "WHERE table_schema = $1 AND table_name = $2",
      values: [schema, table],
    };
  }

  /** A row when the schema is there. */
  findSchema(): Statement {
    return {
      text: "SELECT 1 FROM information_schema.schemata WHERE schema_name = $1",
      values: [this.#table.schema],
    };
  }

  createSchema(): Statement {
    return { text: `CREATE SCHEMA IF NOT EXISTS "${this.#table.schema}"` };
  }

  createTable(): Statement {
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name} ${type} NOT NULL`);
    const text = `CREATE TABLE IF NOT EXISTS ${this.#name} ` +
      `(${columns.join(", ")}, PRIMARY KEY (region, key))`;
    return { text };
  }

  /** One row, `got`: whether this session now is the only one that has the lock of the table. */
  lock(): Statement {
    const digest = createHash("sha256").update(`cita-cloud storage ${this.#name}`).digest();
    return {
      text: "SELECT pg_try_advisory_lock($1) AS got",
      values: [String(digest.readBigInt64BE())],
    };
  }

  get(region: number, key: Bytes): Statement {
    const text = `SELECT value FROM ${this.#name} WHERE region = $1 AND key = $2`;
    return { text, values: [region, key], name: "get" };
  }

  getMany(region: number, keys: readonly Bytes[]): Statement {
    const text =
      `SELECT key, value FROM ${this.#name} WHERE region = $1 AND key = ANY($2::bytea[])`;
    return { text, values: [region, keys.map(byteaText)], name: "get_many" };
  }

  /** The next keys of a region with the sizes of their values. */
  scanKeys(region: number, { after, limit }: { after: Bytes | null; limit: number }): Statement {
    const from = after === null ? "" : "AND key > $3 ";
    return {
      text: `SELECT key, octet_length(value) AS size FROM ${this.#name} WHERE region = $1 ${from}` +
        "ORDER BY key LIMIT $2",
      values: after === null ? [region, limit] : [region, limit, after],
    };
  }

  /** The records of a region from one key to another, both with it. */
  scanRange(region: number, { first, last }: { first: Bytes; last: Bytes }): Statement {
    return {
      text: `SELECT key, value FROM ${this.#name} WHERE region = $1 AND key >= $2 AND key <= $3 ` +
        "ORDER BY key",
      values: [region, first, last],
    };
  }

  vacuum(): Statement {
    return { text: `VACUUM ${this.#name}` };
  }

  /** The statements of a batch, to be run in one transaction; none for an empty batch. */
  write(batch: EngineBatch): Statement[] {
    const { puts, deletes } = settle(batch);
    return [
      ...chunks(puts).map((rows) => this.#put(rows)),
      ...[...deletes].map(([region, keys]) => this.#delete(region, keys)),
    ];
  }

  #put(rows: readonly StoredRecord[]): Statement {
    const places = rows.map((_, i) => `($${3 * i + 1}, $${3 * i + 2}, $${3 * i + 3})`).join(", ");
    const text = `INSERT INTO ${this.#name} (region, key, value) VALUES ${places} ` +
      "ON CONFLICT (region, key) DO UPDATE SET value = excluded.value";
    const values = rows.flatMap(({ region, key, value }) => [region, key, value]);
    const isCommon = rows.length === 1 || rows.length === ROWS_MAX;
    return isCommon ? { text, values, name: `put_${rows.length}` } : { text, values };
  }

  #delete(region: number, keys: readonly Bytes[]): Statement {
    return {
      text: `DELETE FROM ${this.#name} WHERE region = $1 AND key = ANY($2::bytea[])`,
      values: [region, keys.map(byteaText)],
      name: "delete",
    };
  }
}

/** One statement must not change a row twice: of the changes of a place the last one counts. */
function settle({ puts, deletes }: EngineBatch) {
  const put = new Map(puts.map((record) => [placeOf(record), record]));
  const gone = new Map(deletes.map((place) => [placeOf(place), place]));
  for (const place of gone.keys()) put.delete(place);
  const keysByRegion = Map.groupBy(gone.values(), ({ region }) => region);
  return {
    puts: [...put.values()],
    deletes: new Map([...keysByRegion].map(([region, of]) => [region, of.map(({ key }) => key)])),
  };
}

function chunks(records: readonly StoredRecord[]): StoredRecord[][] {
  const found: StoredRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const chunk = found.at(-1);
    if (chunk === undefined || chunk.length === ROWS_MAX || bytes > STATEMENT_BYTES_MAX) {
      found.push([record]);
      bytes = 0;
    } else chunk.push(record);
    bytes += record.value.length;
  }
  return found;
}

function placeOf({ region, key }: RecordKey): string {
  return `${region}:${toHex(key)}`;
}

/** The form of bytes inside of an array. */
function byteaText(bytes: Bytes): string {
  return `\\x${toHex(bytes)}`;
}
