import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import type { TlsSession } from "./tls_session.ts";

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
  /** The cipher suite by the name that rustls has for it, e.g. "TLS13_AES_256_GCM_SHA384". */
  readonly suite: string;
}

/** How long the end of a closed connection may take. */
const CLOSE_WAIT_MS = 500;

/** What is encrypted at once, and what that may become more: 32 bytes for each 16 KiB and a rest. */
const WRITE_SIZE_MAX = 256 * 1024;
const WRITE_SIZE_MIN = 4 * 1024;
const RECORD_SIZE = 16 * 1024;
const OVERHEAD_SIZE = 32;

/** The buffer for reading grows from the first to the second size while the peer fills it. */
const READ_SIZE_MIN = 4 * 1024;
const READ_SIZE_MAX = 256 * 1024;

const NOTHING = new Uint8Array(0);

/** What a {@linkcode RustlsSocket} is made of; it ends both. */
export interface SocketParts {
  readonly connection: Deno.TcpConn;
  readonly session: TlsSession;
  readonly clock: Clock;
}

/** A session over its connection, from which nothing is taken while nobody reads. */
export class RustlsSocket implements TlsSocket {
  readonly remoteAddr: RemoteAddress;
  readonly #parts: SocketParts;
  readonly #ended = Promise.withResolvers<void>();
  #peerChain: readonly Bytes[] = [];
  /** What came from the connection, and the part of it that the session has not taken yet. */
  #input = new Uint8Array(READ_SIZE_MIN);
  #untaken: Bytes = NOTHING;
  #output = new Uint8Array(0);
  /** Ends with the last write. */
  #writing: Promise<unknown> = Promise.resolve();
  /** Ends the wait for the write under way. */
  #giveUp: () => void = () => {};
  #isClosed = false;
  #isCut = false;

  constructor(parts: SocketParts) {
    const { hostname, port } = parts.connection.remoteAddr;
    this.#parts = parts;
    this.remoteAddr = { hostname, port };
  }

  get peerChain(): readonly Bytes[] {
    return this.#peerChain;
  }

  /** Resolves when nothing is left of the connection. */
  get closed(): Promise<void> {
    return this.#ended.promise;
  }

  /** Comes first; rejects with the reason of this side or of the peer. */
  async shakeHands(): Promise<Handshake> {
    const { session } = this.#parts;
    await this.#send(NOTHING);
    while (session.isHandshaking) {
      if (session.isEnded || !(await this.#fill())) {
        throw new Error("the peer broke the handshake off");
      }
      this.#take(NOTHING);
      await this.#send(NOTHING);
    }
    const chain = session.peerChain();
    this.#peerChain = chain;
    return { chain, suite: session.suite() };
  }

  async read(buffer: Bytes): Promise<number | null> {
    for (;;) {
      if (this.#isClosed) throw closedError();
      const size = this.#take(buffer);
      if (size > 0) return size;
      if (this.#parts.session.isEnded) return null;
      if (!(await this.#fill())) throw new Error("the connection was cut off");
    }
  }

  async write(bytes: Bytes): Promise<number> {
    if (this.#isClosed) throw closedError();
    const piece = bytes.subarray(0, WRITE_SIZE_MAX);
    await this.#send(piece);
    return piece.length;
  }

  setNoDelay(): void {
    this.#parts.connection.setNoDelay(true);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const timer = this.#parts.clock.setTimer(CLOSE_WAIT_MS, () => this.cut());
    this.#takeLeave().catch(() => {}).finally(() => { // the connection may be lost already
      timer.cancel();
      this.cut();
    });
  }

  /** Ends the connection without a word. */
  cut(): void {
    if (this.#isCut) return;
    this.#isClosed = true;
    this.#isCut = true;
    const { connection, session } = this.#parts;
    connection.close();
    session[Symbol.dispose]();
    this.#giveUp();
    this.#ended.resolve();
  }

  /**
   * Tells the peer that this is the end, or why it is refused, and takes what is on its way: the
   * system would reset a connection with unread bytes, and the peer might not see the last of ours.
   */
  async #takeLeave(): Promise<void> {
    const { connection, session } = this.#parts;
    await this.#writing;
    session.close();
    await this.#send(NOTHING);
    await connection.closeWrite();
    while (await connection.read(this.#input) !== null);
  }

  /** Waits for bytes of the connection; false at its end. */
  async #fill(): Promise<boolean> {
    const isFull = this.#untaken.byteOffset + this.#untaken.length === this.#input.length;
    if (isFull && this.#input.length < READ_SIZE_MAX) {
      this.#input = new Uint8Array(this.#input.length * 4);
    }
    let size: number | null;
    try {
      size = await this.#parts.connection.read(this.#input);
    } catch (cause) {
      throw this.#isCut ? closedError() : cause;
    }
    if (this.#isClosed) throw closedError();
    this.#untaken = this.#input.subarray(0, size ?? 0);
    return size !== null;
  }

  /** Decrypts into a buffer; the peer is told when it sent what cannot be. */
  #take(buffer: Bytes): number {
    const { taken, given } = this.#parts.session.receive(this.#untaken, buffer);
    this.#untaken = this.#untaken.subarray(taken);
    return given;
  }

  /** Encrypts and writes, after the writes before. */
  #send(bytes: Bytes): Promise<void> {
    const writing = this.#writing.then(() => this.#sendNow(bytes));
    this.#writing = writing.catch(() => {});
    return writing;
  }

  async #sendNow(bytes: Bytes): Promise<void> {
    const { session } = this.#parts;
    const recordCount = Math.ceil(bytes.length / RECORD_SIZE) + 1;
    const size = bytes.length + recordCount * OVERHEAD_SIZE;
    if (this.#output.length < size) this.#output = new Uint8Array(Math.max(size, WRITE_SIZE_MIN));
    if (this.#isCut) throw closedError();
    let rest = bytes;
    do {
      const { taken, given } = session.send(rest, this.#output);
      rest = rest.subarray(taken);
      for (let sent = 0; sent < given;) {
        sent += await this.#writeNow(this.#output.subarray(sent, given));
      }
      if (this.#isCut) throw closedError();
    } while (rest.length > 0 || session.isPending);
  }

  /** The runtime goes on with a write to a peer that takes nothing after the connection's end. */
  #writeNow(bytes: Bytes): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => reject(closedError());
      this.#parts.connection.write(bytes).then(resolve, reject);
    });
  }
}

function closedError(): Error {
  return new Error("the connection is closed");
}
