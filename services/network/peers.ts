import type { NodeNetInfo } from "../../proto/gen/common.ts";
import { assert } from "../../shared/assert/mod.ts";

/** One open connection. */
export interface Peer<Session> {
  readonly origin: bigint;
  /** Canonical multiaddr of the other side. */
  readonly address: string;
  /** What the transport has of it. */
  readonly session: Session;
}

/** The neighbours that messages can be sent to, by origin (spec/network.md, section 3.7). */
export class PeerTable<Session> {
  readonly #peers = new Map<bigint, Peer<Session>>();

  /** How many there are. */
  get size(): number {
    return this.#peers.size;
  }

  /** Adds a neighbour; the same address may be there several times, the origin may not. */
  add(peer: Peer<Session>): void {
    assert(!this.#peers.has(peer.origin), "Every connection has an origin of its own");
    this.#peers.set(peer.origin, peer);
  }

  /** Removes a neighbour, if it is there. */
  remove(origin: bigint): void {
    this.#peers.delete(origin);
  }

  /** The neighbour of an origin. */
  get(origin: bigint): Peer<Session> | undefined {
    return this.#peers.get(origin);
  }

  /** All neighbours, longest connected first. */
  all(): readonly Peer<Session>[] {
    return [...this.#peers.values()];
  }

  /** Whether a connection to or from this very address exists. */
  hasAddress(address: string): boolean {
    for (const peer of this.#peers.values()) if (peer.address === address) return true;
    return false;
  }

  /** The answer of `GetPeersNetInfo`. */
  netInfos(): NodeNetInfo[] {
    return this.all().map(({ address, origin }) => ({ multiAddress: address, origin }));
  }
}
