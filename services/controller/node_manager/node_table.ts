import type { ChainStatus } from "../../../proto/gen/sync.ts";
import { StatusCode } from "../../../shared/status/mod.ts";

/** A peer's address in hex. */
export type AddressHex = string;

/** A peer as the table knows it. */
export interface KnownNode {
  readonly address: AddressHex;
  readonly status: ChainStatus;
  /** Session of the local network service that reaches it; null while there is none. */
  readonly origin: bigint | null;
}

/** What {@linkcode NodeTable.record} did with a status. */
export type RecordOutcome =
  | { readonly kind: "new" }
  | { readonly kind: "updated" }
  | { readonly kind: "refused"; readonly code: StatusCode };

interface Misbehaviour {
  /** The session that reached the node then; null when there was none. */
  readonly origin: bigint | null;
  readonly banTimes: number;
  readonly startMs: number;
}

/** A misbehaving node is ignored for that long, doubled with each repetition. */
const MISBEHAVIOUR_MS = 30_000;

/** Doublings are limited as in 6.7: 3840 s. */
const BAN_TIMES_MAX = 7;

/** Addresses cost an attacker nothing: the oldest entry goes when there are more. */
const PUNISHED_MAX = 10_000;

/**
 * Peers by address: their last chain status, the session that reaches them, and who is ignored
 * (spec/controller.md, 16.1). The caller has checked signatures. A node is ignored over the session
 * on which it misbehaved: another one may have repeated its introduction there to have it ignored.
 */
export class NodeTable {
  readonly #statuses = new Map<AddressHex, ChainStatus>();
  readonly #origins = new Map<AddressHex, bigint>();
  readonly #misbehaving = new Map<AddressHex, Misbehaviour>();
  /** With the session that reached the node then; null when there was none. */
  readonly #banned = new Map<AddressHex, bigint | null>();

  /**
   * Remembers which session reaches a node. A session reaches one node: another address that was
   * bound to it is forgotten, so the table never has more nodes than the network has sessions.
   */
  bind(address: AddressHex, origin: bigint): void {
    for (const [other, bound] of this.#origins) {
      if (bound === origin && other !== address) this.#forget(other);
    }
    this.#origins.set(address, origin);
  }

  /** The session that reaches a node. */
  originOf(address: AddressHex): bigint | null {
    return this.#origins.get(address) ?? null;
  }

  /** The node that a session reaches. */
  addressOf(origin: bigint): AddressHex | null {
    for (const [address, bound] of this.#origins) if (bound === origin) return address;
    return null;
  }

  /** Unbinds the nodes whose session is not among those that the network has. */
  retainSessions(live: ReadonlySet<bigint>): void {
    for (const [address, origin] of this.#origins) {
      if (!live.has(origin)) this.#origins.delete(address);
    }
  }

  /** Takes a status of a node unless the node is ignored or the status is not newer. */
  record(address: AddressHex, status: ChainStatus, nowMs: number): RecordOutcome {
    const code = this.#punishmentOf(address, nowMs);
    if (code !== StatusCode.Success) return { kind: "refused", code };
    const known = this.#statuses.get(address);
    if (known !== undefined && status.height <= known.height) {
      return { kind: "refused", code: StatusCode.EarlyStatus };
    }
    this.#statuses.set(address, status);
    return { kind: known === undefined ? "new" : "updated" };
  }

  /** The recorded height of a node. */
  heightOf(address: AddressHex): bigint | null {
    return this.#statuses.get(address)?.height ?? null;
  }

  /** Takes a status that is below the recorded one; false when it is not. */
  lower(address: AddressHex, status: ChainStatus): boolean {
    const known = this.#statuses.get(address);
    if (known === undefined || status.height >= known.height) return false;
    this.#statuses.set(address, status);
    return true;
  }

  #punishmentOf(address: AddressHex, nowMs: number): StatusCode {
    const banned = this.#banned.get(address);
    if (banned !== undefined && this.#isReachedBy(address, banned)) return StatusCode.BannedNode;
    const entry = this.#misbehaving.get(address);
    if (entry === undefined || !this.#isReachedBy(address, entry.origin)) {
      return StatusCode.Success;
    }
    if (nowMs - entry.startMs < MISBEHAVIOUR_MS * 2 ** entry.banTimes) {
      return StatusCode.MisbehaveNode;
    }
    this.#misbehaving.delete(address);
    return StatusCode.Success;
  }

  /** Whether no other session is known to reach a node. */
  #isReachedBy(address: AddressHex, origin: bigint | null): boolean {
    const now = this.originOf(address);
    return now === null || origin === null || now === origin;
  }

  /** Ignores a node for a while; false when it is banned anyway. */
  misbehave(address: AddressHex, nowMs: number): boolean {
    const origin = this.originOf(address);
    const banned = this.#banned.get(address);
    const isBanned = banned !== undefined && this.#isReachedBy(address, banned);
    this.#forget(address);
    if (isBanned) return false;
    const before = this.#misbehaving.get(address);
    const banTimes = before === undefined ? 0 : Math.min(before.banTimes + 1, BAN_TIMES_MAX);
    this.#misbehaving.delete(address);
    this.#misbehaving.set(address, { banTimes, startMs: nowMs, origin });
    dropOldest(this.#misbehaving);
    return true;
  }

  /**
   * Ignores a node until the process ends, over the session that misbehaved in its name.
   *
   * @returns whether that is all that is known of the node: else it stays known over the other one
   */
  ban(address: AddressHex, origin = this.originOf(address)): boolean {
    const isReached = this.#isReachedBy(address, origin);
    if (isReached) this.#forget(address);
    this.#banned.delete(address);
    this.#banned.set(address, origin);
    dropOldest(this.#banned);
    return isReached;
  }

  #forget(address: AddressHex): void {
    this.#origins.delete(address);
    this.#statuses.delete(address);
  }

  /** The recorded nodes in order of their first status. */
  nodes(): KnownNode[] {
    return [...this.#statuses].map(([address, status]) => ({
      address,
      status,
      origin: this.originOf(address),
    }));
  }

  /** The reachable node with the greatest height, of those that the predicate accepts. */
  highest(accepts: (address: AddressHex) => boolean = () => true): KnownNode | null {
    let best: KnownNode | null = null;
    for (const node of this.nodes()) {
      if (node.origin === null || !accepts(node.address)) continue;
      if (best === null || node.status.height > best.status.height) best = node;
    }
    return best;
  }
}

function dropOldest(entries: Map<AddressHex, unknown>): void {
  const [oldest] = entries.keys();
  if (entries.size > PUNISHED_MAX && oldest !== undefined) entries.delete(oldest);
}
