import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from "node:http2";
import net from "node:net";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { WriteBatch } from "./write_batch.ts";

/** Where a service is. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Calls after which another connection is made. */
  readonly callsMax?: number;
}

/** How long it may take until a connection is established. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A peer that vanished without a word is noticed after a silence of about that long. */
const KEEP_ALIVE_MS = 30_000;

/** What a service may send before it must wait for us: a large block comes in few steps. */
const WINDOW_SIZE = 4 * 1024 * 1024;

/** HTTP/2 numbers the calls of a connection, in half of the numbers of 31 bits. */
const CALLS_MAX = 2 ** 30;

const SETTINGS = { enablePush: false, initialWindowSize: WINDOW_SIZE };

/** An established HTTP/2 connection over plain TCP. */
export class Connection {
  readonly #socket: net.Socket;
  readonly #session: ClientHttp2Session;
  readonly #batch: WriteBatch;
  readonly #callsMax: number;
  #calls = 0;

  /** Resolves when the connection can be used; rejects when nobody listens there, or on abort. */
  static async open(
    { host, port, callsMax = CALLS_MAX }: Address,
    signal: AbortSignal,
  ): Promise<Connection> {
    const socket = net.connect({ host, port, noDelay: true });
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    const session = http2.connect(`http://${authority}`, {
      createConnection: () => socket,
      settings: SETTINGS,
    });
    try {
      await established(session, signal);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    session.setLocalWindowSize(WINDOW_SIZE);
    return new Connection(socket, session, callsMax);
  }

  private constructor(socket: net.Socket, session: ClientHttp2Session, callsMax: number) {
    this.#socket = socket;
    this.#session = session;
    this.#callsMax = callsMax;
    this.#batch = new WriteBatch(socket);
  }

  /** It is gone, with all calls that were on it. */
  get isLost(): boolean {
    return this.#session.destroyed || this.#socket.destroyed;
  }

  /** Calls the listener once the connection takes no further call, which ends it. */
  onEnd(listener: () => void): void {
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      listener();
    };
    this.#session.on("goaway", end);
    this.#session.on("close", end);
  }

  /** Whether there is room for another call. */
  get takesCalls(): boolean {
    return !this.#session.destroyed && !this.#session.closed && this.#calls < this.#callsMax;
  }

  /** A stream for one call; there must be room for it. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    this.#calls += 1;
    this.#batch.hold();
    return this.#session.request(headers);
  }

  /** Ends it when the calls have ended that are on it. */
  close(): void {
    this.#session.close();
  }

  /** Ends it at once. */
  destroy(): void {
    this.#session.destroy();
  }
}

/** Resolves when the other side has said that it speaks HTTP/2. */
async function established(session: ClientHttp2Session, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  session.on("error", reject);
  session.on("close", () => reject(new Error("the connection was closed")));
  // a listener that speaks no HTTP/2 may accept connections too: it sends no settings
  session.once("remoteSettings", () => resolve());
  const giveUp = () => session.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`));
  const timer = SYSTEM_CLOCK.setTimer(CONNECT_TIMEOUT_MS, giveUp);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await promise;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", giveUp);
  }
}
