/**
 * A peer of `network_quic`: the QUIC of Deno, which is the reference's library, with frames written
 * by hand on streams of one direction (spec/network.md, section 5). It needs `--unstable-net`.
 *
 * @module
 */

import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Identity } from "../../../shared/x509/mod.ts";
import { Inbox } from "../../../services/network/testing/inbox.ts";
import type { DomainAcceptor, DomainDial, DomainPeer, DomainWire } from "./domain_wire.ts";
import { decodeMessage, encodeFrame, type RawMessage } from "./message.ts";
import { type ByteStream, RawSocket } from "./socket.ts";

/** Several messages may come on one stream, and messages on several streams. */
class QuicPeer implements DomainPeer {
  readonly #streams: ReadableStreamDefaultReader<Deno.QuicReceiveStream>;
  #current: RawSocket | null = null;

  constructor(readonly connection: Deno.QuicConn) {
    this.#streams = connection.incomingUnidirectionalStreams.getReader();
    connection.closed.catch(() => {}); // ended() tells
  }

  /** Sends a message on a stream of its own. */
  send(message: RawMessage): Promise<void> {
    return this.sendBytes(encodeFrame(message));
  }

  async sendBytes(bytes: Bytes): Promise<void> {
    const writer = (await this.connection.createUnidirectionalStream()).getWriter();
    await writer.write(Uint8Array.from(bytes));
    await writer.close();
  }

  async receive(): Promise<RawMessage> {
    for (;;) {
      this.#current ??= await this.#nextStream();
      const prefix = await this.#current.read(4).catch(() => null);
      if (prefix === null) {
        this.#current = null;
        continue;
      }
      const size = new DataView(prefix.buffer, prefix.byteOffset).getUint32(0);
      return decodeMessage(await this.#current.read(size), "none");
    }
  }

  async #nextStream(): Promise<RawSocket> {
    const { value } = await this.#streams.read();
    if (value === undefined) throw new Error("the connection ended");
    return new RawSocket(new StreamBytes(value.getReader()));
  }

  async ended(): Promise<void> {
    await this.connection.closed.catch(() => {});
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }
}

class QuicAcceptor implements DomainAcceptor {
  readonly #endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1" });
  readonly #peers = new Inbox<DomainPeer>();
  #isClosed = false;

  constructor({ certificatePem, privateKeyPem }: Identity) {
    const options = { cert: certificatePem, key: privateKeyPem, alpnProtocols: [] };
    void this.#acceptAll(this.#endpoint.listen(options));
  }

  get port(): number {
    return this.#endpoint.addr.port;
  }

  accept(): Promise<DomainPeer> {
    return this.#peers.next();
  }

  /** A handshake goes on only when it is accepted; one that fails is no matter. */
  async #acceptAll(listener: Deno.QuicListener): Promise<void> {
    while (!this.#isClosed) {
      const connection = await listener.accept().catch(() => null);
      if (connection !== null) this.#peers.push(new QuicPeer(connection));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#endpoint.close();
    return Promise.resolve();
  }
}

/** The wire of `network_quic`; a node that listens here asks for no certificate. */
export const QUIC_WIRE: DomainWire = {
  flavour: "quic",
  dial: async (options) => new QuicPeer(await connect(options)),
  listen: (identity) => Promise.resolve(new QuicAcceptor(identity)),
};

async function connect(
  { port, domain, authorityPem, identity }: DomainDial,
): Promise<Deno.QuicConn> {
  const options = {
    hostname: "127.0.0.1",
    port,
    serverName: domain,
    alpnProtocols: [],
    caCerts: [authorityPem],
    keepAliveInterval: 500,
    // the types do not know that a client may have a certificate
    ...(identity === null ? {} : { cert: identity.certificatePem, key: identity.privateKeyPem }),
  };
  return await Deno.connectQuic(options);
}

/** A stream of one direction with the reads of Deno. */
class StreamBytes implements ByteStream {
  #rest = new Uint8Array();

  constructor(readonly reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>) {}

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { value } = await this.reader.read();
      if (value === undefined) return null;
      this.#rest = value;
    }
    const size = Math.min(this.#rest.length, buffer.length);
    buffer.set(this.#rest.subarray(0, size));
    this.#rest = this.#rest.subarray(size);
    return size;
  }

  write(): Promise<number> {
    return Promise.reject(new Error("the service sends on this stream"));
  }

  close(): void {
    void this.reader.cancel();
  }
}
