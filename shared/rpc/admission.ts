/** What a server may hold in memory at a time, over all connections. */
export interface ServerLimits {
  /** Calls that one connection may have open; a client keeps further ones to itself. */
  readonly connectionCallsMax: number;
  /** Calls that may be open at a time; further ones are refused. */
  readonly callsMax: number;
  /** Bytes of requests that were received and are not answered; what goes beyond is refused. */
  readonly requestBytesMax: number;
  /** Calls that are handled at a time; further ones wait for their turn. */
  readonly handledCallsMax: number;
  /** Bytes of answers that were not sent yet; above it no further call gets its turn. */
  readonly answerBytesMax: number;
  /** How long a caller may take to fetch a large answer, which then is thrown away. */
  readonly answerTimeoutMs: number;
}

/** How large an answer is taken to be that is not there yet: at first, and at least. */
const ASSUMED_BYTES_FIRST = 1024 * 1024;
const ASSUMED_BYTES_MIN = 4 * 1024;
/** A large answer is remembered over some fifty smaller ones. */
const ASSUMED_BYTES_DECAY = 0.9;

/** What an open call holds. */
export class Ticket {
  requestBytes = 0;
  /** Assumed while the call is handled, known when it is answered. */
  answerBytes = 0;
  isHandled = false;
  /** Set while it waits for its turn. */
  begin: (() => void) | null = null;
}

/**
 * Counts what open calls hold, refuses those beyond the limits, and lets the others be handled in
 * the order in which their requests were complete. How large an answer will be is not known before
 * it was made: it is assumed to be as large as those of late.
 */
export class Admission {
  readonly limits: ServerLimits;
  readonly #waiting = new Set<Ticket>();
  #calls = 0;
  #handledCalls = 0;
  #requestBytes = 0;
  #answerBytes = 0;
  #assumedBytes = ASSUMED_BYTES_FIRST;

  constructor(limits: ServerLimits) {
    this.limits = limits;
  }

  /** A ticket for a new call, to be closed in the end; null when there are too many. */
  open(): Ticket | null {
    if (this.#calls >= this.limits.callsMax) return null;
    this.#calls += 1;
    return new Ticket();
  }

  /** Counts a piece of a request; false when there is no room for it. */
  receive(ticket: Ticket, bytes: number): boolean {
    if (this.#requestBytes + bytes > this.limits.requestBytesMax) return false;
    this.#requestBytes += bytes;
    ticket.requestBytes += bytes;
    return true;
  }

  /** Calls `begin` when it is the turn of the call, at once or later. */
  whenItsTurn(ticket: Ticket, begin: () => void): void {
    ticket.begin = begin;
    this.#waiting.add(ticket);
    this.#beginNext();
  }

  /** A call that was handled is being answered, its request is forgotten. */
  answer(ticket: Ticket, bytes: number): void {
    this.#handledCalls -= 1;
    ticket.isHandled = false;
    this.#assumedBytes = Math.max(
      bytes,
      this.#assumedBytes * ASSUMED_BYTES_DECAY,
      ASSUMED_BYTES_MIN,
    );
    this.#setBytes(ticket, { request: 0, answer: bytes });
    this.#beginNext();
  }

  /** The call is over, answered or not. */
  close(ticket: Ticket): void {
    this.#calls -= 1;
    if (ticket.isHandled) this.#handledCalls -= 1;
    ticket.isHandled = false;
    this.#waiting.delete(ticket);
    this.#setBytes(ticket, { request: 0, answer: 0 });
    this.#beginNext();
  }

  #beginNext(): void {
    for (const ticket of this.#waiting) {
      if (!this.#hasRoom()) return;
      this.#waiting.delete(ticket);
      this.#handledCalls += 1;
      ticket.isHandled = true;
      this.#setBytes(ticket, { request: ticket.requestBytes, answer: this.#assumedBytes });
      ticket.begin?.();
      ticket.begin = null;
    }
  }

  /** When nothing else is to be sent, a call has its turn however large its answer may be. */
  #hasRoom(): boolean {
    const { handledCallsMax, answerBytesMax } = this.limits;
    return this.#handledCalls < handledCallsMax &&
      (this.#answerBytes === 0 || this.#answerBytes + this.#assumedBytes <= answerBytesMax);
  }

  #setBytes(ticket: Ticket, { request, answer }: { request: number; answer: number }): void {
    this.#requestBytes += request - ticket.requestBytes;
    this.#answerBytes += answer - ticket.answerBytes;
    ticket.requestBytes = request;
    ticket.answerBytes = answer;
  }
}
