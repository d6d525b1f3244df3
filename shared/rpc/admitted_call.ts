import type { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import * as grpc from "@grpc/grpc-js";
import { SYSTEM_CLOCK, type Timer } from "../clock/mod.ts";
import type { Admission, Ticket } from "./admission.ts";
import { RpcCode } from "./status.ts";

type Call = grpc.ServerInterceptingCallInterface;

/** What a call needs to be admitted. */
export interface AdmittedCallDeps {
  readonly admission: Admission;
  /** The encoded answer when there is no room for the call; without, it is a gRPC status. */
  readonly refusal: Buffer | undefined;
}

/** Smaller answers add up to less than 2 MiB on one connection, and are worth no timer. */
const TIMED_ANSWER_BYTES_MIN = 16 * 1024;

/**
 * A call that an {@linkcode Admission} counts, makes wait, or refuses. Messages are passed on past
 * the parent class, which would make several objects for each.
 *
 * The pieces of a request are counted as they arrive, because the HTTP/2 of Deno 2.7.14 keeps
 * nothing back from a server that does not read.
 */
export class AdmittedCall extends grpc.ServerInterceptingCall {
  readonly #call: Call;
  readonly #stream: Duplex;
  readonly #deps: AdmittedCallDeps;
  #ticket: Ticket | null = null;
  /** The caller is gone; what the handler works on is held until it is done. */
  #isOver = false;
  #timer: Timer | null = null;

  constructor(call: Call, deps: AdmittedCallDeps) {
    super(call);
    this.#call = call;
    this.#stream = streamOf(call);
    this.#deps = deps;
  }

  override start(listener: Parameters<Call["start"]>[0]): void {
    const { admission } = this.#deps;
    const ticket = admission.open();
    this.#ticket = ticket;
    if (ticket !== null) {
      this.#stream.on("data", (piece: Buffer) => {
        if (this.#ticket !== null && !admission.receive(ticket, piece.length)) this.#refuse();
      });
    }
    this.#call.start({
      onReceiveMetadata: (metadata) => {
        if (ticket === null) this.#refuse();
        else listener.onReceiveMetadata(metadata);
      },
      onReceiveMessage(request: unknown) {
        if (ticket !== null) {
          admission.whenItsTurn(ticket, () => listener.onReceiveMessage(request));
        }
      },
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      // comes at the end of every call, also of one that was answered
      onCancel: () => {
        this.#isOver = true;
        if (this.#ticket?.isHandled !== true) this.#close();
        listener.onCancel();
      },
    });
  }

  override startRead(): void {
    this.#call.startRead();
  }

  override sendMessage(message: Buffer, callback: () => void): void {
    this.#answer(message.length);
    this.#call.sendMessage(message, callback);
  }

  override sendStatus(status: Parameters<Call["sendStatus"]>[0]): void {
    this.#answer(0);
    this.#call.sendStatus(status);
  }

  /** The handler is done; the status that follows its message counts for nothing. */
  #answer(bytes: number): void {
    const { admission } = this.#deps;
    if (this.#ticket?.isHandled !== true) return;
    admission.answer(this.#ticket, bytes);
    if (this.#isOver) this.#close();
    else if (bytes > TIMED_ANSWER_BYTES_MIN) {
      const { answerTimeoutMs } = admission.limits;
      this.#timer = SYSTEM_CLOCK.setTimer(answerTimeoutMs, () => this.#stream.destroy());
    }
  }

  #refuse(): void {
    this.#close();
    const { refusal } = this.#deps;
    if (refusal === undefined) {
      const details = "too many calls at a time";
      return this.#call.sendStatus({ code: RpcCode.ResourceExhausted, details });
    }
    const status = { code: RpcCode.Ok, details: "OK" };
    this.#call.sendMessage(refusal, () => this.#call.sendStatus(status));
  }

  #close(): void {
    this.#timer?.cancel();
    if (this.#ticket !== null) this.#deps.admission.close(this.#ticket);
    this.#ticket = null;
  }
}

/** The library keeps the stream to itself, and says nothing of a request before it is complete. */
function streamOf(call: Call): Duplex {
  const stream: unknown = Reflect.get(call, "stream");
  if (stream instanceof Duplex) return stream;
  throw new TypeError("Cannot count the bytes of a call: it has no stream");
}
