/**
 * Peers of `network_tls` and of `network_p2p` with TLS: the TLS library of the platform with frames
 * written by hand (spec/network.md, sections 3.3 and 4.5). In `network_tls` there is no greeting:
 * the first bytes are a frame.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { connect, createServer, type Server, type TLSSocket } from "node:tls";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Identity } from "../../../shared/x509/mod.ts";
import { Inbox } from "../../../services/network/testing/inbox.ts";
import type { DomainAcceptor, DomainDial, DomainPeer, DomainWire } from "./domain_wire.ts";
import { decodeMessage, encodeFrame, type RawMessage } from "./message.ts";
import { dataFrame, RawP2pPeer } from "./p2p.ts";
import { type ByteStream, RawSocket } from "./socket.ts";

/** Versions of TLS that a dialler may insist on. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** A connection with frames on it. */
class FramedPeer implements DomainPeer {
  constructor(readonly socket: RawSocket) {}

  /** Sends a message. */
  send(message: RawMessage): Promise<void> {
    return this.sendBytes(encodeFrame(message));
  }

  sendBytes(bytes: Bytes): Promise<void> {
    return this.socket.write(bytes);
  }

  async ended(): Promise<void> {
    await this.socket.readToEnd();
  }

  /** The next message of the service. */
  async receive(): Promise<RawMessage> {
    const prefix = await this.socket.read(4);
    const size = new DataView(prefix.buffer, prefix.byteOffset).getUint32(0);
    return decodeMessage(await this.socket.read(size), "none");
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }
}

/** Connects with one version of TLS. */
export async function dialTls(options: DomainDial, version: TlsVersion): Promise<DomainPeer> {
  return new FramedPeer(await connectTls(options, version));
}

async function connectTls(
  { port, domain, authorityPem, identity }: DomainDial,
  version: TlsVersion,
): Promise<RawSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({
    host: "127.0.0.1",
    port,
    servername: domain,
    ca: [authorityPem],
    minVersion: version,
    maxVersion: version,
    ...(identity === null ? {} : { cert: identity.certificatePem, key: identity.privateKeyPem }),
  });
  const raw = new RawSocket(new DuplexStream(socket));
  socket.once("secureConnect", resolve);
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("the service closed the connection")));
  await promise;
  return raw;
}

/** yamux and frames inside of TLS. */
class P2pPeer implements DomainPeer {
  constructor(readonly peer: RawP2pPeer) {}

  send(message: RawMessage): Promise<void> {
    return this.peer.send(message);
  }

  sendBytes(bytes: Bytes): Promise<void> {
    return this.peer.socket.write(dataFrame(bytes));
  }

  receive(): Promise<RawMessage> {
    return this.peer.receive();
  }

  async ended(): Promise<void> {
    await this.peer.socket.readToEnd();
  }

  [Symbol.dispose](): void {
    this.peer[Symbol.dispose]();
  }
}

/** Waits for connections of a service, as a node with a certificate. */
class TlsAcceptor implements DomainAcceptor {
  readonly #server: Server;
  readonly #sockets: TLSSocket[] = [];
  readonly #peers = new Inbox<DomainPeer>();

  /** `begin` makes a peer of a connection; it may fail, as when the other side is not content. */
  private constructor(
    identity: Identity,
    authorityPem: string,
    begin: (socket: RawSocket) => Promise<DomainPeer>,
  ) {
    const options = { cert: identity.certificatePem, key: identity.privateKeyPem };
    this.#server = createServer({ ...options, ca: [authorityPem], requestCert: true }, (socket) => {
      this.#sockets.push(socket);
      begin(new RawSocket(new DuplexStream(socket))).then(this.#peers.push, () => {});
    });
  }

  static async listen(
    identity: Identity,
    authorityPem: string,
    begin: (socket: RawSocket) => Promise<DomainPeer>,
  ): Promise<TlsAcceptor> {
    const acceptor = new TlsAcceptor(identity, authorityPem, begin);
    await new Promise<void>((resolve) => acceptor.#server.listen(0, "127.0.0.1", resolve));
    return acceptor;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    return address.port;
  }

  accept(): Promise<DomainPeer> {
    return this.#peers.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The wire of `network_tls`. */
export const TLS_WIRE: DomainWire = {
  flavour: "tls",
  dial: (options) => dialTls(options, "TLSv1.3"),
  listen: (identity, authorityPem) =>
    TlsAcceptor.listen(identity, authorityPem, (socket) => Promise.resolve(new FramedPeer(socket))),
};

/** The wire of `network_p2p` with `enable_tls`. */
export const P2P_TLS_WIRE: DomainWire = {
  flavour: "p2p",
  async dial(options) {
    return new P2pPeer(await RawP2pPeer.dialOver(await connectTls(options, "TLSv1.3")));
  },
  listen: (identity, authorityPem) =>
    TlsAcceptor.listen(
      identity,
      authorityPem,
      async (socket) => new P2pPeer(await RawP2pPeer.acceptOver(socket)),
    ),
};

/** A stream of Node with the reads and writes of Deno. */
class DuplexStream implements ByteStream {
  readonly #chunks: Uint8Array[] = [];
  #end: { readonly error: Error | null } | null = null;
  #wake: () => void = () => {};

  constructor(readonly duplex: Duplex) {
    duplex.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    const end = (error: Error | null) => {
      this.#end ??= { error };
      this.#wake();
    };
    duplex.on("end", () => end(null));
    duplex.on("close", () => end(null));
    duplex.on("error", end);
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#end !== null) {
        if (this.#end.error !== null) throw this.#end.error;
        return null;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const chunk = this.#chunks.shift() ?? new Uint8Array();
    const size = Math.min(chunk.length, buffer.length);
    buffer.set(chunk.subarray(0, size));
    if (size < chunk.length) this.#chunks.unshift(chunk.subarray(size));
    return size;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.duplex.write(bytes, (error) => {
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  close(): void {
    this.duplex.destroy();
  }
}
