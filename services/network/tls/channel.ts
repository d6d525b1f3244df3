import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock, Timer } from "../../../shared/clock/mod.ts";
import { parseCertificate } from "../../../shared/x509/mod.ts";
import { ChunkReader, isDefect, writeParts } from "../byte_stream.ts";
import { ConnectionMemory, type MemoryBudget } from "../core/memory_budget.ts";
import { type Channel, type ChannelUse, CLOSE_WAIT_MS, isTooLarge } from "../domains/carrier.ts";
import { readFrames } from "../domains/frame_stream.ts";
import type { TlsSocket } from "../tls_socket.ts";

/** What is written at once, so that an urgent frame waits for no more than this and one frame. */
const BATCH_SIZE = 64 * 1024;

/** How long a peer may take nothing of what waits for it. */
const STALL_TIMEOUT_MS = 30_000;

/** What a channel is made of. */
export interface TlsChannelOptions {
  readonly socket: TlsSocket;
  /** What unfinished messages of all channels may take. */
  readonly budget: MemoryBudget;
  readonly clock: Clock;
}

/** Messages with a length in front of each inside of TLS, both ways (section 4.5). */
export class TlsChannel implements Channel {
  readonly domains: readonly string[];
  readonly address: string;
  readonly #options: TlsChannelOptions;
  #use: ChannelUse | null = null;
  /** Resolves when what was begun is written; never rejects. */
  #written: Promise<void> = Promise.resolve();
  /** Falls in the same turn in which the outbox is found empty: no flush is lost in between. */
  #isWriting = false;
  #stall: Timer | null = null;
  /** Whether the user hears nothing any more. */
  #isEnded = false;

  constructor(options: TlsChannelOptions) {
    const { remoteAddr: { hostname, port }, peerChain: [leaf] } = options.socket;
    this.#options = options;
    this.address = `${hostname}:${port}`;
    this.domains = leaf === undefined ? [] : parseCertificate(leaf).dnsNames;
  }

  start(use: ChannelUse): void {
    this.#use = use;
    this.#options.socket.setNoDelay(); // votes must not wait for the acknowledgement of earlier ones
    this.#readAll(use);
    this.flush();
  }

  flush(): void {
    const use = this.#use;
    if (use === null || this.#isWriting || this.#isEnded) return;
    this.#isWriting = true;
    this.#written = this.#writeAll(use);
  }

  async close(): Promise<void> {
    const { clock } = this.#options;
    const patience = new AbortController();
    this.#isEnded = true;
    await Promise.race([this.#written, clock.sleep(CLOSE_WAIT_MS, patience.signal)]);
    patience.abort();
    this.#release();
  }

  async #readAll({ message }: ChannelUse): Promise<void> {
    const { socket, budget, clock } = this.#options;
    const chunks = new ChunkReader(socket);
    const endUndecoded = (reason: string) =>
      this.#end(`framed stream report decode error: ${reason}`);
    try {
      const refusal = await readFrames({
        read: () => chunks.read(),
        message: (bytes) => {
          if (!this.#isEnded) message(bytes);
        },
        stalled: endUndecoded,
        memory: new ConnectionMemory(budget),
        clock,
      });
      if (refusal === null) this.#end("framed stream end, will drop it");
      else endUndecoded(refusal);
    } catch (cause) {
      if (!(cause instanceof Error) || isDefect(cause)) throw cause;
      this.#end(`framed stream report io error, will drop the stream: ${cause.message}`);
    }
  }

  async #writeAll(use: ChannelUse): Promise<void> {
    try {
      for (let batch = takeBatch(use); batch.length > 0; batch = takeBatch(use)) {
        this.#watchStall();
        await writeParts(this.#options.socket, batch, () => this.#watchStall());
      }
    } catch (cause) {
      if (!(cause instanceof Error) || isDefect(cause)) throw cause;
      this.#end(`send outbound msgs failed, drop the stream: ${cause.message}`);
    } finally {
      this.#stall?.cancel();
      this.#isWriting = false;
    }
  }

  #watchStall(): void {
    this.#stall?.cancel();
    this.#stall = this.#options.clock.setTimer(STALL_TIMEOUT_MS, () => {
      this.#end("send outbound msgs failed, drop the stream: the peer takes nothing");
    });
  }

  /** Tells the user once, unless the user closed the channel. */
  #end(reason: string): void {
    if (this.#isEnded) return;
    this.#release();
    this.#use?.ended(reason);
  }

  #release(): void {
    this.#isEnded = true;
    this.#stall?.cancel();
    this.#options.socket.close();
  }
}

/** Frames for the next write, the most urgent first. */
function takeBatch({ outbox }: ChannelUse): Bytes[] {
  const parts: Bytes[] = [];
  for (let size = 0; size < BATCH_SIZE;) {
    const frame = outbox.next();
    if (frame === null) break;
    if (isTooLarge(frame)) throw new Error("frame limit exceed");
    parts.push(...frame.parts);
    size += frame.size;
  }
  return parts;
}
