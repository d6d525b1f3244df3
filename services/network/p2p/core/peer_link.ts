import { type Bytes, u32be } from "../../../../shared/bytes/mod.ts";
import { unreachable } from "../../../../shared/assert/mod.ts";
import { FrameReader } from "../../core/frame_reader.ts";
import { ConnectionMemory, type MemoryBudget } from "../../core/memory_budget.ts";
import {
  answerProtocol,
  decodeProtocolInfo,
  encodeProtocolInfo,
  NODE_PROTOCOL,
} from "./protocol_select.ts";
import { GoAwayCode } from "./yamux_frame.ts";
import { type Role, type SessionEvent, YamuxSession } from "./yamux_session.ts";

/** What a link tells its owner. */
export type LinkEvent =
  /** Messages can be sent and will be received from now on. */
  | { readonly kind: "opened" }
  /** One message of the other side, a protobuf `NetworkMsg`. */
  | { readonly kind: "message"; readonly bytes: Bytes }
  /**
   * The last event: the connection is to be closed once the output is written. It is no fault when
   * one of the sides just wanted to go.
   */
  | { readonly kind: "ended"; readonly reason: string; readonly isFault: boolean };

/** How a link begins. */
export interface LinkOptions {
  readonly role: Role;
  /** Largest message in either direction: `grpc_frame`. */
  readonly frameSizeMax: number;
  /** What unfinished messages of all links may take. */
  readonly budget: MemoryBudget;
  readonly nowMs: number;
}

/** How long the protocol select may take (spec/network.md, section 3.5). */
const SELECT_TIMEOUT_MS = 10_000;

/** A `ProtocolInfo` of an honest peer has 39 bytes. */
const SELECT_FRAME_SIZE_MAX = 65_536;

/** How long a peer may take too little of what waits for it, or leave a message unfinished. */
const STALL_TIMEOUT_MS = 30_000;

/**
 * What a peer takes at least in this time of what waits for it, or all of that: one that takes a
 * byte now and then would hold the memory for ever.
 */
const STALL_SIZE_MIN = 64 * 1024;

/**
 * One connection to a neighbour as a state machine: yamux, protocol select and message frames
 * (spec/network.md, sections 3.3 to 3.6), without socket and clock.
 */
export class PeerLink {
  readonly #session: YamuxSession;
  readonly #role: Role;
  readonly #frameSizeMax: number;
  readonly #selectDeadlineMs: number;
  /** The stream of the node protocol; null while an acceptor waits for it. */
  #streamId: number | null = null;
  readonly #memory: ConnectionMemory;
  #reader: FrameReader;
  #state: "selecting" | "open" | "ended" = "selecting";
  #events: LinkEvent[] = [];
  /** When the peer last took enough, or nothing waited for it. */
  #progressMs: number;
  /** When the peer was last seen to send something of a message, or none was unfinished. */
  #receiveProgressMs: number;
  /** Whether something came since the last look. */
  #hasReceived = false;
  /** What it has taken since then, in bytes. */
  #takenSize = 0;

