import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { ByteQueue } from "./byte_queue.ts";
import {
  decodeHeader,
  encodeHeader,
  FrameFlag,
  type FrameHeader,
  FrameType,
  GoAwayCode,
  HEADER_SIZE,
  WINDOW_SIZE,
} from "./yamux_frame.ts";

/** Who opened the connection: the dialler numbers its streams 1, 3, ..., the acceptor 2, 4, ... */
export type Role = "dialler" | "acceptor";

/** What a session tells its owner. */
export type SessionEvent =
  /** The other side opened a stream. */
  | { readonly kind: "opened"; readonly streamId: number }
  /** Bytes arrived on a stream; their boundaries mean nothing. */
  | { readonly kind: "data"; readonly streamId: number; readonly bytes: Bytes }
  /** The other side will send nothing more on this stream. */
  | { readonly kind: "finished"; readonly streamId: number }
  /** Nothing can be received any more; what {@linkcode YamuxSession.takeOutput} has left is sent. */
  | { readonly kind: "ended"; readonly reason: string; readonly isFault: boolean };

/** Distance of keep-alive pings, and the age at which an unanswered one ends the session. */
const PING_INTERVAL_MS = 30_000;

/** Streams open at once; a further one is reset. */
const STREAMS_MAX = 256;

/**
 * Control frames waiting to be written. An honest peer causes a handful; one that asks for many
 * answers without reading them is cut off.
 */
const CONTROL_FRAMES_MAX = 1_024;

interface Stream {
  readonly id: number;
  readonly unsent: ByteQueue;
  sendWindow: number;
  receiveWindow: number;
  /** Bytes handed on and not yet credited to the sender. */
  consumed: number;
  /** Opened here and not yet acknowledged by the other side. */
  isSynSent: boolean;
  /** The next window update goes out at once and carries the ACK flag, as the reference does. */
  owesAck: boolean;
  isClosing: boolean;
  isFinSent: boolean;
  isFinReceived: boolean;
}

/**
 * One yamux session (spec/network.md, section 3.4) without its connection: bytes in, events and
 * bytes out. Every answer to a frame is ready to be taken when `receive` returns.
 */
export class YamuxSession {
  readonly #streams = new Map<number, Stream>();
  readonly #partialHeader = new Uint8Array(HEADER_SIZE);
  readonly #pingSentMs = new Map<number, number>();
  #control: Bytes[] = [];
  #events: SessionEvent[] = [];
  #partialHeaderSize = 0;
  /** The Data frame whose payload is arriving; null between frames. */
  #dataFrame: FrameHeader | null = null;
  #payloadLeft = 0;
  #nextStreamId: number;
  /** The lowest number that the other side may give its next stream. */
  #nextPeerStreamId: number;
  #nextPing = 1;
  #nextPingMs: number;
  #unsentSize = 0;
  #isEnded = false;

  constructor(role: Role, nowMs: number) {
    this.#nextStreamId = role === "dialler" ? 1 : 2;
    this.#nextPeerStreamId = role === "dialler" ? 2 : 1;
    this.#nextPingMs = nowMs + PING_INTERVAL_MS;
  }

  /** Payload bytes accepted by {@linkcode write} and not yet taken. */
  get unsentSize(): number {
    return this.#unsentSize;
  }

  /** Opens a stream; data may be written to it at once. */
  openStream(): number {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.#streams.set(id, newStream(id, true));
    this.#queueUpdate(id, FrameFlag.Syn, 0);
    return id;
  }

