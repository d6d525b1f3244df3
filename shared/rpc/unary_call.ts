import type { Buffer } from "node:buffer";
import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import type { Bytes } from "../bytes/mod.ts";
import { SYSTEM_CLOCK, type Timer } from "../clock/mod.ts";
import type { Connection } from "./connection.ts";
import { unframeMessage } from "./message_frame.ts";
import { RpcCode } from "./status.ts";
import { type CallStatus, readStatus, refusalOf, statusOfReset } from "./call_status.ts";

/** A request that is ready to be sent. */
export interface UnaryRequest {
  readonly headers: OutgoingHttpHeaders;
  /** The framed message. */
  readonly frame: Buffer;
  /** How long the call may take, waiting for a connection included. */
  readonly deadlineMs: number;
}

/** A call that ended without an answer. */
export class CallFailure extends Error {
  override name = "CallFailure";

  constructor(readonly status: CallStatus) {
    super(status.details);
  }
}

const CONNECTION_LOST: CallStatus = {
  code: RpcCode.Unavailable,
  details: "the connection was lost",
};

/** One request with one answer. */
export class UnaryCall {
  readonly #request: UnaryRequest;
  readonly #timer: Timer;
  readonly #answer = Promise.withResolvers<Bytes>();
  /** Sends the request once more; null when that was done. */
  #sendAgain: (() => void) | null;
  #stream: ClientHttp2Stream | null = null;
  #isOver = false;

  /** `sendAgain` is called when the service says that it has not looked at the request. */
  constructor(request: UnaryRequest, sendAgain: (call: UnaryCall) => void) {
    this.#request = request;
    this.#sendAgain = () => sendAgain(this);
    this.#timer = SYSTEM_CLOCK.setTimer(request.deadlineMs, () => this.#expire());
  }

  /** The message of the answer, or {@linkcode CallFailure}. */
  get answer(): Promise<Bytes> {
    return this.#answer.promise;
  }

  /** Sends the request, unless the call has failed meanwhile. */
  sendOn(connection: Connection): void {
    if (this.#isOver) return;
    const stream = connection.request(this.#request.headers);
    this.#stream = stream;
    const pieces: Buffer[] = [];
    let status: CallStatus | null = null;
    stream.on("response", (headers) => status = refusalOf(headers) ?? readStatus(headers));
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("trailers", (headers) => status ??= readStatus(headers));
    // the status is there already unless the answer broke off
    stream.on("end", () => status !== null && this.#end(status, { isUnprocessed: false, pieces }));
    stream.on("close", () => {
      const isUnprocessed = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      const brokenOff = connection.isLost ? CONNECTION_LOST : statusOfReset(stream.rstCode);
      this.#end(status ?? brokenOff, { isUnprocessed, pieces });
    });
    stream.on("error", () => {}); // says no more than the close that follows
    stream.end(this.#request.frame);
  }

  /** Ends the call without an answer. */
  fail(status: CallStatus): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer.cancel();
    this.#answer.reject(new CallFailure(status));
  }

  #expire(): void {
    const details = `no answer within ${this.#request.deadlineMs} ms`;
    this.fail({ code: RpcCode.DeadlineExceeded, details });
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  #end(status: CallStatus, { isUnprocessed, pieces }: {
    readonly isUnprocessed: boolean;
    readonly pieces: readonly Buffer[];
  }): void {
    if (this.#isOver) return;
    const sendAgain = this.#sendAgain;
    if (isUnprocessed && sendAgain !== null) {
      this.#sendAgain = null;
      return sendAgain();
    }
    if (status.code !== RpcCode.Ok) return this.fail(status);
    try {
      const message = unframeMessage(pieces);
      this.#isOver = true;
      this.#timer.cancel();
      this.#answer.resolve(message);
    } catch (error) {
      const details = error instanceof Error ? error.message : String(error);
      this.fail({ code: RpcCode.Internal, details });
    }
  }
}
