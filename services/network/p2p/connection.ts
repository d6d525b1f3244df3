import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import type { Outbox } from "../outbox.ts";
import type { LinkEvent, PeerLink } from "./core/peer_link.ts";

/** What a connection works with. */
export interface ConnectionOptions {
  readonly socket: Deno.TcpConn;
  readonly link: PeerLink;
  /** Frames to send once the link is open, taken out as fast as the peer takes them. */
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** Called for every event in order; it must not throw. */
  readonly onEvent: (event: LinkEvent) => void;
}

/** Buffers for reading grow from the first to the second size while the peer fills them. */
const READ_SIZE_MIN = 4 * 1024;
const READ_SIZE_MAX = 256 * 1024;

/** How much is taken from the link at once. */
const OUTPUT_SIZE = 256 * 1024;

/** Parts below the first size are joined into writes of at most the second. */
const JOINED_PART_SIZE_MAX = 16 * 1024;
const JOINED_WRITE_SIZE_MAX = 64 * 1024;

/** Bytes that wait in the link: enough for the next write, and a vote waits for no more. */
const LINK_SIZE = 64 * 1024;

/** How long the last bytes of a connection may take. */
const CLOSE_WAIT_MS = 500;

/** Moves bytes between a socket and a {@linkcode PeerLink}, and owns the socket. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #closed = Promise.withResolvers<void>();
  readonly #waiters = new Set<() => void>();
  #readBuffer = new Uint8Array(READ_SIZE_MIN);
  #readOffset = 0;
  #isWriting = false;
  #isEnding = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Resolves when the socket is released; never rejects. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Begins to read and write. */
  start(): void {
    this.#write();
    this.#readAll();
  }

  /** Sends what the outbox has, as far as the peer takes it. */
  flush(): void {
    this.#write();
  }

  /** Checks deadlines and sends keep-alive pings. */
  tick(): void {
    const { link, clock } = this.#options;
    this.#apply(link.tick(clock.monotonicMs()));
  }

  /** Sends what is queued for a moment, says goodbye and releases the socket. */
  async close(reason: string): Promise<void> {
    const { link, outbox } = this.#options;
    await this.#waitUntil(() => link.unsentSize + outbox.size === 0, CLOSE_WAIT_MS);
    this.#apply(link.close(reason, false));
    await this.#closed.promise;
  }

  #apply(events: readonly LinkEvent[]): void {
    for (const event of events) this.#options.onEvent(event);
    if (this.#options.link.isEnded) this.#finish();
    this.#write();
  }

  async #readAll(): Promise<void> {
    const { link, socket } = this.#options;
    try {
      socket.setNoDelay(); // votes must not wait for the acknowledgement of earlier ones
      while (!link.isEnded) {
        const size = await socket.read(this.#readBuffer.subarray(this.#readOffset));
        if (size === null) return this.#apply(link.close("the peer closed the connection", false));
        this.#apply(link.receive(this.#takeRead(size)));
      }
    } catch (cause) {
      if (!(cause instanceof Error) || isDefect(cause)) throw cause;
      this.#apply(link.close(`connection lost: ${cause.message}`, true));
    }
  }

  /** What was read; that part of the buffer is never written again, so views of it stay valid. */
  #takeRead(size: number): Bytes {
    const end = this.#readOffset + size;
    const buffer = this.#readBuffer;
    const chunk = buffer.subarray(this.#readOffset, end);
    this.#readOffset = end;
    if (buffer.length - end < buffer.length / 4) {
      const grows = size > buffer.length / 2 && buffer.length < READ_SIZE_MAX;
      this.#readBuffer = new Uint8Array(grows ? buffer.length * 4 : buffer.length);
      this.#readOffset = 0;
    }
    return chunk;
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const { link, clock } = this.#options;
    try {
      for (;;) {
        this.#fillLink();
        const output = link.takeOutput(OUTPUT_SIZE, clock.monotonicMs());
        if (output.length === 0) break;
        for (const chunk of joinSmallParts(output)) await this.#writeChunk(chunk);
        this.#wake();
      }
      this.#isWriting = false;
    } catch (cause) {
      // #isWriting stays true: nothing can be written any more
      if (!(cause instanceof Error) || isDefect(cause)) throw cause;
      this.#apply(link.close(`connection lost: ${cause.message}`, true));
      this.#release();
      return;
    }
    if (link.isEnded) this.#release();
  }

  #fillLink(): void {
    const { link, outbox, onEvent } = this.#options;
    while (link.isOpen && link.unsentSize < LINK_SIZE) {
      const frame = outbox.next();
      if (frame === null) return;
      for (const event of link.send(frame.parts, frame.size)) onEvent(event);
      if (link.isEnded) this.#finish();
    }
  }

  async #writeChunk(chunk: Bytes): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      const size = await this.#options.socket.write(rest);
      rest = rest.subarray(size);
    }
  }

  /** Gives the last bytes a moment to leave, then closes the socket under them. */
  #finish(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#wake();
    const timer = this.#options.clock.setTimer(CLOSE_WAIT_MS, () => this.#release());
    this.#closed.promise.then(() => timer.cancel());
  }

  #release(): void {
    try {
      this.#options.socket.close();
    } catch (cause) {
      if (!(cause instanceof Deno.errors.BadResource)) throw cause; // closed before
    }
    this.#closed.resolve();
    this.#wake();
  }

  async #waitUntil(isReached: () => boolean, waitMs: number): Promise<void> {
    const { clock, link } = this.#options;
    if (isReached() || link.isEnded) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        timer.cancel();
        this.#waiters.delete(check);
        resolve();
      };
      const check = () => {
        if (isReached() || link.isEnded) finish();
      };
      const timer = clock.setTimer(waitMs, finish);
      this.#waiters.add(check);
    });
  }

  #wake(): void {
    for (const check of [...this.#waiters]) check();
  }
}

/** Errors of this program rather than of the connection. */
function isDefect(error: Error): boolean {
  return error.name === "InvariantError" || error instanceof TypeError ||
    error instanceof RangeError || error instanceof ReferenceError;
}

/** The parts in order, in few writes: small ones are copied together, large ones left alone. */
function* joinSmallParts(parts: readonly Bytes[]): Generator<Bytes> {
  let small: Bytes[] = [];
  let smallSize = 0;
  for (const part of parts) {
    const isLarge = part.length > JOINED_PART_SIZE_MAX;
    if (smallSize > 0 && (isLarge || smallSize + part.length > JOINED_WRITE_SIZE_MAX)) {
      yield concatBytes(...small);
      small = [];
      smallSize = 0;
    }
    if (isLarge) {
      yield part;
    } else {
      small.push(part);
      smallSize += part.length;
    }
  }
  if (smallSize > 0) yield concatBytes(...small);
}
