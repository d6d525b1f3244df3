import { Socket } from "node:net";
import type { Clock } from "../../../../shared/clock/mod.ts";
// @ts-types="@types/pg"
import pg from "pg";
import { postgresError } from "./errors.ts";
import type { Statement } from "./sql.ts";

/** Where the database is and how to log in. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Null without encryption. */
  readonly tls: { readonly isVerified: boolean; readonly ca: string | null } | null;
}

/** What every session needs. */
export interface SessionOptions {
  readonly address: PostgresAddress;
  readonly connectTimeoutMs: number;
  /** Bound of one statement. */
  readonly callTimeoutMs: number;
  readonly clock: Clock;
}

/** A column of a row as the server writes it, or bytes. */
export type Row = Readonly<Record<string, unknown>>;

/** How much longer than the server this side waits, so that the server's own end comes first. */
const ANSWER_GRACE_MS = 1_000;
/** How long an orderly end of a session may take. */
const CLOSE_TIMEOUT_MS = 1_000;
/** After so much silence the system asks whether the other side still lives. */
const KEEP_ALIVE_MS = 10_000;

/** The server by its address, for error texts and log lines. */
export function placeOf({ host, port, database }: PostgresAddress): string {
  return `${host}:${port}/${database}`;
}

/** One connection to the server, a statement at a time. Every error is a {@linkcode PostgresError}. */
export class Session {
  readonly #options: SessionOptions;
  readonly #client: pg.Client;
  readonly #socket: Socket;
  readonly #ended = Promise.withResolvers<void>();
  #isEnded = false;

  private constructor(options: SessionOptions) {
    const { address, connectTimeoutMs, callTimeoutMs } = options;
    const { tls } = address;
    this.#options = options;
    this.#socket = new Socket();
    this.#client = new pg.Client({
      host: address.host,
      port: address.port,
      database: address.database,
      user: address.user,
      password: address.password,
      ssl: tls !== null && {
        rejectUnauthorized: tls.isVerified,
        ...(tls.ca !== null && { ca: tls.ca }),
      },
      application_name: "cita-cloud storage",
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: callTimeoutMs + ANSWER_GRACE_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      stream: () => this.#socket,
    });
    // the statement under way gets the error as well
    this.#client.on("error", () => this.destroy());
    this.#client.on("end", () => this.destroy());
  }

  /** Connects and logs in; a statement that takes too long is ended by the server, if it can. */
  static async open(options: SessionOptions): Promise<Session> {
    const { address, callTimeoutMs } = options;
    const session = new Session(options);
    try {
      await session.#client.connect();
      await session.#client.query(`SET statement_timeout = ${callTimeoutMs}`);
      return session;
    } catch (thrown) {
      session.destroy();
      throw postgresError(thrown, { action: "connect to", place: placeOf(address) });
    }
  }

  /** Resolves when the connection is gone, whoever ended it. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Whether statements cannot be sent any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Runs a statement and gives its rows; without an answer in time the session is given up. */
  async run(action: string, { text, values = [], name }: Statement): Promise<Row[]> {
    try {
      const query = { text, values: [...values], ...(name !== undefined && { name }) };
      const { rows } = await this.#client.query<Row>(query);
      return rows;
    } catch (thrown) {
      const error = postgresError(thrown, { action, place: placeOf(this.#options.address) });
      if (error.reason !== "refused") this.destroy();
      throw error;
    }
  }

  /** Says good-bye to the server, or leaves without when it does not listen. */
  async close(): Promise<void> {
    const finished = new AbortController();
    const late = this.#options.clock.sleep(CLOSE_TIMEOUT_MS, finished.signal);
    const ended = this.#client.end().catch(() => {}); // it had ended already
    await Promise.race([ended, late]);
    finished.abort();
    this.destroy();
  }

  /** Drops the connection. */
  destroy(): void {
    this.#socket.destroy();
    this.#isEnded = true;
    this.#ended.resolve();
  }
}
