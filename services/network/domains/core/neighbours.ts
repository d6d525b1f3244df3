import { originOf } from "./origin.ts";

/** A node that may connect and is kept connected; its domain says who it is. */
export interface KnownPeer {
  readonly host: string;
  readonly port: number;
  /** A DNS name of its certificate. */
  readonly domain: string;
}

/** What the shell is to do. */
export type NeighbourEffect<Channel> =
  | { readonly kind: "dial"; readonly peer: KnownPeer }
  | { readonly kind: "cancelDial"; readonly domain: string }
  /** The channel is the neighbour's connection from now on. */
  | {
    readonly kind: "open";
    readonly peer: KnownPeer;
    readonly origin: bigint;
    readonly channel: Channel;
    readonly side: Side;
  }
  | { readonly kind: "close"; readonly channel: Channel; readonly reason: string };

/** Who opened a connection: this node or the neighbour. */
export type Side = "outbound" | "inbound";

/** How neighbours are kept. */
export interface NeighbourOptions {
  /** Domains of this node's own certificate; they break the tie of simultaneous dials. */
  readonly ownDomains: readonly string[];
  /** Pause before a node is dialled again: `reconnect_timeout`. */
  readonly redialMs: number;
}

/** A neighbour as others see it. */
export interface Neighbour<Channel> {
  readonly peer: KnownPeer;
  readonly origin: bigint;
  /** Its connection; null while there is none. */
  readonly channel: Channel | null;
}

/** A domain as it is compared: names of DNS have no case, and may end with the dot of the root. */
export function domainKey(domain: string): string {
  return domain.toLowerCase().replace(/\.$/, "");
}

interface Entry<Channel> extends Neighbour<Channel> {
  channel: Channel | null;
  side: Side;
  openedMs: number;
  endedMs: number;
  /** How many connections one after the other ended soon, up to {@linkcode SHORT_COUNT_MAX}. */
  shortCount: number;
  isDialling: boolean;
  /** When it is to be dialled, unless it is connected. */
  dialAtMs: number;
}

/** Neighbours at once; a chain has far fewer nodes. */
export const NEIGHBOURS_MAX = 4_096;

/**
 * By how much later the greater domain dials: two nodes that start at the same moment, or that lost
 * both connections of a tie, would dial each other at once again.
 */
export const TIE_DELAY_MS = 1_000;

/**
 * By how much later a neighbour is dialled for every connection that ended soon: the reference
 * keeps another connection in a tie than this node, and must not dial at the same moment for ever.
 */
const SHORT_DELAY_MS = 800;
const SHORT_COUNT_MAX = 5;

/** How long a neighbour whose connections keep ending soon must stay away. */
const FLAP_PAUSE_MS = 1_000;

/**
 * The known peers and their connections, at most one each: whom to dial when, and which connection
 * stays if there are two (spec/network.md, section 4.4). A state machine: events in, effects out.
 *
 * It differs from the reference only to a peer's good: when both nodes have dialled at once and
 * both connections are there, the one that the lesser domain opened stays on both sides; and a
 * neighbour that connects anew although its connection seems to be there has lost it, so that the
 * new one stays. Two nodes whose certificates begin with the same name have no lesser one.
 */
export class Neighbours<Channel> {
  readonly #options: NeighbourOptions;
  readonly #entries = new Map<string, Entry<Channel>>();

  constructor(options: NeighbourOptions) {
    this.#options = options;
  }

  /** All known peers. */
  all(): readonly Neighbour<Channel>[] {
    return [...this.#entries.values()];
  }

  /** The known peer of a domain. */
  get(domain: string): Neighbour<Channel> | undefined {
    return this.#entries.get(domainKey(domain));
  }

  /** Those with a connection: the connected set of section 4.8. */
  connected(): readonly (Neighbour<Channel> & { readonly channel: Channel })[] {
    const found: (Neighbour<Channel> & { readonly channel: Channel })[] = [];
    for (const { peer, origin, channel } of this.#entries.values()) {
      if (channel !== null) found.push({ peer, origin, channel });
    }
    return found;
  }

  /** Makes a peer known, to be dialled soon. False when it is known already or one too many. */
  add(peer: KnownPeer, nowMs: number): boolean {
    const key = domainKey(peer.domain);
    if (this.#entries.has(key) || this.#entries.size >= NEIGHBOURS_MAX) return false;
    this.#entries.set(key, {
      peer,
      origin: originOf(peer),
      channel: null,
      side: "outbound",
      openedMs: 0,
      endedMs: -Infinity,
      shortCount: 0,
      isDialling: false,
      dialAtMs: nowMs + this.#tieDelayMs(peer),
    });
    return true;
  }

  /** Forgets a peer and ends its connection. */
  remove(domain: string): readonly NeighbourEffect<Channel>[] {
    const entry = this.#entries.get(domainKey(domain));
    if (entry === undefined) return [];
    this.#entries.delete(domainKey(domain));
    const effects = cancelDial(entry);
    if (entry.channel === null) return effects;
    return [...effects, {
      kind: "close",
      channel: entry.channel,
      reason: "it is no peer any more",
    }];
  }

