import type { KnownPeer, NeighbourEffect } from "../core/neighbours.ts";

/**
 * The rules of the reference for one known peer (spec/network.md, section 4.4), as a model for
 * tests: it knows no tie, and a connection that is there is never given up for a new one.
 */
export class ReferenceNeighbour<Channel> {
  readonly #peer: KnownPeer;
  readonly #redialMs: number;
  #channel: Channel | null = null;
  #isDialling = false;
  #dialAtMs = 0;

  constructor(peer: KnownPeer, redialMs: number) {
    this.#peer = peer;
    this.#redialMs = redialMs;
  }

  due(nowMs: number): readonly NeighbourEffect<Channel>[] {
    if (this.#channel !== null || this.#isDialling || nowMs < this.#dialAtMs) return [];
    this.#isDialling = true;
    return [{ kind: "dial", peer: this.#peer }];
  }

  dialled(_domain: string, channel: Channel): readonly NeighbourEffect<Channel>[] {
    this.#isDialling = false;
    return this.#take(channel, "outbound");
  }

  dialFailed(_domain: string, nowMs: number): void {
    this.#isDialling = false;
    this.#dialAtMs = nowMs + this.#redialMs;
  }

  accepted(_domains: readonly string[], channel: Channel): readonly NeighbourEffect<Channel>[] {
    const effects: NeighbourEffect<Channel>[] = [];
    if (this.#isDialling) effects.push({ kind: "cancelDial", domain: this.#peer.domain });
    this.#isDialling = false;
    if (this.#channel === null) return [...effects, ...this.#take(channel, "inbound")];
    return [...effects, { kind: "close", channel, reason: "it has a connection already" }];
  }

  ended(_domain: string, channel: Channel, nowMs: number): void {
    if (this.#channel !== channel) return;
    this.#channel = null;
    this.#dialAtMs = nowMs + this.#redialMs;
  }

  #take(channel: Channel, side: "inbound" | "outbound"): readonly NeighbourEffect<Channel>[] {
    this.#channel = channel;
    return [{ kind: "open", peer: this.#peer, origin: 0n, channel, side }];
  }
}
