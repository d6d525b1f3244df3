import { buildMultiaddr, type Component, type Multiaddr } from "../../multiaddr.ts";
import type { ByteSocket, RemoteAddress } from "../../tls_socket.ts";

/** What a wire tells its owner; neither call may throw. */
export interface WireEvents {
  /** A peer has connected, under an address made from where it came. */
  accepted(socket: ByteSocket, address: Multiaddr): void;
  /** A peer was turned away before it could become a neighbour, or could not be accepted. */
  refused(address: string, reason: string): void;
}

/** How bytes reach other nodes, and how sure both sides are of each other: below yamux. */
export interface Wire {
  /** The TCP port that it listens on; 0 before. */
  readonly port: number;

  /** Starts to listen on all interfaces; rejects when the port is taken. */
  listen(port: number, events: WireEvents): Promise<void>;

  /** Connects within a bounded time; rejects with the reason when that fails. */
  dial(address: Multiaddr, signal: AbortSignal): Promise<ByteSocket>;

  /** Accepts nothing any more and ends handshakes under way; given sockets stay open. */
  close(): void;
}

/** The address of a peer that has connected (spec/network.md, section 3.7). */
export function acceptedAddress(
  { hostname, port }: RemoteAddress,
  ...more: readonly Component[]
): Multiaddr {
  return buildMultiaddr([
    { name: hostname.includes(":") ? "ip6" : "ip4", value: hostname },
    { name: "tcp", value: String(port) },
    ...more,
  ]);
}
