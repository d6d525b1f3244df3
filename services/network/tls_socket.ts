/**
 * Mutual TLS over TCP as plain byte sockets, on `node:tls`, for network_p2p with TLS and for
 * network_tls (spec/network.md, sections 3.3 and 4.3).
 *
 * @module
 */

import { once } from "node:events";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import {
  connect as connectTls,
  createServer as createTlsServer,
  type SecureVersion,
  type TLSSocket,
} from "node:tls";
import { setImmediate } from "node:timers";
import { assert } from "../../shared/assert/mod.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import { HalfOpen } from "./half_open.ts";

/** The other end of a connection. */
export interface RemoteAddress {
  readonly hostname: string;
  readonly port: number;
}

/** A connection that moves bytes; a `Deno.TcpConn` is one as it is. */
export interface ByteSocket {
  readonly remoteAddr: RemoteAddress;
  /** Reads at least one byte; null at the end. Rejects when the connection is lost or closed. */
  read(buffer: Bytes): Promise<number | null>;
  /**
   * Writes some of the bytes, which must not change meanwhile, and resolves when the connection has
   * room for more. Only one write may be under way.
   */
  write(bytes: Bytes): Promise<number>;
  /** Sends small writes at once. */
  setNoDelay(): void;
  close(): void;
}

/** A connection after its handshake. */
export interface TlsSocket extends ByteSocket {
  /** Certificates that the peer presented in DER, its own first. */
  readonly peerChain: readonly Bytes[];
}

/** What a handshake led to. */
export interface Handshake {
  /** Certificates that the peer presented in DER, its own first; never empty. */
  readonly chain: readonly Bytes[];
  /** The cipher suite by its OpenSSL name, e.g. "TLS_AES_256_GCM_SHA384". */
  readonly suite: string;
}

/** Why a peer is not wanted, or null when it is. */
export type PeerCheck = (handshake: Handshake) => string | null | Promise<string | null>;

/** Who this side is and whom it accepts. Certificates and keys are PEM texts. */
export interface TlsSettings {
  readonly ca: string;
  /** The own certificate, or chain with the own one first. */
  readonly cert: string;
  readonly key: string;
  /**
   * Judges a peer before its first byte is read. It must check the chain against `ca` again: a
   * client of this runtime accepts whatever its own default roots vouch for as well.
   */
  readonly checkPeer: PeerCheck;
  /** By default "TLSv1.2" to "TLSv1.3". */
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  /** Offered when dialling; that the other side picks none is no error. */
  readonly alpnProtocols?: readonly string[];
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

/** How long the end of a closed connection may take. */
const CLOSE_WAIT_MS = 500;

/** Bytes that wait for a reader before the peer is held back. */
const UNREAD_SIZE_MAX = 256 * 1024;

/** Certificates of a peer that are looked at. */
const CHAIN_LENGTH_MAX = 8;

/** Connects and identifies both sides; rejects with the reason when that fails. */
export function dialTls(options: TlsDialOptions): Promise<TlsSocket> {
  const { hostname, port, serverName, settings, clock, signal } = options;
  const raw = connectTcp({ host: hostname, port });
  return withDeadline({ raw, clock, signal }, async (stop) => {
    await once(raw, "connect", { signal: stop });
    const alpn = settings.alpnProtocols ?? [];
    const tls = connectTls({
      ...identityOf(settings),
      ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
      socket: raw,
      servername: serverName,
    });
    tls.on("error", () => {}); // reads and writes report it
    await once(tls, "secureConnect", { signal: stop });
    return await identify({ tls, raw, settings, clock });
  });
}

/** Accepts connections of peers with a certificate. */
export class TlsListener {
  readonly #options: TlsListenOptions;
  readonly #server: Server;
  readonly #handshakes = new HalfOpen();

  private constructor(options: TlsListenOptions) {
    this.#options = options;
    this.#server = createServer((raw) => this.#accept(raw));
  }

