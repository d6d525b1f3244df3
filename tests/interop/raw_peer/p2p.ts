/**
 * A peer of `network_p2p` made of literal bytes: yamux, protocol select and frames as
 * spec/network.md, sections 3.3 to 3.6 and 10, has them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Bytes, concatBytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decodeMessage, encodeFrame, type RawMessage, u32 } from "./message.ts";
import { RawSocket } from "./socket.ts";

/** `ProtocolInfo{"/p2p/0", ["0.0.1"]}` with its length in front. */
export const PROTOCOL_INFO = hex(`
  00000027
  27000000 0c000000 16000000 06000000 2f7032702f30 11000000 08000000 05000000 302e302e31`);

/** The answer to a protocol or version that is not known: no version. */
export const PROTOCOL_REFUSED = hex(`
  0000001a
  1a000000 0c000000 16000000 06000000 2f7032702f30 04000000`);

/** First bytes of a dialler: it opens stream 1 and proposes the protocol. */
export const DIALLER_START = concatBytes(
  hex("00 01 0001 00000001 00000000"),
  hex("00 00 0000 00000001 0000002b"),
  PROTOCOL_INFO,
);

/** First bytes of an acceptor: it accepts the stream and the protocol. */
export const ACCEPTOR_START = concatBytes(
  hex("00 01 0002 00000001 00000000"),
  hex("00 00 0000 00000001 0000002b"),
  PROTOCOL_INFO,
);

/** Types and flags of yamux frames (section 3.4). */
export const DATA = 0;
export const WINDOW_UPDATE = 1;
export const PING = 2;
export const GO_AWAY = 3;
export const SYN = 1;
export const ACK = 2;
export const FIN = 4;
export const RST = 8;

/** Bytes that may be sent before the receiver credits them; also the most in one frame. */
export const WINDOW_SIZE = 262_144;

/** Where services are unless they are in a laboratory. */
const LOCALHOST = "127.0.0.1";

/** Size of a yamux header. */
export const HEADER_SIZE = 12;

/** The stream that a dialler opens. */
export const STREAM = 1;

/** Fields of a yamux header; the version is 0 unless given. */
export interface Header {
  readonly version?: number;
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly length?: number;
}

/** Bytes of hex with blanks in it. */
export function hex(text: string): Bytes {
  return fromHex(text.replace(/\s/g, ""));
}

/** A yamux header. */
export function header({ version = 0, type, flags = 0, stream = 0, length = 0 }: Header): Bytes {
  return concatBytes(Uint8Array.of(version, type, flags >> 8, flags), u32(stream), u32(length));
}

/** A yamux Data frame on the protocol's stream. */
export function dataFrame(payload: Bytes): Bytes {
  return concatBytes(header({ type: DATA, stream: STREAM, length: payload.length }), payload);
}

/** A connection on which the protocol is open; it answers nothing unless it is asked to receive. */
export class RawP2pPeer implements Disposable {
  #sendWindow = WINDOW_SIZE - PROTOCOL_INFO.length;
  #received: Bytes = new Uint8Array();

  private constructor(readonly socket: RawSocket) {}

  /** Connects to a service, which must accept with exactly the bytes of the specification. */
  static async dial(port: number): Promise<RawP2pPeer> {
    return await RawP2pPeer.dialOver(await openSocket(port));
  }

  /** Takes a connection of a service, which must begin with exactly the bytes of the specification. */
  static async accept(listener: Deno.TcpListener): Promise<RawP2pPeer> {
    const connection = await listener.accept();
    connection.setNoDelay();
    return await RawP2pPeer.acceptOver(new RawSocket(connection));
  }

  /** As {@linkcode dial}, on a connection that is there. */
  static async dialOver(socket: RawSocket): Promise<RawP2pPeer> {
    await socket.write(DIALLER_START);
    assert.equal(toHex(await socket.read(ACCEPTOR_START.length)), toHex(ACCEPTOR_START));
    return new RawP2pPeer(socket);
  }

  /** As {@linkcode accept}, on a connection that is there. */
  static async acceptOver(socket: RawSocket): Promise<RawP2pPeer> {
    assert.equal(toHex(await socket.read(DIALLER_START.length)), toHex(DIALLER_START));
    await socket.write(ACCEPTOR_START);
    // the reference credits what it has read so far together with the acknowledgement
    const credit = {
      type: WINDOW_UPDATE,
      flags: ACK,
      stream: STREAM,
      length: PROTOCOL_INFO.length,
    };
    assert.equal(toHex(await socket.read(HEADER_SIZE)), toHex(header(credit)));
    return new RawP2pPeer(socket);
  }

  /** Sends a message, in as many Data frames as the window asks for. */
  async send(message: RawMessage): Promise<void> {
    for (let rest = encodeFrame(message); rest.length > 0;) {
      while (this.#sendWindow === 0) await this.#receiveFrame();
      const payload = rest.subarray(0, this.#sendWindow);
      await this.socket.write(dataFrame(payload));
      this.#sendWindow -= payload.length;
      rest = rest.subarray(payload.length);
    }
  }

  /** The next message of the service. */
  async receive(): Promise<RawMessage> {
    for (;;) {
      const message = this.#takeMessage();
      if (message !== null) return decodeMessage(message, "any");
      await this.#receiveFrame();
    }
  }

  #takeMessage(): Bytes | null {
    if (this.#received.length < 4) return null;
    const { buffer, byteOffset } = this.#received;
    const end = 4 + new DataView(buffer, byteOffset).getUint32(0);
    if (this.#received.length < end) return null;
    const message = this.#received.subarray(4, end);
    this.#received = this.#received.subarray(end);
    return message;
  }

  async #receiveFrame(): Promise<void> {
    const head = await this.socket.read(HEADER_SIZE);
    const view = new DataView(head.buffer, head.byteOffset);
    const length = view.getUint32(8);
    const [version, type] = head;
    assert.equal(version, 0);
    if (type === DATA) {
      assert.equal(view.getUint32(4), STREAM);
      this.#received = concatBytes(this.#received, await this.socket.read(length));
      await this.socket.write(header({ type: WINDOW_UPDATE, stream: STREAM, length }));
    } else if (type === WINDOW_UPDATE) {
      assert.equal(view.getUint16(2) & ~ACK, 0, "the stream is to stay open");
      this.#sendWindow += length;
    } else if (type === PING && view.getUint16(2) === SYN) {
      await this.socket.write(header({ type: PING, flags: ACK, length }));
    } else {
      throw new Error(`the service sent the header ${toHex(head)}`);
    }
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }
}

/** A connection on which nothing was said yet. */
export async function openSocket(port: number, hostname = LOCALHOST): Promise<RawSocket> {
  const connection = await Deno.connect({ hostname, port });
  connection.setNoDelay();
  return new RawSocket(connection);
}
