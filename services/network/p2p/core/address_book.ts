import { type Multiaddr, parseMultiaddr } from "../../multiaddr.ts";
import { dialTarget } from "./dial_plan.ts";

/** An address as nodes tell it to each other. */
export interface ToldAddress {
  /** A multiaddr; empty when a node names only itself. */
  readonly address: string;
  /** The number of the node that is there; 0 when it is not known. */
  readonly nodeId: bigint;
}

/** What a book begins with. */
export interface BookOptions {
  /** Names this node: a random number but 0. */
  readonly nodeId: bigint;
  /** Under which others reach this node; null when it tells none. */
  readonly advertised: string | null;
  /** Dialled anyhow, not by discovery. */
  readonly configured: readonly string[];
  /** Whether addresses have a `/tls/` part: they must all or none. */
  readonly needsDomain: boolean;
}

/** Addresses in one message. */
export const TOLD_COUNT_MAX = 64;

/** Addresses that are remembered. */
export const BOOK_SIZE_MAX = 256;

/** Shortest distance of two messages of one neighbour; an earlier one is ignored. */
export const TELL_INTERVAL_MIN_MS = 60_000;

/** Longest address. */
const ADDRESS_LENGTH_MAX = 256;

/** Dials that one look may begin, and sessions that discovery may have dialled. */
const DIALS_PER_LOOK_MAX = 8;
const DISCOVERED_SESSIONS_MAX = 64;

/** Wait after the first failure; it doubles with each further one. */
const RETRY_MS = 10_000;

/** Failures in a row after which an address is forgotten, some ten minutes after the first. */
const FAILURES_MAX = 6;

interface Entry {
  readonly address: Multiaddr;
  nodeId: bigint;
  failures: number;
  nextDialMs: number;
}

interface Neighbour {
  /** The address that was dialled; null when the neighbour did. */
  readonly dialled: string | null;
  /** 0 until it has told. */
  nodeId: bigint;
  lastToldMs: number;
}

/**
 * Addresses of further nodes, as neighbours tell them, and whom to dial. It takes nobody's word: an
 * address is told on only while a session to it is open that this node has dialled. Wanted is one
 * such session to every node, as between nodes that list each other (spec/network.md, section 3.7).
 */
export class AddressBook {
  readonly #options: BookOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #neighbours = new Map<bigint, Neighbour>();

  /** Whether nodes on this machine or link are neighbours by configuration. */
  readonly #hasLocalPeers: boolean;

