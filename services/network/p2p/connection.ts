import type { Bytes } from "../../../shared/bytes/mod.ts";
import { type Clock, createPause } from "../../../shared/clock/mod.ts";
import { ChunkReader, isDefect, writeParts } from "../byte_stream.ts";
import type { Outbox } from "../outbox.ts";
import type { ByteSocket } from "../tls_socket.ts";
import type { LinkEvent, PeerLink } from "./core/peer_link.ts";

/** What a connection works with. */
export interface ConnectionOptions {
  readonly socket: ByteSocket;
  readonly link: PeerLink;
  /** Frames to send once the link is open, taken out as fast as the peer takes them. */
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** Called for every event in order; it must not throw. */
  readonly onEvent: (event: LinkEvent) => void;
}

/** How much is taken from the link at once. */
const OUTPUT_SIZE = 256 * 1024;

/** Bytes that wait in the link: enough for the next write, and a vote waits for no more. */
const LINK_SIZE = 64 * 1024;

/** Small messages are handed over at most so long before others may run; looked at every few. */
const SLICE_MS = 10;
const EVENTS_PER_LOOK = 32;

/** How long the last bytes of a connection may take. */
const CLOSE_WAIT_MS = 500;

/** Moves bytes between a socket and a {@linkcode PeerLink}, and owns the socket. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #closed = Promise.withResolvers<void>();
  readonly #waiters = new Set<() => void>();
  readonly #pause: () => Promise<void>;
  #isWriting = false;
  #isEnding = false;
  /** Whether the owner has had the last event. */
  #isOver = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#pause = createPause(options.clock, SLICE_MS);
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
    for (const event of events) this.#tell(event);
    if (this.#options.link.isEnded) this.#finish();
    this.#write();
  }

  /** One chunk may hold very many small messages. */
  async #receive(chunk: Bytes): Promise<void> {
    const events = this.#options.link.receive(chunk);
    this.#write(); // answers wait for no message
    for (let start = 0; start < events.length; start += EVENTS_PER_LOOK) {
      if (start > 0) await this.#pause();
      this.#apply(events.slice(start, start + EVENTS_PER_LOOK));
    }
    this.#apply([]);
  }

  /** Nothing follows the last event, which may come while messages before it wait for others. */
  #tell(event: LinkEvent): void {
    if (this.#isOver) return;
    this.#isOver = event.kind === "ended";
    this.#options.onEvent(event);
  }

  async #readAll(): Promise<void> {
    const { link, socket } = this.#options;
    try {
      socket.setNoDelay(); // votes must not wait for the acknowledgement of earlier ones
      const reader = new ChunkReader(socket);
      while (!link.isEnded) {
        const chunk = await reader.read();
        if (chunk === null) return this.#apply(link.close("the peer closed the connection", false));
        await this.#receive(chunk);
      }
    } catch (cause) {
      if (!(cause instanceof Error) || isDefect(cause)) throw cause;
      this.#apply(link.close(`connection lost: ${cause.message}`, true));
    }
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
        await writeParts(this.#options.socket, output);
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
    const { link, outbox } = this.#options;
    while (link.isOpen && link.unsentSize < LINK_SIZE) {
      const frame = outbox.next();
      if (frame === null) return;
      for (const event of link.send(frame.parts, frame.size)) this.#tell(event);
      if (link.isEnded) this.#finish();
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
