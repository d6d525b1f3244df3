import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Identity } from "../../../shared/x509/mod.ts";
import type { RawMessage } from "./message.ts";

/** How a dialler shows itself to a service whose peers have certificates. */
export interface DomainDial {
  readonly port: number;
  /** The name that is asked for. */
  readonly domain: string;
  /** PEM text of the authority that the service is checked against. */
  readonly authorityPem: string;
  /** No certificate when null. */
  readonly identity: Identity | null;
}

/** A connection to a service, with frames on it. */
export interface DomainPeer extends Disposable {
  send(message: RawMessage): Promise<void>;
  /** Sends bytes where a frame is expected. */
  sendBytes(bytes: Bytes): Promise<void>;
  /** The next message of the service. */
  receive(): Promise<RawMessage>;
  /** Resolves when the service has ended the connection. */
  ended(): Promise<void>;
}

/** A node that a service may dial. */
export interface DomainAcceptor extends AsyncDisposable {
  readonly port: number;
  accept(): Promise<DomainPeer>;
}

/** A flavour of the service with certificates; p2p has them when its table says `enable_tls`. */
export type DomainFlavour = "tls" | "quic" | "p2p";

/** A wire on which certificates say who a peer is. */
export interface DomainWire {
  readonly flavour: DomainFlavour;
  /**
   * Connects. A client of TLS 1.3 takes the handshake for done before the service has looked at its
   * certificate: that it is refused shows when the connection ends.
   */
  dial(options: DomainDial): Promise<DomainPeer>;
  listen(identity: Identity, authorityPem: string): Promise<DomainAcceptor>;
}
