import type { Clock } from "../../../../shared/clock/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { PostgresError } from "./errors.ts";
import { placeOf, type Row, Session, type SessionOptions } from "./session.ts";
import { COLUMNS, type Statement, type TableSql } from "./sql.ts";

/** What a {@linkcode WriteSession} works with. */
export interface WriteSessionDeps {
  readonly session: SessionOptions;
  readonly sql: TableSql;
  readonly log: Logger;
  readonly clock: Clock;
}

const RETRY_MS = { first: 100, most: 5_000 };

/** Settings of `synchronous_commit` under which an acknowledged write may be lost. */
const LOOSE_COMMITS = ["off", "local", "remote_write"];

/**
 * The only way to write to the table. Its session holds a lock that the server gives to one session
 * at a time and takes back when that session ends, so what another storage writes never mixes with
 * what this one does. A session that broke is opened again, for ever, and is used once it has the
 * lock.
 */
export class WriteSession {
  readonly #deps: WriteSessionDeps;
  readonly #closing = new AbortController();
  /** The session, once there is one that has the lock. */
  #ready: PromiseWithResolvers<Session>;
  #current: Session | null = null;
  #lastFailure: PostgresError | null = null;
  #watching: Promise<void>;

  private constructor(deps: WriteSessionDeps, session: Session) {
    this.#deps = deps;
    this.#ready = Promise.withResolvers();
    this.#watching = this.#watch(session);
  }

  /** Opens the session; creates the table where it is missing. */
  static async open(deps: WriteSessionDeps): Promise<WriteSession> {
    return new WriteSession(deps, await openLocked(deps));
  }

  /**
   * Runs the statements in one transaction, which has happened as a whole or not at all. After an
   * error of reason `lost` or `timeout` it may have happened all the same. Waits until `giveUpMs` of
   * the monotonic clock for a session.
   */
  async transact(statements: readonly Statement[], giveUpMs: number): Promise<void> {
    const action = "write to";
    const session = await this.#whenReady(action, giveUpMs);
    const [only] = statements;
    if (only === undefined) return;
    if (statements.length === 1) {
      await session.run(action, only); // a transaction by itself
      return;
    }
    try {
      await session.run(action, { text: "BEGIN" });
      for (const statement of statements) await session.run(action, statement);
      await session.run(action, { text: "COMMIT" });
    } catch (error) {
      if (!session.isEnded) await session.run(action, { text: "ROLLBACK" });
      throw error;
    }
  }

