import type { AddressHex } from "../node_manager/mod.ts";

/** A request for blocks; both ends are included. */
export interface SyncRequest {
  readonly address: AddressHex;
  readonly start: bigint;
  readonly end: bigint;
}

/** A request, and when it was sent. */
export interface PendingRequest extends SyncRequest {
  readonly sentMs: number;
}

/** Requests that wait for an answer, also those whose blocks came from elsewhere meanwhile. */
export class RequestBook {
  #pending: PendingRequest[] = [];

  add(request: SyncRequest, sentMs: number): void {
    this.#pending.push({ ...request, sentMs });
  }

  /** How many a peer has to answer. */
  countOf(address: AddressHex): number {
    return this.#pending.filter((request) => request.address === address).length;
  }

  /** Whether a peer has left a request unanswered since a time or longer. */
  isLate(address: AddressHex, sinceMs: number): boolean {
    return this.#pending.some((request) =>
      request.address === address && request.sentMs <= sinceMs
    );
  }

  /** Whether a peer was asked for a block. */
  hasAsked(address: AddressHex, height: bigint): boolean {
    return this.#pending.some((request) => request.address === address && covers(request, height));
  }

  /** The requests for a block. */
  covering(height: bigint): PendingRequest[] {
    return this.#pending.filter((request) => covers(request, height));
  }

  /** Whether a block is asked for by another request than some. */
  isPending(height: bigint, without: readonly PendingRequest[]): boolean {
    return this.#pending.some((request) => covers(request, height) && !without.includes(request));
  }

  /** Removes the request that a peer answers with blocks from a height on; null for none. */
  take(address: AddressHex, start: bigint | undefined): SyncRequest | null {
    const request = this.#pending.find((pending) =>
      pending.address === address && pending.start === start
    );
    if (request === undefined) return null;
    this.#pending = this.#pending.filter((pending) => pending !== request);
    return request;
  }

  /** Peers that have left a request unanswered since a time or longer; forgets all of theirs. */
  expire(sinceMs: number): Set<AddressHex> {
    const late = new Set(
      this.#pending.filter(({ sentMs }) => sentMs <= sinceMs).map(({ address }) => address),
    );
    this.#pending = this.#pending.filter(({ address }) => !late.has(address));
    return late;
  }

  dropPeer(address: AddressHex): void {
    this.#pending = this.#pending.filter((request) => request.address !== address);
  }

  clear(): void {
    this.#pending = [];
  }
}

function covers({ start, end }: SyncRequest, height: bigint): boolean {
  return start <= height && height <= end;
}
