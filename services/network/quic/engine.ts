/**
 * The QUIC engine: quinn-proto and rustls in the native library. Nothing in it touches a socket or a
 * clock: datagrams and the time come in, datagrams and events go out.
 *
 * @module
 */

import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import { EngineError, Native, owned } from "../engine/native.ts";
import { type Address, ADDRESS_SIZE, decodeAddress } from "./address.ts";

export { EngineError };

/** What a node proves who it is with, and what it checks others against; PEM texts. */
export interface Credentials {
  /** Certificates that a peer's chain must end at. */
  readonly ca: string;
  /** The node's certificate, and what lies between it and the certificate authority. */
  readonly cert: string;
  readonly key: string;
}

/** What happened, in the order that it did. */
export type EngineEvent =
  /** Both sides have proved who they are. */
  | {
    readonly kind: "connected";
    readonly connection: number;
    readonly address: Address;
    readonly isIncoming: boolean;
  }
  /** Also of connections that were never connected; there are no more events of this one. */
  | {
    readonly kind: "lost";
    readonly connection: number;
    readonly address: Address;
    readonly reason: string;
  }
  /**
   * `opened`: the peer has opened a stream, of which there may be something to read. `readable`: a
   * stream of the peer has data or its end to read, unless that was read already. `writable`: a
   * stream of ours takes data again. `finished`: the peer has all of a stream of ours that was
   * finished, or wants no more of it.
   */
  | {
    readonly kind: "opened" | "readable" | "writable" | "finished";
    readonly connection: number;
    readonly stream: number;
  };

/** Datagrams for one address: views that the next {@linkcode Engine.transmit} overwrites. */
export interface Batch {
  readonly address: Address;
  readonly datagrams: readonly Bytes[];
}

/** How a connection does. */
export interface ConnectionStatistics {
  readonly roundTripMs: number;
  readonly sentCount: number;
  readonly lostCount: number;
  readonly sentSize: number;
  readonly receivedSize: number;
  readonly datagramSize: number;
}

/** Set in the answer of `quic_read` beside the count when the stream has ended. */
const ENDED = 1 << 30;

/** Bytes of an event in front of its text. */
const EVENT_HEAD_SIZE = 36;

/** Room for an event with a reason; what is longer is cut. */
const TEXT_ROOM_SIZE = 4 * 1024;

/** Room for a batch: its head and the datagrams that engine/src/quic/engine.rs makes at once. */
const BATCH_HEAD_SIZE = ADDRESS_SIZE + 2;
const BATCH_ROOM_SIZE = BATCH_HEAD_SIZE + 64 * 1024;

/** How much of a stream is read at once. */
const READ_ROOM_SIZE = 256 * 1024;

/** No certificate is longer: the engine takes a handshake of at most 16 KiB. */
const CERTIFICATE_ROOM_SIZE = 64 * 1024;

const STATISTICS_COUNT = 6;

/** Longer reasons do not fit into the packet that ends a connection. */
const REASON_SIZE_MAX = 512;

const NOTHING = new Uint8Array(0);

/**
 * The connections of one node, to peers that prove to be below the same certificate authority with
 * TLS 1.3, without ALPN (spec/network.md, section 5). Times are monotonic milliseconds. Connections
 * and streams are numbers; one that does not exist is an {@linkcode EngineError}.
 */
export class Engine {
  readonly #native = new Native();
  readonly #library = this.#native.symbols;
  readonly #batch = new Uint8Array(BATCH_ROOM_SIZE);
  readonly #data = new Uint8Array(READ_ROOM_SIZE);
  readonly #event = new Uint8Array(TEXT_ROOM_SIZE);
  readonly #view = new DataView(this.#event.buffer);
  readonly #originMs: number;
  readonly #id: number;

