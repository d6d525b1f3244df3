/**
 * Mutual TLS over TCP as plain byte sockets, on the rustls of the native library, for
 * network_p2p with TLS and for network_tls (spec/network.md, sections 3.3 and 4.3).
 *
 * @module
 */

import type { Clock } from "../../shared/clock/mod.ts";
import { acceptAll } from "./accept_loop.ts";
import { HalfOpen } from "./half_open.ts";
import {
  type ByteSocket,
  type Handshake,
  type RemoteAddress,
  RustlsSocket,
  type TlsSocket,
} from "./rustls_socket.ts";
import { TlsContext, type TlsIdentity } from "./tls_session.ts";

export type { ByteSocket, Handshake, RemoteAddress, TlsSocket };

/** Why a peer is not wanted, or null when it is. */
export type PeerCheck = (handshake: Handshake) => string | null | Promise<string | null>;

/** Who this side is and whom it accepts. */
export interface TlsSettings extends TlsIdentity {
  /** Judges a peer whose chain leads to `ca`, before its first byte is read. */
  readonly checkPeer: PeerCheck;
}

/** Where to connect to, and as whom the peer must identify itself. */
export interface TlsDialOptions {
  readonly hostname: string;
  readonly port: number;
  /** DNS name that the peer's certificate must be valid for; also sent as SNI. */
  readonly serverName: string;
  readonly settings: TlsSettings;
  readonly clock: Clock;
  /** Gives up as soon as it aborts. */
  readonly signal: AbortSignal;
}

/** What a listener works with. */
export interface TlsListenOptions {
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly settings: TlsSettings;
  readonly clock: Clock;
  /** Takes a connection whose handshake is done; it must not throw. */
  readonly onSocket: (socket: TlsSocket) => void;
  /** Tells of a connection that got no further than its handshake; it must not throw. */
  readonly onRefused: (address: RemoteAddress, reason: string) => void;
}

/** How long a connection and its handshake may take together. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Connects and identifies both sides; rejects with the reason when that fails. */
export async function dialTls(options: TlsDialOptions): Promise<TlsSocket> {
  const { hostname, port, serverName, settings, clock, signal } = options;
  using context = new TlsContext(settings);
  return await withDeadline({ clock, signal }, async (stop) => {
    const connection = await Deno.connect({ hostname, port, signal: stop });
    const session = context.connect(serverName);
    const socket = new RustlsSocket({ connection, session, clock });
    try {
      await identify({ socket, settings, stop });
      return socket;
    } catch (cause) {
      await socket.closed; // the peer is being told why
      throw cause;
    }
  });
}

/** The peer of a connection that could not be accepted. */
const NOBODY: RemoteAddress = { hostname: "", port: 0 };

/** Accepts connections of peers with a certificate. */
export class TlsListener {
  readonly #options: TlsListenOptions;
  readonly #context: TlsContext;
  readonly #listener: Deno.TcpListener;
  readonly #handshakes = new HalfOpen();
  readonly #stop = new AbortController();

  private constructor(options: TlsListenOptions) {
    const { hostname, port, settings } = options;
    this.#options = options;
    this.#listener = Deno.listen({ hostname, port });
    try {
      this.#context = new TlsContext(settings);
    } catch (cause) {
      this.#listener.close();
      throw cause;
    }
  }

  /** Starts to listen; rejects when the port is taken. */
  static listen(options: TlsListenOptions): Promise<TlsListener> {
    return Promise.try(() => {
      const listener = new TlsListener(options);
      acceptAll({
        listener: listener.#listener,
        clock: options.clock,
        signal: listener.#stop.signal,
        onAccepted: (connection) => void listener.#accept(connection),
        onFailure: (reason) => options.onRefused(NOBODY, `ListenError: ${reason}`),
      });
      return listener;
    });
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Ends the handshakes under way and accepts nothing any more; given sockets stay open. */
  close(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#listener.close();
    this.#context[Symbol.dispose]();
    this.#handshakes.endAll("this node stops");
  }

  async #accept(connection: Deno.TcpConn): Promise<void> {
    const { settings, clock, onSocket, onRefused } = this.#options;
    const socket = new RustlsSocket({ connection, session: this.#context.accept(), clock });
    const handshake = new AbortController();
    const done = this.#handshakes.add((reason) => {
      handshake.abort(new Error(reason));
      socket.cut();
    });
    try {
      const { signal } = handshake;
      await withDeadline({ clock, signal }, (stop) => identify({ socket, settings, stop }));
      onSocket(socket);
    } catch (cause) {
      onRefused(socket.remoteAddr, cause instanceof Error ? cause.message : String(cause));
      await socket.closed; // the peer is being told why
    } finally {
      done();
    }
  }
}

/** Time for a handshake. */
interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Runs a handshake within its time; rejects with the reason why it had to stop, if it had to. */
async function withDeadline<Outcome>(
  { clock, signal }: Patience,
  run: (stop: AbortSignal) => Promise<Outcome>,
): Promise<Outcome> {
  const deadline = new AbortController();
  const reason = new Error(`no handshake within ${HANDSHAKE_TIMEOUT_MS} ms`);
  const timer = clock.setTimer(HANDSHAKE_TIMEOUT_MS, () => deadline.abort(reason));
  const stop = AbortSignal.any([signal, deadline.signal]);
  try {
    return await run(stop);
  } catch (cause) {
    throw stop.aborted ? stop.reason : cause;
  } finally {
    timer.cancel();
  }
}

/** A connection that is to become a {@linkcode TlsSocket}. */
interface Attempt {
  readonly socket: RustlsSocket;
  readonly settings: TlsSettings;
  readonly stop: AbortSignal;
}

/** Both sides show their certificates; when this one is not content, the connection ends. */
async function identify({ socket, settings, stop }: Attempt): Promise<void> {
  const cut = () => socket.cut();
  stop.addEventListener("abort", cut, { once: true });
  try {
    const refusal = await settings.checkPeer(await socket.shakeHands());
    if (refusal !== null) throw new Error(refusal);
    stop.throwIfAborted();
  } catch (cause) {
    socket.close();
    throw cause;
  } finally {
    stop.removeEventListener("abort", cut);
  }
}
