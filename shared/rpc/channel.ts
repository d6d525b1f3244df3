import type { Bytes } from "../bytes/mod.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { type Address, Connection } from "./connection.ts";
import { RpcCode } from "./status.ts";
import type { CallStatus } from "./call_status.ts";
import { UnaryCall, type UnaryRequest } from "./unary_call.ts";

/** Pause after a connection that could not be established; doubled each time, up to the second. */
const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 2_000;

const CLOSED: CallStatus = { code: RpcCode.Cancelled, details: "the client was closed" };

/** The last attempt to connect, which failed. */
interface FailedAttempt {
  readonly status: CallStatus;
  /** There is no other attempt before that time, by the monotonic clock. */
  readonly untilMs: number;
  readonly pauseMs: number;
}

/**
 * Carries unary gRPC calls to one address over one connection, which is established by the first
 * call and again by later ones when it was lost. Between two attempts calls fail at once.
 */
export class Channel {
  readonly #address: Address;
  readonly #listeners: (() => void)[] = [];
  readonly #waiting = new Set<UnaryCall>();
  #connection: Connection | null = null;
  #isConnecting = false;
  #failed: FailedAttempt | null = null;
  readonly #closing = new AbortController();

  constructor(address: Address) {
    this.#address = address;
  }

  /** Calls the listener each time that an established connection is lost. */
  onDisconnect(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The message of the answer, or {@linkcode CallFailure}. */
  call(request: UnaryRequest): Promise<Bytes> {
    const call = new UnaryCall(request, (again) => this.#send(again));
    this.#send(call);
    return call.answer;
  }

  /** Ends the connection; running calls fail, and all further ones. */
  close(): void {
    this.#closing.abort();
    this.#connection?.destroy();
    this.#connection = null;
    this.#failWaiting(CLOSED);
  }

  #send(call: UnaryCall): void {
    if (this.#closing.signal.aborted) return call.fail(CLOSED);
    if (this.#connection?.takesCalls === true) return call.sendOn(this.#connection);
    if (this.#connection !== null) this.#retire(this.#connection);
    if (this.#failed !== null && SYSTEM_CLOCK.monotonicMs() < this.#failed.untilMs) {
      return call.fail(this.#failed.status);
    }
    this.#waiting.add(call);
    if (!this.#isConnecting) this.#connect();
  }

  /** Its calls end in peace; those to come get another connection. */
  #retire(connection: Connection): void {
    connection.close();
    this.#connection = null;
  }

  async #connect(): Promise<void> {
    this.#isConnecting = true;
    try {
      const connection = await Connection.open(this.#address, this.#closing.signal);
      if (this.#closing.signal.aborted) return connection.destroy();
      this.#use(connection);
    } catch (cause) {
      this.#postpone(cause);
    } finally {
      this.#isConnecting = false;
    }
    if (this.#waiting.size > 0) await this.#connect(); // more calls than the connection takes
  }

  #use(connection: Connection): void {
    this.#connection = connection;
    this.#failed = null;
    connection.onEnd(() => {
      if (this.#connection === connection) this.#connection = null;
      if (this.#closing.signal.aborted) return;
      for (const listener of this.#listeners) listener();
    });
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) this.#send(call);
  }

  #postpone(cause: unknown): void {
    const pauseMs = Math.min((this.#failed?.pauseMs ?? PAUSE_FIRST_MS / 2) * 2, PAUSE_MAX_MS);
    const reason = cause instanceof Error ? cause.message : String(cause);
    const { host, port } = this.#address;
    const details = `cannot connect to ${host}:${port}: ${reason}`;
    const status = { code: RpcCode.Unavailable, details };
    this.#failed = { status, pauseMs, untilMs: SYSTEM_CLOCK.monotonicMs() + pauseMs };
    this.#failWaiting(status);
  }

  #failWaiting(status: CallStatus): void {
    for (const call of this.#waiting) call.fail(status);
    this.#waiting.clear();
  }
}