  /** Starts to listen; rejects when the port is taken. */
  static async listen(options: TlsListenOptions): Promise<TlsListener> {
    const listener = new TlsListener(options);
    listener.#server.listen(options.port, options.hostname);
    await once(listener.#server, "listening");
    // an accept that fails, for want of file handles for example, does not stop the next one
    listener.#server.on("error", () => {});
    return listener;
  }

  /** The port that it listens on. */
  get port(): number {
    const address = this.#server.address();
    assert(typeof address === "object" && address !== null, "The listener is open");
    return address.port;
  }

  /** Ends the handshakes under way and accepts nothing any more; given sockets stay open. */
  close(): void {
    this.#server.close();
    this.#handshakes.endAll("this node stops");
  }

  async #accept(raw: Socket): Promise<void> {
    const { settings, clock, onSocket, onRefused } = this.#options;
    const address = addressOf(raw);
    const handshake = new AbortController();
    const done = this.#handshakes.add((reason) => handshake.abort(new Error(reason)));
    try {
      const { signal } = handshake;
      const socket = await withDeadline({ raw, clock, signal }, async (stop) => {
        const tls = await acceptTls(raw, settings, stop);
        return await identify({ tls, raw, settings, clock });
      });
      onSocket(socket);
    } catch (cause) {
      onRefused(address, cause instanceof Error ? cause.message : String(cause));
    } finally {
      done();
    }
  }
}

/** A connection that is to become a {@linkcode TlsSocket}. */
interface Attempt {
  readonly raw: Socket;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Runs a handshake within its time; when it fails, the connection is gone. */
async function withDeadline(
  { raw, clock, signal }: Attempt,
  run: (stop: AbortSignal) => Promise<TlsSocket>,
): Promise<TlsSocket> {
  const deadline = new AbortController();
  const reason = new Error(`no handshake within ${HANDSHAKE_TIMEOUT_MS} ms`);
  const timer = clock.setTimer(HANDSHAKE_TIMEOUT_MS, () => deadline.abort(reason));
  const stop = AbortSignal.any([signal, deadline.signal]);
  raw.on("error", () => {}); // also said by the event that is waited for
  try {
    const socket = await run(stop);
    stop.throwIfAborted();
    return socket;
  } catch (cause) {
    raw.destroy();
    throw stop.aborted ? stop.reason : cause;
  } finally {
    timer.cancel();
  }
}

/**
 * The server's side of a handshake. A server of `node:tls` for every connection, since it is what
 * checks certificates; its events do not tell which connection they are about.
 */
async function acceptTls(
  raw: Socket,
  settings: TlsSettings,
  stop: AbortSignal,
): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const server = createTlsServer({ ...identityOf(settings), requestCert: true });
  server.once("secureConnection", (tls) => {
    tls.on("error", () => {}); // reads and writes report it
    resolve(tls);
  });
  server.once("tlsClientError", reject);
  stop.addEventListener("abort", () => reject(stop.reason), { once: true });
  server.emit("connection", raw);
  return await promise;
}

/** Both sides have shown their certificates. */
interface Secured {
  readonly tls: TLSSocket;
  readonly raw: Socket;
  readonly settings: TlsSettings;
  readonly clock: Clock;
}

async function identify({ tls, raw, settings, clock }: Secured): Promise<TlsSocket> {
  const chain = chainOf(tls);
  if (!tls.authorized || chain.length === 0) throw new Error("the peer is not authorized");
  const refusal = await settings.checkPeer({ chain, suite: tls.getCipher().name });
  if (refusal !== null) throw new Error(refusal);
  return new NodeTlsSocket({ tls, raw, clock, peerChain: chain });
}

function identityOf({ ca, cert, key, minVersion, maxVersion }: TlsSettings) {
  return {
    ca,
    cert,
    key,
    minVersion: minVersion ?? "TLSv1.2",
    maxVersion: maxVersion ?? "TLSv1.3",
    rejectUnauthorized: true,
  } as const;
}

function chainOf(tls: TLSSocket): Bytes[] {
  const chain: Bytes[] = [];
  let certificate = tls.getPeerCertificate(true);
  while (certificate?.raw !== undefined && chain.length < CHAIN_LENGTH_MAX) {
    chain.push(new Uint8Array(certificate.raw));
    if (certificate.issuerCertificate === certificate) break; // how a root looks
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

function addressOf({ remoteAddress = "", remotePort = 0 }: Socket): RemoteAddress {
  return { hostname: remoteAddress, port: remotePort };
}

/** What a {@linkcode NodeTlsSocket} is made of. */
interface SocketParts {
  readonly tls: TLSSocket;
  readonly raw: Socket;
  readonly clock: Clock;
  readonly peerChain: readonly Bytes[];
}

/**
 * A stream of `node:tls`. The runtime goes on taking what the peer sends while nobody reads the
 * stream, without a bound: so the connection under it is held back here.
 */
class NodeTlsSocket implements TlsSocket {
  readonly remoteAddr: RemoteAddress;
  readonly peerChain: readonly Bytes[];
  readonly #parts: SocketParts;
  /** What was received and not read yet. */
  #chunks: Bytes[] = [];
  #unreadSize = 0;
  #isHeldBack = false;
  #isEnded = false;
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(parts: SocketParts) {
    this.#parts = parts;
    this.remoteAddr = addressOf(parts.raw);
    this.peerChain = parts.peerChain;
    parts.tls.on("data", (chunk: Bytes) => this.#receive(chunk));
    parts.tls.on("end", () => this.#isEnded = true);
    for (const event of ["end", "error", "close"]) parts.tls.on(event, () => this.#wake());
  }

  async read(buffer: Bytes): Promise<number | null> {
    const { tls } = this.#parts;
    for (;;) {
      if (this.#isClosed) throw new Error("the connection is closed");
      const chunk = this.#chunks[0];
      if (chunk !== undefined) return this.#take(chunk, buffer);
      if (tls.errored) throw tls.errored;
      if (this.#isEnded) return null;
      if (tls.destroyed) throw new Error("the connection is lost");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Bytes): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#parts.tls.write(bytes, (cause) => cause ? reject(cause) : resolve(bytes.length));
    });
  }

  setNoDelay(): void {
    this.#parts.raw.setNoDelay(true);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake();
    const { tls, clock } = this.#parts;
    if (tls.destroyed) return;
    const timer = clock.setTimer(CLOSE_WAIT_MS, () => tls.destroy());
    tls.once("close", () => timer.cancel());
    tls.end(); // with the alert that tells an end from a cut connection
  }

  #receive(chunk: Bytes): void {
    this.#chunks.push(chunk);
    this.#unreadSize += chunk.length;
    if (this.#unreadSize >= UNREAD_SIZE_MAX) this.#holdBack();
    this.#wake();
  }

  #take(chunk: Bytes, buffer: Bytes): number {
    const size = Math.min(chunk.length, buffer.length);
    buffer.set(chunk.subarray(0, size));
    if (size === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(size);
    this.#unreadSize -= size;
    if (this.#isHeldBack && this.#unreadSize === 0) this.#goOn();
    return size;
  }

  #holdBack(): void {
    const { raw } = this.#parts;
    this.#isHeldBack = true;
    raw.pause();
    // the stream asks the connection for more once, after this event: then it is stopped for good
    setImmediate(() => {
      if (this.#isHeldBack) raw.pause();
    });
  }

  #goOn(): void {
    this.#isHeldBack = false;
    const { raw } = this.#parts;
    raw.pause(); // so that it knows that it has to start
    raw.resume();
  }
}