  /** Whom to dial now. */
  due(nowMs: number): readonly NeighbourEffect<Channel>[] {
    const effects: NeighbourEffect<Channel>[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.channel !== null || entry.isDialling || nowMs < entry.dialAtMs) continue;
      entry.isDialling = true;
      effects.push({ kind: "dial", peer: entry.peer });
    }
    return effects;
  }

  /** A dial led to a connection. */
  dialled(domain: string, channel: Channel, nowMs: number): readonly NeighbourEffect<Channel>[] {
    const entry = this.#entries.get(domainKey(domain));
    if (entry === undefined || !entry.isDialling) {
      return [{ kind: "close", channel, reason: "the dial was cancelled" }];
    }
    entry.isDialling = false;
    return this.#replace(entry, { channel, side: "outbound" }, nowMs);
  }

  /** A dial led to nothing. */
  dialFailed(domain: string, nowMs: number): void {
    const entry = this.#entries.get(domainKey(domain));
    if (entry === undefined || !entry.isDialling) return;
    entry.isDialling = false;
    entry.dialAtMs = this.#redialMs(entry, nowMs);
  }

  /** A node connected whose certificate is for these domains; unknown ones are not let in. */
  accepted(
    domains: readonly string[],
    channel: Channel,
    nowMs: number,
  ): readonly NeighbourEffect<Channel>[] {
    for (const domain of domains) {
      const entry = this.#entries.get(domainKey(domain));
      if (entry === undefined) continue;
      if (entry.shortCount === SHORT_COUNT_MAX && nowMs - entry.endedMs < FLAP_PAUSE_MS) {
        return [{ kind: "close", channel, reason: "it comes and goes too often" }];
      }
      if (!this.#isTakenInstead(entry, domains, nowMs)) {
        return [{ kind: "close", channel, reason: "it has a connection already" }];
      }
      return [...cancelDial(entry), ...this.#replace(entry, { channel, side: "inbound" }, nowMs)];
    }
    return [{ kind: "close", channel, reason: "it is no known peer" }];
  }

  /** A connection ended; one that was replaced before is no matter. */
  ended(domain: string, channel: Channel, nowMs: number): void {
    const entry = this.#entries.get(domainKey(domain));
    if (entry === undefined || entry.channel !== channel) return;
    entry.channel = null;
    entry.endedMs = nowMs;
    const isShort = this.#isFresh(entry, nowMs);
    entry.shortCount = isShort ? Math.min(entry.shortCount + 1, SHORT_COUNT_MAX) : 0;
    entry.dialAtMs = this.#redialMs(entry, nowMs);
  }

  #replace(
    entry: Entry<Channel>,
    { channel, side }: { readonly channel: Channel; readonly side: Side },
    nowMs: number,
  ): readonly NeighbourEffect<Channel>[] {
    const { peer, origin, channel: previous } = entry;
    Object.assign(entry, { channel, side, openedMs: nowMs });
    const effects: NeighbourEffect<Channel>[] = [{ kind: "open", peer, origin, channel, side }];
    if (previous === null) return effects;
    return [{ kind: "close", channel: previous, reason: "a new one replaces it" }, ...effects];
  }

  /** Whether a connection that the neighbour opened takes the place of what there is. */
  #isTakenInstead(entry: Entry<Channel>, domains: readonly string[], nowMs: number): boolean {
    if (entry.channel === null) return true;
    if (!this.#isFresh(entry, nowMs)) return true;
    return entry.side === "outbound" && !this.#isLesser(domains);
  }

  /** Whether the other side may have dialled before it knew of the connection that is there. */
  #isFresh({ openedMs }: Entry<Channel>, nowMs: number): boolean {
    return nowMs - openedMs < this.#options.redialMs;
  }

  /** Whether this node comes before one of these domains, so that its dial stays in a tie. */
  #isLesser(domains: readonly string[]): boolean {
    return least(this.#options.ownDomains) < least(domains);
  }

  #redialMs({ peer, shortCount }: Entry<Channel>, nowMs: number): number {
    const delayMs = this.#tieDelayMs(peer) + shortCount * SHORT_DELAY_MS;
    return nowMs + this.#options.redialMs + delayMs;
  }

  #tieDelayMs({ domain }: KnownPeer): number {
    return this.#isLesser([domain]) ? 0 : TIE_DELAY_MS;
  }
}

/** The least of a node's domains, which both sides of a connection know. */
function least(domains: readonly string[]): string {
  const [first = "", ...others] = domains.map(domainKey);
  return others.reduce((one, other) => one < other ? one : other, first);
}

function cancelDial<Channel>(entry: Entry<Channel>): NeighbourEffect<Channel>[] {
  if (!entry.isDialling) return [];
  entry.isDialling = false;
  return [{ kind: "cancelDial", domain: entry.peer.domain }];
}
