import type { Buffer } from "node:buffer";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Bytes } from "../bytes/mod.ts";
import { SYSTEM_CLOCK, type Timer } from "../clock/mod.ts";
import type { Admission, Ticket } from "./admission.ts";
import { FrameError, frameMessage, unframeMessage } from "./message_frame.ts";
import { type CallStatus, statusHeaders } from "./call_status.ts";
import type { Caller } from "./grpc_service.ts";
import type { WriteBatch } from "./write_batch.ts";

/** What a handler makes of a request: the encoded answer, or a status. */
export type Answer =
  | { readonly message: Bytes }
  | { readonly status: CallStatus };

/** A method as a server serves it. */
export interface ServedMethod {
  readonly admission: Admission;
  /** The answer when there is no room for the call. */
  readonly refusal: Answer;
  /** Answers an encoded request; never throws. */
  handle(request: Bytes, headers: IncomingHttpHeaders, caller: Caller): Promise<Answer>;
}

/** What a call is made of. */
export interface ServedCallDeps {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly batch: WriteBatch;
  readonly method: ServedMethod;
}

/** Smaller answers add up to less than 2 MiB on one connection, and are worth no timer. */
const TIMED_ANSWER_BYTES_MIN = 16 * 1024;

/** The headers of every answer. */
export const ANSWER_HEADERS = { ":status": 200, "content-type": "application/grpc" };
const OK_TRAILERS = { "grpc-status": "0" };

/**
 * A call that a server got: an {@linkcode Admission} counts it, makes it wait, or refuses it. The
 * pieces of a request are counted as they arrive, because the HTTP/2 of Deno 2.7.14 keeps nothing
 * back from a server that does not read.
 */
export class ServedCall implements Caller {
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #batch: WriteBatch;
  readonly #method: ServedMethod;
  #pieces: Buffer[] = [];
  #ticket: Ticket | null;
  /** The caller is gone; what the handler works on is held until it is done. */
  #isOver = false;
  #isAnswered = false;
  #timer: Timer | null = null;

  constructor({ stream, headers, batch, method }: ServedCallDeps) {
    this.#stream = stream;
    this.#headers = headers;
    this.#batch = batch;
    this.#method = method;
    this.#ticket = method.admission.open();
    stream.on("data", (piece: Buffer) => this.#receive(piece));
    stream.on("end", () => this.#begin());
    stream.on("close", () => this.#over());
    if (this.#ticket === null) this.#refuse();
  }

  get isGone(): boolean {
    return this.#isOver;
  }

  #receive(piece: Buffer): void {
    if (this.#ticket === null) return; // it was refused: the rest of it is thrown away
    if (this.#method.admission.receive(this.#ticket, piece.length)) this.#pieces.push(piece);
    else this.#refuse();
  }

  /** The request is complete. */
  #begin(): void {
    const ticket = this.#ticket;
    if (ticket === null || this.#isOver) return;
    this.#method.admission.whenItsTurn(ticket, () => this.#handle(ticket));
  }

  async #handle(ticket: Ticket): Promise<void> {
    const answer = await this.#answerTo(this.#pieces);
    this.#pieces = [];
    const size = "message" in answer ? answer.message.length : 0;
    const { admission } = this.#method;
    admission.answer(ticket, size);
    if (this.#isOver) return this.#close();
    this.#send(answer);
    if (size <= TIMED_ANSWER_BYTES_MIN) return;
    const { answerTimeoutMs } = admission.limits;
    this.#timer = SYSTEM_CLOCK.setTimer(answerTimeoutMs, () => this.#stream.destroy());
  }

  async #answerTo(pieces: readonly Buffer[]): Promise<Answer> {
    try {
      return await this.#method.handle(unframeMessage(pieces), this.#headers, this);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return { status: { code: error.code, details: error.message } };
    }
  }

  #send(answer: Answer): void {
    if (this.#isAnswered || this.#stream.closed || this.#stream.destroyed) return;
    this.#isAnswered = true;
    this.#batch.hold();
    if ("status" in answer) {
      const headers = { ...ANSWER_HEADERS, ...statusHeaders(answer.status) };
      this.#stream.respond(headers, { endStream: true });
      return;
    }
    this.#stream.respond(ANSWER_HEADERS, { waitForTrailers: true });
    this.#stream.on("wantTrailers", () => {
      if (!this.#stream.closed) this.#stream.sendTrailers(OK_TRAILERS);
    });
    this.#stream.end(frameMessage(answer.message));
  }

  #refuse(): void {
    this.#pieces = [];
    this.#close();
    this.#send(this.#method.refusal);
  }

  /** Comes at the end of every call, also of one that was answered. */
  #over(): void {
    this.#isOver = true;
    if (this.#ticket?.isHandled !== true) this.#close();
  }

  #close(): void {
    this.#timer?.cancel();
    if (this.#ticket !== null) this.#method.admission.close(this.#ticket);
    this.#ticket = null;
  }
}
