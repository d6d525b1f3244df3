import { NetworkMsg } from "../../../proto/gen/network.ts";
import { TotalNodeNetInfo } from "../../../proto/gen/common.ts";
import { type Bytes, equalBytes, readU64be } from "../../../shared/bytes/mod.ts";
import { encode, tryDecode } from "../../../shared/codec/mod.ts";
import { randomBytes } from "../../../shared/crypto/mod.ts";
import { decodeMessage, encodeFrame, type Frame } from "../frame.ts";
import type { Multiaddr } from "../multiaddr.ts";
import { AddressBook, type BookOptions } from "./core/address_book.ts";
import type { Role } from "./core/yamux_session.ts";

/** More than 64 addresses need; a longer message is not even decoded. */
const ADDRESSES_SIZE_MAX = 64 * 1024;

/** The module that messages between network services name. */
export const NETWORK_MODULE = "network";

/** The type of a message with addresses, a `common.TotalNodeNetInfo`. */
const ADDRESSES_TYPE = "addresses";

/** How every message for {@linkcode NETWORK_MODULE} begins: field 1 and its text. */
const BEGINNING = encode(NetworkMsg, NetworkMsg.fromPartial({ module: NETWORK_MODULE }));

/** How often every neighbour is told, besides at the beginning of its session. */
const TELL_INTERVAL_MS = 120_000;

/** A session that was opened. */
export interface OpenedSession {
  readonly origin: bigint;
  readonly role: Role;
  /** As it was dialled, or where it came from. */
  readonly address: string;
}

/** Exchanges addresses with neighbours: `enable_discovery`. Nodes without it ignore the messages. */
export class Discovery {
  readonly #book: AddressBook;
  #nextTellMs = -Infinity;

  constructor(options: Omit<BookOptions, "nodeId">) {
    this.#book = new AddressBook({ ...options, nodeId: readU64be(randomBytes(8)) | 1n });
  }

  /** Notes a session. */
  opened({ origin, role, address }: OpenedSession): void {
    this.#book.opened(origin, role === "dialler" ? address : null);
  }

  /** Notes the end of an opened session. */
  ended(origin: bigint, nowMs: number): void {
    this.#book.ended(origin, nowMs);
  }

  /** Notes that a dial led to no session. */
  failed(address: string, nowMs: number): void {
    this.#book.failed(address, nowMs);
  }

  /** Whether a message is for this service rather than for a module. */
  isAddressed(bytes: Bytes): boolean {
    return equalBytes(bytes.subarray(0, BEGINNING.length), BEGINNING);
  }

  /** Takes such a message; true when discovery has dialled this node itself. */
  receive(origin: bigint, bytes: Bytes, nowMs: number): boolean {
    const message = decodeMessage(bytes);
    if (message?.type !== ADDRESSES_TYPE) return false;
    const isSmall = message.msg.length <= ADDRESSES_SIZE_MAX;
    const nodes = isSmall ? tryDecode(TotalNodeNetInfo, message.msg)?.nodes ?? [] : [];
    const told = nodes.map(({ multiAddress, origin }) => ({
      address: multiAddress,
      nodeId: origin,
    }));
    return this.#book.told(origin, told, nowMs);
  }

  /** What to tell a neighbour. */
  message(): Frame {
    const nodes = this.#book.tell().map(({ address, nodeId }) => ({
      multiAddress: address,
      origin: nodeId,
    }));
    const msg = encode(TotalNodeNetInfo, { nodes });
    return encodeFrame({ module: NETWORK_MODULE, type: ADDRESSES_TYPE, origin: 0n, msg });
  }

  /** Whether it is time to tell every neighbour again. */
  isTimeToTell(nowMs: number): boolean {
    if (nowMs < this.#nextTellMs) return false;
    this.#nextTellMs = nowMs + TELL_INTERVAL_MS;
    return true;
  }

  /** The addresses to dial now. */
  due(nowMs: number): readonly Multiaddr[] {
    return this.#book.due(nowMs);
  }
}
