/**
 * TLS without a connection: rustls in the native library. Bytes of the connection come in and go
 * out; whoever owns the connection moves them.
 *
 * @module
 */

import { assert } from "../../shared/assert/mod.ts";
import { type Bytes, concatBytes } from "../../shared/bytes/mod.ts";
import { EngineError, Native, owned } from "./engine/native.ts";

/** Versions of TLS. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** Who a node is and whom it trusts; PEM texts. */
export interface TlsIdentity {
  /** The certificates that a peer's chain must end at. */
  readonly ca: string;
  /** The own certificate, or chain with the own one first. */
  readonly cert: string;
  readonly key: string;
  /** By default "TLSv1.2" to "TLSv1.3". */
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** Offered when dialling; that the other side picks none is no error. */
  readonly alpnProtocols?: readonly string[];
  /** Cipher suites that may be used, by the names of rustls; all by default. */
  readonly suites?: readonly string[];
}

/** How many bytes a session took, and how many it gave. */
export interface Progress {
  readonly taken: number;
  readonly given: number;
}

/** Flags of a session, as `engine/src/tls.rs` has them. */
const IS_HANDSHAKING = 1;
const IS_ENDED = 2;
const IS_PENDING = 4;

/** Certificates of a peer that are looked at. */
const CHAIN_LENGTH_MAX = 8;

/** No certificate is longer: rustls takes a message of a handshake of at most 64 KiB. */
const CERTIFICATE_ROOM_SIZE = 64 * 1024;

const SUITE_ROOM_SIZE = 256;

/** What sessions are made from. Disposal does not end them. */
export class TlsContext implements Disposable {
  readonly #native = new Native();
  readonly #id: number;

  /** Throws an `EngineError` that tells which of its parts is not usable. */
  constructor(identity: TlsIdentity) {
    const { ca, cert, key, alpnProtocols = [], suites = [] } = identity;
    const encoder = new TextEncoder();
    const texts = [ca, cert, key, alpnProtocols.join(), suites.join()]
      .map((text) => encoder.encode(text));
    const sizes = new DataView(new ArrayBuffer(4 * texts.length));
    for (const [index, { length }] of texts.entries()) sizes.setUint32(4 * index, length, true);
    try {
      const { tls_open } = this.#native.symbols;
      const outcome = tls_open(owned(concatBytes(...texts)), sizes.buffer, versionsOf(identity));
      this.#id = this.#native.check(outcome);
    } catch (cause) {
      this.#native[Symbol.dispose]();
      throw cause;
    }
  }

  /** The side that dials; the peer's certificate must be valid for the DNS name. */
  connect(serverName: string): TlsSession {
    assert(serverName !== "", "A peer has a name");
    return new TlsSession(this.#id, serverName);
  }

  /** The side that was dialled. */
  accept(): TlsSession {
    return new TlsSession(this.#id, "");
  }

  [Symbol.dispose](): void {
    this.#native.symbols.tls_drop(this.#id);
    this.#native[Symbol.dispose]();
  }
}

function versionsOf({ minVersion = "TLSv1.2", maxVersion = "TLSv1.3" }: TlsIdentity): number {
  return (minVersion === "TLSv1.2" ? 1 : 0) + (maxVersion === "TLSv1.3" ? 2 : 0);
}

/**
 * One side of a connection. Before each wait for the connection, all that {@linkcode TlsSession.send}
 * gives must be on its way. What rustls refuses is an `EngineError` with its reason; there may be an
 * alert for the peer then, also by `send`.
 */
export class TlsSession implements Disposable {
  readonly #native = new Native();
  readonly #id: number;
  readonly #status = new Uint32Array(2);
  #isOver = false;

  /** For {@linkcode TlsContext}. */
  constructor(context: number, serverName: string) {
    const name = new TextEncoder().encode(serverName);
    try {
      this.#id = this.#native.check(this.#native.symbols.tls_begin(context, name, name.length));
    } catch (cause) {
      this.#native[Symbol.dispose]();
      throw cause;
    }
    this.#status[1] = IS_HANDSHAKING;
  }

  /** Whether the peer has not proved yet who it is. */
  get isHandshaking(): boolean {
    return this.#has(IS_HANDSHAKING);
  }

  /** Whether the peer has said that it sends no more, after what was not read yet. */
  get isEnded(): boolean {
    return this.#has(IS_ENDED);
  }

  /** Whether {@linkcode TlsSession.send} has something to give. */
  get isPending(): boolean {
    return this.#has(IS_PENDING);
  }

  /**
   * Takes bytes of the connection and decrypts them into a buffer while there is room. What is left
   * of them comes with the next call, which may be one without new bytes.
   */
  receive(ciphertext: Bytes, plaintext: Bytes): Progress {
    const { tls_receive } = this.#symbols;
    const [input, output] = [owned(ciphertext), owned(plaintext)];
    assert(output === plaintext, "Threads do not share the buffer");
    const given = this.#native.check(
      tls_receive(this.#id, input, input.length, output, output.length, this.#status),
    );
    return { taken: this.#status[0] ?? 0, given };
  }

  /** Takes bytes for the peer and encrypts them into a buffer while there is room. */
  send(plaintext: Bytes, ciphertext: Uint8Array<ArrayBuffer>): Progress {
    const { tls_send } = this.#symbols;
    const input = owned(plaintext);
    const given = this.#native.check(
      tls_send(this.#id, input, input.length, ciphertext, ciphertext.length, this.#status),
    );
    return { taken: this.#status[0] ?? 0, given };
  }

  /** Makes the alert that tells an end from a cut connection; `send` gives it. */
  close(): void {
    this.#native.check(this.#symbols.tls_close(this.#id));
  }

  /** The certificates that the peer has shown in DER, its own first. */
  peerChain(): Bytes[] {
    const { tls_certificate } = this.#symbols;
    const room = new Uint8Array(CERTIFICATE_ROOM_SIZE);
    const chain: Bytes[] = [];
    while (chain.length < CHAIN_LENGTH_MAX) {
      const outcome = tls_certificate(this.#id, chain.length, room, room.length);
      const size = this.#native.check(outcome);
      if (size === 0) break;
      chain.push(room.slice(0, size));
    }
    return chain;
  }

  /** The cipher suite by the name of rustls. */
  suite(): string {
    const room = new Uint8Array(SUITE_ROOM_SIZE);
    const size = this.#native.check(this.#symbols.tls_suite(this.#id, room, room.length));
    return new TextDecoder().decode(room.subarray(0, size));
  }

  [Symbol.dispose](): void {
    this.#symbols.tls_end(this.#id);
    this.#isOver = true;
    this.#native[Symbol.dispose]();
  }

  /** Whoever waited for the connection may come back after the end; the library may be gone then. */
  get #symbols(): Native["symbols"] {
    if (this.#isOver) throw new EngineError("the session is over");
    return this.#native.symbols;
  }

  #has(flag: number): boolean {
    return ((this.#status[1] ?? 0) & flag) !== 0;
  }
}
