import type { Bytes } from "../../../shared/bytes/mod.ts";
import { PREFIX_SIZE } from "../core/frame_reader.ts";
import type { Frame } from "../frame.ts";
import type { Outbox } from "../outbox.ts";

/** Logged when a handshake fails that another node began, with the reason. */
export const REFUSED_TEXT = "tls report error: a node is not let in";
/** Largest message in either direction (spec/network.md, section 4.5). */
export const MESSAGE_SIZE_MAX = 256 * 1024 * 1024;

/** Whether the message is above the limit; the connection that should carry it ends. */
export function isTooLarge(frame: Frame): boolean {
  return frame.size - PREFIX_SIZE > MESSAGE_SIZE_MAX;
}

/** How long a channel may take to send what was begun when it is closed. */
export const CLOSE_WAIT_MS = 500;

/** Where a node is, and the domain that its certificate must be for. */
export interface DialTarget {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  readonly domain: string;
}

/** What a channel works with once it is taken. */
export interface ChannelUse {
  /** Frames to send, taken out as fast as the other side takes them. */
  readonly outbox: Outbox;
  /** A message without its length prefix, not yet decoded; in order per lane of the sender. */
  message(bytes: Bytes): void;
  /** The last call: the channel ended by itself; not called after {@linkcode Channel.close}. */
  ended(reason: string): void;
}

/** One authenticated connection to another node; its other side has proven who it is. */
export interface Channel {
  /** DNS names of the other side's certificate. */
  readonly domains: readonly string[];
  /** `host:port` of the other side, for logs. */
  readonly address: string;
  /** Begins to send and receive. A channel that is not taken must be closed. */
  start(use: ChannelUse): void;
  /** Tells that the outbox has frames; cheap to call again. */
  flush(): void;
  /**
   * Sends for a moment what was begun, then releases the connection; never rejects. No message
   * reaches the user any more.
   */
  close(): Promise<void>;
}

/**
 * What the flavours with certificates differ in: how two nodes are connected, TLS over TCP or QUIC
 * (spec/network.md, sections 4 and 5). Both sides prove by a certificate of the configured CA who
 * they are; the carrier has verified it when it gives a channel. Whether a domain may connect is
 * not its business.
 */
export interface Carrier {
  /** The port for other nodes. */
  readonly port: number;
  /** Accepts connections; throws when it cannot listen. */
  listen(accept: (channel: Channel) => void): Promise<void>;
  /**
   * Connects to a node whose certificate must be valid for the domain. Rejects with an error that
   * says why not, within 10 s, or when the signal aborts.
   */
  dial(target: DialTarget, signal: AbortSignal): Promise<Channel>;
  /** Stops to listen and ends every connection. */
  close(): Promise<void>;
}