  /** Throws an {@linkcode EngineError} when the credentials are not usable. */
  constructor(credentials: Credentials, nowMs: number) {
    const encoder = new TextEncoder();
    const { ca, cert, key } = credentials;
    const [first, second, third] = [ca, cert, key].map((text) => encoder.encode(text));
    const parts = [first ?? NOTHING, second ?? NOTHING, third ?? NOTHING] as const;
    const sizes = [parts[0].length, parts[1].length, parts[2].length] as const;
    this.#originMs = nowMs;
    try {
      this.#id = this.#native.check(
        this.#library.quic_open(owned(concatBytes(...parts)), ...sizes),
      );
    } catch (error) {
      this.#native[Symbol.dispose]();
      throw error;
    }
  }

  /** Starts to connect to a peer whose certificate must be valid for the domain. */
  connect(nowMs: number, address: Bytes, domain: string): number {
    const name = new TextEncoder().encode(domain);
    const now = this.#micros(nowMs);
    return this.#native.check(
      this.#library.quic_connect(this.#id, now, owned(address), name, name.length),
    );
  }

  /** Takes a datagram that came from an address, which {@linkcode encodeAddress} made. */
  receive(nowMs: number, address: Bytes, datagram: Bytes): void {
    const [id, now] = [this.#id, this.#micros(nowMs)];
    const bytes = owned(datagram);
    this.#native.check(this.#library.quic_receive(id, now, owned(address), bytes, bytes.length));
  }

  /** What is to be sent next; null when nothing is. */
  transmit(nowMs: number): Batch | null {
    const batch = this.#batch;
    const now = this.#micros(nowMs);
    const size = this.#native.check(
      this.#library.quic_transmit(this.#id, now, batch, batch.length),
    );
    if (size === 0) return null;
    const step = (batch[ADDRESS_SIZE] ?? 0) + 0x100 * (batch[ADDRESS_SIZE + 1] ?? 0);
    const datagrams: Bytes[] = [];
    for (let start = BATCH_HEAD_SIZE; start < size; start += step) {
      datagrams.push(batch.subarray(start, Math.min(start + step, size)));
    }
    return { address: decodeAddress(batch), datagrams };
  }

  /** When {@linkcode handleTimeout} is due, unless something else happens before; null for never. */
  timeoutMs(): number | null {
    const micros = this.#library.quic_timeout(this.#id);
    return micros < 0 ? null : this.#originMs + micros / 1_000;
  }

  /** Does what is due. */
  handleTimeout(nowMs: number): void {
    this.#native.check(this.#library.quic_handle_timeout(this.#id, this.#micros(nowMs)));
  }

  /** The next event; null when there is none. */
  nextEvent(): EngineEvent | null {
    const size = this.#native.check(
      this.#library.quic_event(this.#id, this.#event, TEXT_ROOM_SIZE),
    );
    if (size === 0) return null;
    const connection = this.#view.getUint32(4, true);
    const kind = this.#view.getUint32(0, true);
    const stream = this.#view.getFloat64(8, true);
    if (kind === 3) return { kind: "readable", connection, stream };
    if (kind === 4) return { kind: "writable", connection, stream };
    if (kind === 5) return { kind: "finished", connection, stream };
    if (kind === 6) return { kind: "opened", connection, stream };
    const address = decodeAddress(this.#event.subarray(16));
    if (kind === 2) {
      const reason = new TextDecoder().decode(this.#event.subarray(EVENT_HEAD_SIZE, size));
      return { kind: "lost", connection, address, reason };
    }
    const isIncoming = this.#view.getUint16(EVENT_HEAD_SIZE - 2, true) === 1;
    return { kind: "connected", connection, address, isIncoming };
  }

  /** The DNS names in the certificate that the peer of a connection has shown. */
  peerDomains(connection: number): readonly string[] {
    const room = new Uint8Array(CERTIFICATE_ROOM_SIZE);
    const { quic_peer_names } = this.#library;
    const size = this.#native.check(quic_peer_names(this.#id, connection, room, room.length));
    return new TextDecoder().decode(room.subarray(0, size)).split(",").filter((name) =>
      name !== ""
    );
  }

  /** Opens a stream to the peer. Streams with a higher priority are sent first. */
  openStream(connection: number, priority: number): number {
    return this.#native.check(this.#library.quic_open_stream(this.#id, connection, priority));
  }

  /** How many of the bytes the stream took; when not all, it tells when it is `writable` again. */
  write(connection: number, stream: number, bytes: Bytes): number {
    const data = owned(bytes);
    return this.#native.check(
      this.#library.quic_write(this.#id, connection, stream, data, data.length),
    );
  }

  /** Ends a stream of ours; it is `finished` when the peer has all of it. */
  finish(connection: number, stream: number): void {
    this.#native.check(this.#library.quic_finish(this.#id, connection, stream));
  }

  /** Reads from a stream of the peer what there is, at most 256 KiB at once. */
  read(connection: number, stream: number): { readonly bytes: Bytes; readonly isEnded: boolean } {
    const data = this.#data;
    const { quic_read } = this.#library;
    const outcome = this.#native.check(quic_read(this.#id, connection, stream, data, data.length));
    return { bytes: data.slice(0, outcome & ~ENDED), isEnded: (outcome & ENDED) !== 0 };
  }

  /** Tells the peer that no more of its stream is wanted. */
  stop(connection: number, stream: number, code: number): void {
    this.#native.check(this.#library.quic_stop(this.#id, connection, stream, code));
  }

  /** Ends a connection; there are no more events of it. */
  close(nowMs: number, connection: number, reason: string): void {
    const text = new TextEncoder().encode(reason).slice(0, REASON_SIZE_MAX);
    const now = this.#micros(nowMs);
    this.#native.check(this.#library.quic_close(this.#id, now, connection, 0, text, text.length));
  }

  /** How a connection does. */
  statistics(connection: number): ConnectionStatistics {
    const numbers = new Float64Array(STATISTICS_COUNT);
    this.#native.check(this.#library.quic_statistics(this.#id, connection, numbers));
    const [roundTripUs = 0, sentCount = 0, lostCount = 0, ...sizes] = numbers;
    const [sentSize = 0, receivedSize = 0, datagramSize = 0] = sizes;
    const roundTripMs = roundTripUs / 1_000;
    return { roundTripMs, sentCount, lostCount, sentSize, receivedSize, datagramSize };
  }

  /** Forgets all connections without a word to their peers. No other method may be called then. */
  [Symbol.dispose](): void {
    this.#library.quic_drop(this.#id);
    this.#native[Symbol.dispose]();
  }

  #micros(nowMs: number): number {
    return Math.round((nowMs - this.#originMs) * 1_000);
  }
}
