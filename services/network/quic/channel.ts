import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock, Timer } from "../../../shared/clock/mod.ts";
import { type Lane, LANES } from "../core/lane.ts";
import { ConnectionMemory, type MemoryBudget } from "../core/memory_budget.ts";
import { type Channel, type ChannelUse, CLOSE_WAIT_MS, isTooLarge } from "../domains/carrier.ts";
import { readFrames } from "../domains/frame_stream.ts";
import type { Outbox } from "../outbox.ts";
import { type Connection, ConnectionLost } from "./connection.ts";
import { EngineError } from "./engine.ts";
import type { ReceiveStream, SendStream } from "./streams.ts";

/** What a channel works with. */
export interface ChannelOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** What unfinished messages of all channels may take. */
  readonly budget: MemoryBudget;
  /** Told why a stream of the other side ends before its end; it must not throw. */
  readonly onRefusal: (reason: string) => void;
}

/** Streams with a higher number are sent first. */
const PRIORITIES: Readonly<Record<Lane, number>> = { urgent: 2, sync: 1, transactions: 0 };

/** So much of a lane is handed to its stream at once. */
const BURST_SIZE = 64 * 1024;

/** A connection whose peer took nothing in so many intervals, while something waits, is ended. */
const STALLED_INTERVALS_MAX = 3;
const INTERVAL_MS = 10_000;

/**
 * A connection that carries frames. Each lane has a stream of its own that lasts as long as the
 * connection, so that its order is kept and no other lane waits for a lost datagram of it. The
 * other side may open one for each batch as well (spec/network.md, section 5).
 */
export class QuicChannel implements Channel {
  readonly domains: readonly string[];
  readonly address: string;
  readonly #options: ChannelOptions;
  readonly #memory: ConnectionMemory;
  readonly #streams = new Map<Lane, SendStream>();
  readonly #sending = new Map<Lane, Promise<void>>();
  #use: ChannelUse | null = null;
  #timer: Timer | null = null;
  #isOver = false;

  constructor(options: ChannelOptions) {
    const { address, peerDomains } = options.connection;
    this.#options = options;
    this.#memory = new ConnectionMemory(options.budget);
    this.domains = peerDomains;
    this.address = address.host.includes(":")
      ? `[${address.host}]:${address.port}`
      : `${address.host}:${address.port}`;
  }

  start(use: ChannelUse): void {
    const { connection } = this.#options;
    this.#use = use;
    connection.acceptStreams((stream) => this.#receive(stream, use));
    connection.lost.then((reason) => this.#end(reason));
    this.#watch(0, connection.writtenSize);
    this.flush();
  }

  flush(): void {
    if (this.#use === null) return;
    for (const lane of LANES) {
      if (!this.#sending.has(lane)) this.#startSending(lane, this.#use.outbox);
    }
  }

  async close(): Promise<void> {
    const { connection, clock } = this.#options;
    this.#isOver = true;
    this.#timer?.cancel();
    const finished = Promise.all(this.#sending.values())
      .then(() => Promise.allSettled([...this.#streams.values()].map((stream) => stream.finish())));
    const waiting = new AbortController();
    await Promise.race([finished, connection.lost, clock.sleep(CLOSE_WAIT_MS, waiting.signal)]);
    waiting.abort();
    connection.close("closed");
  }

  #startSending(lane: Lane, outbox: Outbox): void {
    const first = this.#takeBurst(lane, outbox);
    if (first.length === 0) return;
    const sending = this.#send(lane, outbox, first).finally(() => {
      this.#sending.delete(lane);
      this.#startSending(lane, outbox); // frames may have come since the last look
    });
    this.#sending.set(lane, sending);
  }

  async #send(lane: Lane, outbox: Outbox, first: readonly Bytes[]): Promise<void> {
    try {
      for (let burst = first; burst.length > 0; burst = this.#takeBurst(lane, outbox)) {
        await this.#sendBurst(lane, burst);
      }
    } catch (error) {
      if (error instanceof ConnectionLost) return; // which tells it by itself
      if (!(error instanceof EngineError)) throw error;
      this.#options.connection.close(`cannot open a stream: ${error.message}`);
    }
  }

  async #sendBurst(lane: Lane, burst: readonly Bytes[]): Promise<void> {
    const stream = this.#streams.get(lane) ??
      this.#options.connection.openStream(PRIORITIES[lane]);
    this.#streams.set(lane, stream);
    try {
      await stream.write(burst);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#streams.delete(lane); // the peer wants no more of this one; the next burst has another
    }
  }

  /** The next frames of a lane; none when the channel is over or ends on one that is too large. */
  #takeBurst(lane: Lane, outbox: Outbox): Bytes[] {
    const parts: Bytes[] = [];
    for (let size = 0; size < BURST_SIZE && !this.#isOver;) {
      const frame = outbox.nextOf(lane);
      if (frame === null) break;
      if (isTooLarge(frame)) {
        this.#options.connection.close("send outbound msgs failed: frame limit exceed");
        return [];
      }
      parts.push(...frame.parts);
      size += frame.size;
    }
    return parts;
  }

  /** A stream that cannot be read any further ends alone. */
  async #receive(stream: ReceiveStream, use: ChannelUse): Promise<void> {
    const stop = (reason: string) => {
      stream.stop();
      this.#options.onRefusal(reason);
    };
    try {
      const refusal = await readFrames({
        read: () => stream.read(),
        message: (bytes) => {
          if (!this.#isOver) use.message(bytes);
        },
        stalled: stop,
        memory: this.#memory,
        clock: this.#options.clock,
      });
      if (refusal !== null) stop(refusal);
    } catch (error) {
      if (!(error instanceof ConnectionLost || error instanceof EngineError)) throw error;
    }
  }

  /** Ends the connection when the peer takes nothing, which would keep our messages for ever. */
  #watch(stalledIntervals: number, writtenSize: number): void {
    const { connection, clock } = this.#options;
    this.#timer = clock.setTimer(INTERVAL_MS, () => {
      const isStalled = this.#sending.size > 0 && connection.writtenSize === writtenSize;
      const count = isStalled ? stalledIntervals + 1 : 0;
      if (count >= STALLED_INTERVALS_MAX) return connection.close("the peer takes nothing");
      this.#watch(count, connection.writtenSize);
    });
  }

  #end(reason: string): void {
    this.#timer?.cancel();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#use?.ended(reason);
  }
}
