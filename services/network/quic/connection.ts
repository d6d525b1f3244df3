import type { Address } from "./address.ts";
import type { ConnectionStatistics, Engine, EngineEvent } from "./engine.ts";
import { ReceiveStream, SendStream } from "./streams.ts";

/** The connection is over; the message tells why. */
export class ConnectionLost extends Error {
  override name = "ConnectionLost";
}

/** What a connection works with. */
export interface ConnectionParts {
  readonly engine: Engine;
  /** Number of the connection in the engine. */
  readonly id: number;
  readonly address: Address;
  /** To be called when the engine may have something to send. */
  readonly wake: () => void;
  /** To be called when the connection is to end. */
  readonly end: (reason: string) => void;
}

/** A connection to a peer; both sides have shown their certificates. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #established = Promise.withResolvers<void>();
  readonly #lost = Promise.withResolvers<string>();
  /** Streams on which one waits for what the engine tells, by their number. */
  readonly #incoming = new Map<number, ReceiveStream>();
  readonly #outgoing = new Map<number, SendStream>();
  #accept: ((stream: ReceiveStream) => void) | null = null;
  #isLost = false;
  #writtenSize = 0;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#established.promise.catch(() => {}); // not everyone waits for it
  }

  get address(): Address {
    return this.#parts.address;
  }

  /** Resolves when both sides know each other; rejects with {@linkcode ConnectionLost}. */
  get established(): Promise<void> {
    return this.#established.promise;
  }

  /** Resolves with the reason when the connection is over, and never rejects. */
  get lost(): Promise<string> {
    return this.#lost.promise;
  }

  /** The DNS names in the peer's certificate. */
  get peerDomains(): readonly string[] {
    this.#assertOpen();
    return this.#parts.engine.peerDomains(this.#parts.id);
  }

  /** Bytes that the streams to the peer have taken so far. */
  get writtenSize(): number {
    return this.#writtenSize;
  }

  get statistics(): ConnectionStatistics {
    this.#assertOpen();
    return this.#parts.engine.statistics(this.#parts.id);
  }

  /** Hands over every stream that the peer opens, also those from before; it must not throw. */
  acceptStreams(accept: (stream: ReceiveStream) => void): void {
    this.#accept = accept;
    // those that come while this runs are handed over as they come
    for (const stream of [...this.#incoming.values()]) accept(stream);
  }

  /** Opens a stream to the peer. Streams with a higher priority are sent first. */
  openStream(priority: number): SendStream {
    this.#assertOpen();
    const { engine, id, wake } = this.#parts;
    const number = engine.openStream(id, priority);
    const forget = () => this.#outgoing.delete(number);
    const stream = new SendStream({
      write: (bytes) => {
        const size = engine.write(id, number, bytes);
        this.#writtenSize += size;
        return size;
      },
      finish: () => engine.finish(id, number),
      wake,
      forget,
    });
    this.#outgoing.set(number, stream);
    return stream;
  }

  /** Ends the connection; what the peer does not have yet is lost. */
  close(reason: string): void {
    if (this.#isLost) return;
    this.#parts.end(reason);
    this.#lose(reason);
  }

  /** Takes what the engine tells about this connection. */
  handle(event: EngineEvent): void {
    switch (event.kind) {
      case "connected":
        return this.#established.resolve();
      case "lost":
        return this.#lose(event.reason);
      case "opened":
        return this.#addIncoming(event.stream);
      case "readable":
        return this.#incoming.get(event.stream)?.wake();
      case "writable":
        return this.#outgoing.get(event.stream)?.wake();
      case "finished":
        return this.#outgoing.get(event.stream)?.end(null);
    }
  }

  #addIncoming(number: number): void {
    const { engine, id, wake } = this.#parts;
    const stream = new ReceiveStream({
      read: () => engine.read(id, number),
      stop: () => engine.stop(id, number, 0),
      wake,
      forget: () => this.#incoming.delete(number),
    });
    this.#incoming.set(number, stream);
    this.#accept?.(stream);
  }

  #assertOpen(): void {
    if (this.#isLost) throw new ConnectionLost("the connection is over");
  }

  #lose(reason: string): void {
    this.#isLost = true;
    const error = new ConnectionLost(reason);
    for (const stream of [...this.#incoming.values(), ...this.#outgoing.values()]) {
      stream.end(error);
    }
    this.#established.reject(error);
    this.#lost.resolve(reason);
  }
}