  constructor(options: BookOptions) {
    this.#options = options;
    this.#hasLocalPeers = options.configured.some((text) => {
      const address = parseMultiaddr(text);
      const target = address === null ? "" : dialTarget(address);
      return typeof target !== "string" && isLocal(target.hostname);
    });
  }

  /** The addresses that are remembered. */
  get addresses(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** A session was opened; `dialled` is the address, null when the neighbour dialled. */
  opened(origin: bigint, dialled: string | null): void {
    this.#neighbours.set(origin, { dialled, nodeId: 0n, lastToldMs: -Infinity });
    const entry = this.#entries.get(dialled ?? "");
    if (entry !== undefined) entry.failures = 0;
  }

  /** An opened session is over. */
  ended(origin: bigint, nowMs: number): void {
    const entry = this.#entries.get(this.#neighbours.get(origin)?.dialled ?? "");
    if (entry !== undefined) entry.nextDialMs = nowMs + RETRY_MS;
    this.#neighbours.delete(origin);
  }

  /** A dial led to no session. */
  failed(address: string, nowMs: number): void {
    const entry = this.#entries.get(address);
    if (entry === undefined) return;
    entry.failures += 1;
    entry.nextDialMs = nowMs + RETRY_MS * 2 ** (entry.failures - 1);
    if (entry.failures >= FAILURES_MAX) this.#entries.delete(address);
  }

  /** What to tell a neighbour: this node first, then those that it has reached. */
  tell(): readonly ToldAddress[] {
    const { advertised, nodeId } = this.#options;
    const told = new Map<string, ToldAddress>();
    for (const { dialled, nodeId } of this.#neighbours.values()) {
      if (dialled !== null) told.set(dialled, { address: dialled, nodeId });
    }
    return [{ address: advertised ?? "", nodeId }, ...told.values()].slice(0, TOLD_COUNT_MAX);
  }

  /**
   * Takes what a neighbour tells: itself first, then others.
   *
   * @returns whether discovery has dialled this node itself. A number that another neighbour has
   *   told too is no reason to end a session: anybody can claim it.
   */
  told(origin: bigint, addresses: readonly ToldAddress[], nowMs: number): boolean {
    const neighbour = this.#neighbours.get(origin);
    const [own] = addresses;
    if (neighbour === undefined || own === undefined) return false;
    if (addresses.length > TOLD_COUNT_MAX) return false;
    if (nowMs - neighbour.lastToldMs < TELL_INTERVAL_MIN_MS) return false;
    neighbour.lastToldMs = nowMs;
    for (const told of addresses) this.#remember(told, nowMs);
    const entry = this.#entries.get(neighbour.dialled ?? "");
    if (entry !== undefined) entry.nodeId = own.nodeId;
    neighbour.nodeId = own.nodeId;
    return own.nodeId === this.#options.nodeId && entry !== undefined;
  }

  /** The addresses to dial now. */
  due(nowMs: number): readonly Multiaddr[] {
    const reached = new Set([...this.#neighbours.values()].map(({ dialled }) => dialled));
    const discovered = [...reached].filter((address) => this.#entries.has(address ?? "")).length;
    const due = [...this.#entries.values()].filter(({ address, nodeId, nextDialMs }) =>
      nowMs >= nextDialMs && !reached.has(address.text) && nodeId !== this.#options.nodeId &&
      !this.#isReached(nodeId)
    );
    const room = Math.min(DIALS_PER_LOOK_MAX, DISCOVERED_SESSIONS_MAX - discovered);
    const chosen = due.slice(0, Math.max(0, room));
    for (const entry of chosen) entry.nextDialMs = nowMs + RETRY_MS;
    return chosen.map(({ address }) => address);
  }

  /** Whether this node has dialled a session to that node. */
  #isReached(nodeId: bigint): boolean {
    if (nodeId === 0n) return false;
    for (const neighbour of this.#neighbours.values()) {
      if (neighbour.dialled !== null && neighbour.nodeId === nodeId) return true;
    }
    return false;
  }

  #remember({ address: text, nodeId }: ToldAddress, nowMs: number): void {
    const address = this.#read(text);
    if (address === null || nodeId === this.#options.nodeId) return;
    const known = this.#entries.get(address.text);
    if (known !== undefined) {
      if (known.nodeId === 0n) known.nodeId = nodeId;
    } else if (this.#makeRoom()) {
      this.#entries.set(address.text, { address, nodeId, failures: 0, nextDialMs: nowMs });
    }
  }

  /** The address when it is worth remembering. */
  #read(text: string): Multiaddr | null {
    const { advertised, configured, needsDomain } = this.#options;
    const address = text.length > ADDRESS_LENGTH_MAX ? null : parseMultiaddr(text);
    if (address === null || address.text === advertised) return null;
    if (configured.includes(address.text)) return null;
    const target = dialTarget(address);
    if (typeof target === "string" || target.port === 0) return null;
    if (target.hostname === "0.0.0.0" || target.hostname === "::") return null;
    if (isLocal(target.hostname) && !this.#hasLocalPeers) return null;
    return (target.domain !== null) === needsDomain ? address : null;
  }

  /** Gives up the address that failed most for a new one; false when none has failed. */
  #makeRoom(): boolean {
    if (this.#entries.size < BOOK_SIZE_MAX) return true;
    let worst: Entry | null = null;
    for (const entry of this.#entries.values()) {
      if (entry.failures > (worst?.failures ?? 0)) worst = entry;
    }
    return worst !== null && this.#entries.delete(worst.address.text);
  }
}

/**
 * Loopback and link-local addresses: what is there is another service of this machine, unless nodes
 * share it, and a stranger must not make this node connect to it.
 */
function isLocal(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^::ffff:/, "").replace(/\.$/, "");
  return /^(127|169\.254)\./.test(name) || /^fe[89ab][0-9a-f]:/.test(name) || name === "::1" ||
    name === "localhost" || name.endsWith(".localhost");
}