  constructor({ role, frameSizeMax, budget, nowMs }: LinkOptions) {
    this.#memory = new ConnectionMemory(budget);
    this.#reader = new FrameReader({ sizeMax: SELECT_FRAME_SIZE_MAX, memory: this.#memory });
    this.#session = new YamuxSession(role, nowMs);
    this.#role = role;
    this.#frameSizeMax = frameSizeMax;
    this.#selectDeadlineMs = nowMs + SELECT_TIMEOUT_MS;
    this.#progressMs = nowMs;
    this.#receiveProgressMs = nowMs;
    if (role === "dialler") {
      this.#streamId = this.#session.openStream();
      this.#writeFrame(this.#streamId, encodeProtocolInfo(NODE_PROTOCOL));
    }
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether the last event was given. */
  get isEnded(): boolean {
    return this.#state === "ended";
  }

  /** Bytes of messages that wait for the peer. */
  get unsentSize(): number {
    return this.#session.unsentSize;
  }

  /** Takes bytes off the connection; the chunk must not change afterwards. */
  receive(chunk: Bytes): readonly LinkEvent[] {
    for (const event of this.#session.receive(chunk)) this.#handle(event);
    return this.#takeEvents();
  }

  /** Ends the link when a deadline has passed; to be called about every second. */
  tick(nowMs: number): readonly LinkEvent[] {
    if (this.#state === "selecting" && nowMs >= this.#selectDeadlineMs) {
      this.#end("SessionTimeout: no protocol was opened in time");
    }
    if (this.unsentSize === 0) this.#noteProgress(nowMs);
    if (nowMs - this.#progressMs >= STALL_TIMEOUT_MS) {
      this.#end("the peer takes too little of what waits for it");
    }
    if (this.#hasReceived || !this.#reader.isUnfinished) this.#receiveProgressMs = nowMs;
    this.#hasReceived = false;
    if (nowMs - this.#receiveProgressMs >= STALL_TIMEOUT_MS) {
      this.#end("ProtocolError: an unfinished message makes no progress");
    }
    for (const event of this.#session.tick(nowMs)) this.#handle(event);
    return this.#takeEvents();
  }

  /**
   * Queues a message as its frame, the length prefix included; without effect unless open. A frame
   * above the limit ends the link. The caller watches {@linkcode unsentSize}.
   */
  send(frame: readonly Bytes[], frameSize: number): readonly LinkEvent[] {
    if (this.#state !== "open" || this.#streamId === null) return [];
    const messageSize = frameSize - 4;
    if (messageSize > this.#frameSizeMax) {
      this.#end(`ProtocolError: frame of ${messageSize} bytes exceeds ${this.#frameSizeMax}`);
    } else {
      this.#session.write(this.#streamId, frame);
    }
    return this.#takeEvents();
  }

  /** Ends the link because the connection is lost, or is to be closed without a fault. */
  close(reason: string, isFault: boolean): readonly LinkEvent[] {
    this.#end(reason, isFault);
    return this.#takeEvents();
  }

  /** Takes what is to be written to the connection now, about `sizeMax` bytes; may be empty. */
  takeOutput(sizeMax: number, nowMs: number): readonly Bytes[] {
    const unsentSize = this.unsentSize;
    const output = this.#session.takeOutput(sizeMax);
    this.#takenSize += unsentSize - this.unsentSize;
    if (this.unsentSize === 0 || this.#takenSize >= STALL_SIZE_MIN) this.#noteProgress(nowMs);
    return output;
  }

  #noteProgress(nowMs: number): void {
    this.#progressMs = nowMs;
    this.#takenSize = 0;
  }

  #handle(event: SessionEvent): void {
    if (this.#state === "ended") return;
    switch (event.kind) {
      case "opened":
        return this.#handleOpened(event.streamId);
      case "data":
        if (event.streamId === this.#streamId) this.#handleData(this.#streamId, event.bytes);
        return;
      case "finished":
        if (event.streamId === this.#streamId) this.#handleFinished();
        return;
      case "ended":
        return this.#end(event.reason, event.isFault);
      default:
        unreachable(event);
    }
  }

  #handleOpened(streamId: number): void {
    // one stream is all that the protocol needs, a second one is none of an honest peer
    if (this.#streamId !== null) return this.#session.resetStream(streamId);
    this.#streamId = streamId;
    this.#reader.clear();
    this.#reader = new FrameReader({ sizeMax: SELECT_FRAME_SIZE_MAX, memory: this.#memory });
  }

  #handleData(streamId: number, chunk: Bytes): void {
    this.#hasReceived = true;
    this.#reader.push(chunk);
    while (this.#state !== "ended" && this.#streamId === streamId) {
      const frame = this.#reader.next();
      if (frame === null) return;
      if (typeof frame === "string") return this.#end(`ProtocolError: ${frame}`);
      if (this.#state === "open") this.#events.push({ kind: "message", bytes: frame });
      else if (this.#role === "dialler") this.#handleAnswer(frame);
      else this.#handleProposal(streamId, frame);
    }
  }

  #handleProposal(streamId: number, frame: Bytes): void {
    const proposed = decodeProtocolInfo(frame);
    if (proposed === null) return this.#end("ProtocolSelectError: malformed proposal");
    const answer = answerProtocol(proposed);
    this.#writeFrame(streamId, encodeProtocolInfo(answer));
    if (answer.versions.length > 0) return this.#open();
    // the peer may try again on another stream until the time for the select is over
    this.#session.closeStream(streamId);
    this.#streamId = null;
  }

  #handleAnswer(frame: Bytes): void {
    const answer = decodeProtocolInfo(frame);
    if (answer?.name !== NODE_PROTOCOL.name) {
      return this.#end("ProtocolSelectError: the answer names another protocol");
    }
    if (answer.versions.at(-1) === undefined) {
      return this.#end("ProtocolSelectError: no common version");
    }
    this.#open();
  }

  #open(): void {
    this.#state = "open";
    this.#reader.setSizeMax(this.#frameSizeMax);
    this.#events.push({ kind: "opened" });
  }

  #handleFinished(): void {
    if (this.#state === "open") return this.#end("the peer closed the protocol", false);
    if (this.#role === "dialler") return this.#end("ProtocolSelectError: the peer refused");
    if (this.#streamId !== null) this.#session.closeStream(this.#streamId);
    this.#streamId = null;
  }

  #writeFrame(streamId: number, message: Bytes): void {
    this.#session.write(streamId, [u32be(message.length), message]);
  }

  #end(reason: string, isFault = true): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#session.end(GoAwayCode.Normal);
    this.#reader.clear();
    this.#events.push({ kind: "ended", reason, isFault });
  }

  #takeEvents(): readonly LinkEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
