import type { Clock } from "../../../../shared/clock/mod.ts";
import type { NodeKey } from "../../../../shared/crypto/mod.ts";
import type { MemoryBudget } from "../../core/memory_budget.ts";
import { HalfOpen } from "../../half_open.ts";
import { buildMultiaddr, type Multiaddr } from "../../multiaddr.ts";
import type { ByteSocket } from "../../tls_socket.ts";
import { peerIdIn } from "../core/peer_id.ts";
import { type SecioOptions, type SecioSocket, secureSocket } from "../secio_socket.ts";
import type { Wire, WireEvents } from "./wire.ts";

/** What a {@linkcode SecioWire} works with. */
export interface SecioWireOptions {
  /** What is encrypted. */
  readonly inner: Wire;
  /** Who this node is. */
  readonly key: NodeKey;
  /** The ids that neighbours may have; null for any. */
  readonly knownPeers: ReadonlySet<string> | null;
  /** What unfinished frames of all connections may take. */
  readonly budget: MemoryBudget;
  readonly clock: Clock;
}

/** Encryption between nodes that know each other by their keys (spec/network.md, section 9). */
export class SecioWire implements Wire {
  readonly #options: SecioWireOptions;
  readonly #handshakes = new HalfOpen();

  constructor(options: SecioWireOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#options.inner.port;
  }

  async listen(port: number, events: WireEvents): Promise<void> {
    await this.#options.inner.listen(port, {
      accepted: (socket, address) => {
        this.#accept(socket, address, events);
      },
      refused: events.refused,
    });
  }

  async dial(address: Multiaddr, signal: AbortSignal): Promise<SecioSocket> {
    const wanted = peerIdIn(address);
    const refusalOf = (peerId: string) => {
      if (wanted === null) return this.#refusalOf(peerId);
      return wanted === peerId ? null : `PeerIdNotMatch: the peer is ${peerId}`;
    };
    const socket = await this.#options.inner.dial(address, signal);
    return await this.#secure({ socket, signal, refusalOf });
  }

  close(): void {
    this.#options.inner.close();
    this.#handshakes.endAll("this node stops");
  }

  async #accept(socket: ByteSocket, address: Multiaddr, events: WireEvents): Promise<void> {
    const stop = new AbortController();
    const done = this.#handshakes.add((reason) => stop.abort(new Error(reason)));
    try {
      const { signal } = stop;
      const refusalOf = (peerId: string) => this.#refusalOf(peerId);
      const secured = await this.#secure({ socket, signal, refusalOf });
      events.accepted(secured, withPeerId(address, secured.peerId));
    } catch (cause) {
      events.refused(address.text, cause instanceof Error ? cause.message : String(cause));
    } finally {
      done();
    }
  }

  async #secure(
    parts: Pick<SecioOptions, "socket" | "signal" | "refusalOf">,
  ): Promise<SecioSocket> {
    const { key, budget, clock } = this.#options;
    try {
      return await secureSocket({ ...parts, key, budget, clock });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`SecioError: ${reason}`, { cause });
    }
  }

  #refusalOf(peerId: string): string | null {
    const { knownPeers } = this.#options;
    if (knownPeers === null || knownPeers.has(peerId)) return null;
    return `known_peers_only: no configured address names /p2p/${peerId}`;
  }
}

function withPeerId({ components }: Multiaddr, peerId: string): Multiaddr {
  return buildMultiaddr([...components, { name: "p2p", value: peerId }]);
}