  /**
   * Queues bytes on a stream. Without effect when it is closed, or when the peer has reset it,
   * which may be known here before the owner has handled the events of the same chunk.
   */
  write(streamId: number, parts: readonly Bytes[]): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined || stream.isClosing) return;
    for (const part of parts) {
      stream.unsent.push(part);
      this.#unsentSize += part.length;
    }
  }

  /** Says that nothing more will be written; queued bytes are still sent. */
  closeStream(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined || stream.isClosing) return;
    stream.isClosing = true;
    this.#finishWhenSent(stream);
  }

  /** Drops a stream with everything queued on it. */
  resetStream(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    this.#removeStream(stream);
    this.#queueUpdate(streamId, FrameFlag.Rst, 0);
  }

  /** Ends the session from this side with a reason of {@linkcode GoAwayCode}. */
  end(code: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const stream of this.#streams.values()) stream.unsent.clear();
    this.#streams.clear();
    this.#unsentSize = 0;
    this.#control.push(
      encodeHeader({ type: FrameType.GoAway, flags: 0, streamId: 0, length: code }),
    );
  }

  /** Takes bytes of any size off the connection; the chunk must not change afterwards. */
  receive(chunk: Bytes): readonly SessionEvent[] {
    let offset = 0;
    while (offset < chunk.length && !this.#isEnded) {
      offset = this.#dataFrame === null
        ? this.#receiveHeader(chunk, offset)
        : this.#receivePayload(this.#dataFrame, chunk, offset);
    }
    return this.#takeEvents();
  }

  /** Sends the keep-alive ping when it is due, or ends the session when one was not answered. */
  tick(nowMs: number): readonly SessionEvent[] {
    if (this.#isEnded || nowMs < this.#nextPingMs) return [];
    for (const sentMs of this.#pingSentMs.values()) {
      if (nowMs - sentMs > PING_INTERVAL_MS) {
        this.#fail("the peer did not answer a ping in time", GoAwayCode.Normal);
        return this.#takeEvents();
      }
    }
    const ping = this.#nextPing;
    // wraps below the limit of the length field, which the reference would run into after 91 days
    this.#nextPing = ping + 1 < WINDOW_SIZE ? ping + 1 : 1;
    this.#nextPingMs = nowMs + PING_INTERVAL_MS;
    this.#pingSentMs.set(ping, nowMs);
    this.#queueControl({
      type: FrameType.Ping,
      flags: FrameFlag.Syn,
      streamId: 0,
      length: ping,
    });
    return this.#takeEvents();
  }

  /**
   * Takes what is to be written to the connection, in order: all control frames, then Data frames
   * as far as the windows allow, until `sizeMax` bytes are reached (the last frame may exceed it).
   */
  takeOutput(sizeMax: number): Bytes[] {
    const output = this.#control;
    this.#control = [];
    let size = output.length * HEADER_SIZE;
    for (const stream of this.#streams.values()) {
      while (size < sizeMax && stream.unsent.size > 0 && stream.sendWindow > 0) {
        size += this.#takeDataFrame(stream, output);
      }
      if (stream.isClosing) this.#finishWhenSent(stream);
    }
    return output;
  }

  #takeDataFrame(stream: Stream, output: Bytes[]): number {
    const length = Math.min(stream.unsent.size, stream.sendWindow, WINDOW_SIZE);
    const header = { type: FrameType.Data, flags: 0, streamId: stream.id, length };
    output.push(encodeHeader(header));
    stream.unsent.take(length, output);
    stream.sendWindow -= length;
    this.#unsentSize -= length;
    return HEADER_SIZE + length;
  }

  #receiveHeader(chunk: Bytes, offset: number): number {
    let next = offset + HEADER_SIZE;
    let header: FrameHeader | string;
    if (this.#partialHeaderSize === 0 && next <= chunk.length) {
      header = decodeHeader(chunk, offset);
    } else {
      next = Math.min(offset + HEADER_SIZE - this.#partialHeaderSize, chunk.length);
      this.#partialHeader.set(chunk.subarray(offset, next), this.#partialHeaderSize);
      this.#partialHeaderSize += next - offset;
      if (this.#partialHeaderSize < HEADER_SIZE) return next;
      this.#partialHeaderSize = 0;
      header = decodeHeader(this.#partialHeader, 0);
    }
    if (typeof header === "string") this.#fail(header, GoAwayCode.ProtocolError);
    else this.#handleHeader(header);
    return next;
  }

  #handleHeader(header: FrameHeader): void {
    switch (header.type) {
      case FrameType.Ping:
        return this.#handlePing(header);
      case FrameType.GoAway:
        return this.#fail(`the peer ended the session with code ${header.length}`, null);
      default:
        return this.#handleStreamFrame(header);
    }
  }

  #handlePing({ flags, length }: FrameHeader): void {
    if ((flags & FrameFlag.Syn) !== 0) {
      this.#queueControl({ type: FrameType.Ping, flags: FrameFlag.Ack, streamId: 0, length });
    } else if ((flags & FrameFlag.Ack) !== 0) {
      this.#pingSentMs.delete(length);
    }
  }

  #handleStreamFrame(header: FrameHeader): void {
    const { type, flags, streamId, length } = header;
    if (streamId === 0) return this.#fail("a stream has the number 0", GoAwayCode.ProtocolError);
    if ((flags & FrameFlag.Syn) !== 0 && !this.#acceptStream(streamId)) return;
    const isData = type === FrameType.Data;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      if ((flags & FrameFlag.Ack) !== 0 && stream.isSynSent) {
        stream.isSynSent = false;
        stream.owesAck = true;
      }
      if (isData && length > stream.receiveWindow) {
        return this.#fail("a frame exceeds the window", GoAwayCode.ProtocolError);
      }
      if (isData) stream.receiveWindow -= length;
      else stream.sendWindow += length;
    }
    if (isData && length > 0) {
      this.#dataFrame = header; // a payload without a stream is skipped
      this.#payloadLeft = length;
    } else {
      this.#finishFrame(header);
    }
  }

  /**
   * A number is used once in a session, even when its stream is gone: the owner may still have to
   * handle events of it, which would meet the new stream. Honest peers count upwards.
   */
  #acceptStream(streamId: number): boolean {
    if (streamId < this.#nextPeerStreamId) {
      this.#fail(`stream ${streamId} is opened twice`, GoAwayCode.ProtocolError);
      return false;
    }
    if ((streamId - this.#nextPeerStreamId) % 2 !== 0) {
      this.#fail(`stream ${streamId} is not the peer's to open`, GoAwayCode.ProtocolError);
      return false;
    }
    this.#nextPeerStreamId = streamId + 2;
    if (this.#streams.size >= STREAMS_MAX) {
      this.#queueUpdate(streamId, FrameFlag.Ack | FrameFlag.Rst, 0);
      return true;
    }
    this.#streams.set(streamId, newStream(streamId, false));
    this.#queueUpdate(streamId, FrameFlag.Ack, 0);
    this.#events.push({ kind: "opened", streamId });
    return true;
  }

  #receivePayload(header: FrameHeader, chunk: Bytes, offset: number): number {
    const next = Math.min(offset + this.#payloadLeft, chunk.length);
    this.#payloadLeft -= next - offset;
    const stream = this.#streams.get(header.streamId);
    if (stream !== undefined && (header.flags & FrameFlag.Rst) === 0) {
      stream.consumed += next - offset;
      const bytes = offset === 0 && next === chunk.length ? chunk : chunk.subarray(offset, next);
      this.#events.push({ kind: "data", streamId: stream.id, bytes });
      this.#creditSender(stream);
    }
    if (this.#payloadLeft === 0) {
      this.#dataFrame = null;
      this.#finishFrame(header);
    }
    return next;
  }

  /** Lets the sender go on: after half a window, or at once with the ACK that is owed. */
  #creditSender(stream: Stream): void {
    const isAckDue = stream.owesAck && this.#payloadLeft === 0;
    if (stream.consumed < WINDOW_SIZE / 2 && !isAckDue) return;
    this.#queueUpdate(stream.id, stream.owesAck ? FrameFlag.Ack : 0, stream.consumed);
    stream.owesAck = false;
    stream.receiveWindow += stream.consumed;
    stream.consumed = 0;
  }

  /** Applies the flags that end a stream, once the payload of their frame has arrived. */
  #finishFrame({ flags, streamId }: FrameHeader): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    const isReset = (flags & FrameFlag.Rst) !== 0;
    if (!isReset && ((flags & FrameFlag.Fin) === 0 || stream.isFinReceived)) return;
    stream.isFinReceived = true;
    if (isReset || stream.isFinSent) this.#removeStream(stream);
    this.#events.push({ kind: "finished", streamId });
  }

  #finishWhenSent(stream: Stream): void {
    if (stream.unsent.size > 0 || stream.isFinSent) return;
    stream.isFinSent = true;
    this.#queueUpdate(stream.id, FrameFlag.Fin, 0);
    if (stream.isFinReceived) this.#removeStream(stream);
  }

  #removeStream(stream: Stream): void {
    this.#unsentSize -= stream.unsent.size;
    stream.unsent.clear();
    this.#streams.delete(stream.id);
  }

  #queueUpdate(streamId: number, flags: number, length: number): void {
    this.#queueControl({ type: FrameType.WindowUpdate, flags, streamId, length });
  }

  #queueControl(header: FrameHeader): void {
    if (this.#isEnded) return;
    if (this.#control.length >= CONTROL_FRAMES_MAX) {
      return this.#fail("the peer does not read the answers it asks for", GoAwayCode.ProtocolError);
    }
    this.#control.push(encodeHeader(header));
  }

  /** Ends the session with a code; with null when the other side ended it without a fault. */
  #fail(reason: string, code: number | null): void {
    if (this.#isEnded) return;
    this.end(code ?? GoAwayCode.Normal);
    this.#events.push({ kind: "ended", reason, isFault: code !== null });
  }

  #takeEvents(): readonly SessionEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

function newStream(id: number, isSynSent: boolean): Stream {
  return {
    id,
    unsent: new ByteQueue(),
    sendWindow: WINDOW_SIZE,
    receiveWindow: WINDOW_SIZE,
    consumed: 0,
    isSynSent,
    owesAck: false,
    isClosing: false,
    isFinSent: false,
    isFinReceived: false,
  };
}
