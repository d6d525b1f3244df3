import type { NodeNetInfo } from "../../proto/gen/common.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import type { Frame } from "./frame.ts";

/** An address that a flavour cannot use, for which it has no status code. */
export interface InvalidAddress {
  readonly reason: string;
}

/** What a transport tells the service. */
export interface TransportEvents {
  /** A message of a neighbour, without its length prefix and not yet decoded, in their order. */
  message(origin: bigint, bytes: Bytes): void;
}

/**
 * The connections to other nodes, which is what the flavours differ in. Origins are handles of
 * neighbours that only this node knows (spec/network.md, section 1.1).
 */
export interface Transport {
  /** Accepts connections and keeps those to the configured peers; throws when it cannot listen. */
  listen(events: TransportEvents): Promise<void>;

  /** Starts to connect to an address, given as a multiaddr; the answer does not wait for it. */
  dial(address: string): StatusCode | InvalidAddress;

  /**
   * Queues a frame for a neighbour in the order of the calls. The answer waits a moment when the
   * neighbour is slow, so that a caller who awaits it does not overrun the queue.
   */
  send(origin: bigint, frame: Frame): Promise<StatusCode>;

  /** Queues a frame for every connection; a slow neighbour does not delay the answer. */
  broadcast(frame: Frame): StatusCode;

  /** Every connected neighbour. */
  peers(): readonly NodeNetInfo[];

  /** How many nodes those neighbours stand for. */
  peerCount(): bigint;

  /** Bytes that wait for neighbours. */
  readonly waitingSize: number;

  /** Ends all connections; calls are answered with their codes for a closed service from then on. */
  close(): Promise<void>;
}