  /** Ends the session, which frees the lock. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#current?.close();
    await this.#watching;
  }

  async #whenReady(action: string, giveUpMs: number): Promise<Session> {
    const { clock, session: { address } } = this.#deps;
    if (this.#current !== null && !this.#current.isEnded) return this.#current;
    const finished = new AbortController();
    const waitMs = Math.max(0, giveUpMs - clock.monotonicMs());
    const late = clock.sleep(waitMs, finished.signal).then(() => null);
    const session = await Promise.race([this.#ready.promise, late]);
    finished.abort();
    if (session !== null) return session;
    const text = this.#lastFailure?.message ?? `Cannot reach PostgreSQL at ${placeOf(address)}`;
    throw new PostgresError("timeout", `Cannot ${action}: ${text}`, null, {
      cause: this.#lastFailure,
    });
  }

  async #watch(first: Session): Promise<void> {
    const { log, session: { address } } = this.#deps;
    let session: Session | null = first;
    while (session !== null) {
      this.#current = session;
      this.#ready.resolve(session);
      await session.ended;
      this.#current = null;
      this.#ready = Promise.withResolvers();
      if (this.#closing.signal.aborted) return;
      log.warn(`lost the session that writes to PostgreSQL at ${placeOf(address)}, opens another`);
      session = await this.#reopen();
      if (session !== null) log.info(`writes to PostgreSQL at ${placeOf(address)} again`);
    }
  }

  /** Tries until it succeeds or the engine is closed (null). */
  async #reopen(): Promise<Session | null> {
    const { clock, log } = this.#deps;
    const { signal } = this.#closing;
    for (let waitMs = RETRY_MS.first; !signal.aborted; waitMs = nextWait(waitMs)) {
      try {
        const session = await openLocked(this.#deps);
        if (!signal.aborted) return session;
        await session.close();
      } catch (error) {
        if (!(error instanceof PostgresError)) throw error;
        if (error.message !== this.#lastFailure?.message) log.warn(error.message);
        this.#lastFailure = error;
      }
      await clock.sleep(waitMs, signal);
    }
    return null;
  }
}

/** The time after which a failed attempt is made again. */
export function nextWait(waitMs = 0): number {
  return Math.min(RETRY_MS.most, Math.max(RETRY_MS.first, 2 * waitMs));
}

/** A session that has the lock, may write, and commits to disk. */
async function openLocked(deps: WriteSessionDeps): Promise<Session> {
  const session = await Session.open(deps.session);
  try {
    await freeLockSoon(session);
    await lock(session, deps);
    await checkServer(session, deps);
    await createTable(session, deps);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Were this machine lost, the server would otherwise keep the lock for two hours. */
async function freeLockSoon(session: Session): Promise<void> {
  const settings = { tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 3 };
  for (const [name, value] of Object.entries(settings)) {
    await session.run("set up", { text: `SET ${name} = ${value}` });
  }
}

async function lock(session: Session, { sql, session: { address } }: WriteSessionDeps) {
  const [row] = await session.run("lock a table of", sql.lock());
  if (row?.got === true) return;
  const text = `Cannot use table ${sql.name} of PostgreSQL at ${placeOf(address)}: ` +
    "another storage has it open, each needs a table of its own";
  throw new PostgresError("locked", text, null);
}

async function checkServer(session: Session, { log, session: { address } }: WriteSessionDeps) {
  const place = placeOf(address);
  const [state] = await session.run("look at", { text: "SELECT pg_is_in_recovery() AS standby" });
  if (state?.standby === true) {
    const text = `Cannot write to PostgreSQL at ${place}: it is a standby, name the primary`;
    throw new PostgresError("lost", text, null);
  }
  const names = "'fsync', 'full_page_writes', 'synchronous_commit'";
  const text = `SELECT name, setting FROM pg_settings WHERE name IN (${names})`;
  const rows = await session.run("look at", { text });
  const settings = new Map(rows.map(({ name, setting }) => [name, String(setting)]));
  for (const name of ["fsync", "full_page_writes"]) {
    if (settings.get(name) === "off") {
      log.error(
        `PostgreSQL at ${place} runs with ${name}=off: a power failure loses what it stored`,
      );
    }
  }
  // a stronger setting of the server, such as remote_apply, stays
  if (LOOSE_COMMITS.includes(settings.get("synchronous_commit") ?? "off")) {
    await session.run("set up", { text: "SET synchronous_commit = on" });
  }
}

async function createTable(session: Session, { sql, session: { address } }: WriteSessionDeps) {
  const columns = await session.run("look at", sql.describe());
  if (columns.length === 0) {
    const [schema] = await session.run("look at", sql.findSchema());
    if (schema === undefined) await session.run("create a schema in", sql.createSchema());
    await session.run("create a table in", sql.createTable());
  } else if (!isOurs(columns)) {
    const wanted = Object.entries(COLUMNS).map((column) => column.join(" ")).join(", ");
    const text = `Cannot use table ${sql.name} of PostgreSQL at ${placeOf(address)}: ` +
      `its columns must be ${wanted}`;
    throw new PostgresError("locked", text, null);
  }
}

function isOurs(columns: readonly Row[]): boolean {
  const found = new Map(columns.map(({ column_name, data_type }) => [column_name, data_type]));
  const wanted = Object.entries(COLUMNS);
  return found.size === wanted.length && wanted.every(([name, type]) => found.get(name) === type);
}
