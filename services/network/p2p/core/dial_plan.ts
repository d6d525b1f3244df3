import type { Multiaddr } from "../../multiaddr.ts";

/** How often missing connections to configured peers are looked for (spec/network.md, 3.7). */
export const REDIAL_INTERVAL_MS = 10_000;

/** Dials under way at once: calls of `AddNode` beyond that are answered and forgotten. */
const DIALS_MAX = 1_024;

/** Which addresses to dial, and when: the configured ones for ever, others once. */
export class DialPlan {
  readonly #configured: readonly Multiaddr[];
  readonly #underWay = new Set<string>();
  #nextLookMs = -Infinity;

  constructor(configured: readonly Multiaddr[]) {
    const byText = new Map(configured.map((address) => [address.text, address]));
    this.#configured = [...byText.values()];
  }

  /**
   * The configured addresses to dial now, already marked as begun: at the first call and then every
   * {@linkcode REDIAL_INTERVAL_MS} those that are neither connected nor being dialled.
   */
  due(nowMs: number, isConnected: (address: string) => boolean): readonly Multiaddr[] {
    if (nowMs < this.#nextLookMs) return [];
    this.#nextLookMs = nowMs + REDIAL_INTERVAL_MS;
    return this.#configured.filter(({ text }) => !isConnected(text) && this.begin(text));
  }

  /** Marks a dial as begun; false when there is one to this address, or too many at all. */
  begin(address: string): boolean {
    if (this.#underWay.has(address) || this.#underWay.size >= DIALS_MAX) return false;
    this.#underWay.add(address);
    return true;
  }

  /** Marks a dial as over: its connection is open, or there is none. */
  finish(address: string): void {
    this.#underWay.delete(address);
  }
}

/** Where to connect to. */
export interface DialTarget {
  readonly hostname: string;
  readonly port: number;
  /** DNS name in the certificate of the peer; null when the address has none. */
  readonly domain: string | null;
}

/** The TCP target of an address; a text says why it cannot be dialled. */
export function dialTarget({ components }: Multiaddr): DialTarget | string {
  let hostname: string | null = null;
  let port: number | null = null;
  let domain: string | null = null;
  for (const { name, value } of components) {
    switch (name) {
      case "ip4":
      case "ip6":
      case "dns4":
      case "dns6":
        hostname ??= value;
        break;
      case "tcp":
        if (hostname !== null) port ??= Number(value);
        break;
      case "tls":
        domain ??= value;
        break;
      case "p2p":
        break; // who answers is another question than where
      default:
        return `TransportError: /${name} is not supported`;
    }
  }
  if (hostname === null || hostname === "" || port === null) {
    return "TransportError: a host and a tcp port are needed";
  }
  return { hostname, port, domain };
}
