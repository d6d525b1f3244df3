import { assert } from "../../../shared/assert/mod.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock, Timer } from "../../../shared/clock/mod.ts";
import { type Address, encodeAddress, isIpv6 } from "./address.ts";
import { Connection } from "./connection.ts";
import { type Batch, type Credentials, Engine, type EngineEvent } from "./engine.ts";

/** What an endpoint works with. */
export interface EndpointOptions {
  readonly credentials: Credentials;
  /** UDP port on all IPv4 addresses; 0 for any. */
  readonly port: number;
  readonly clock: Clock;
  /** Takes a peer that connected; it must not throw. */
  readonly onConnection: (connection: Connection) => void;
  /** Told of a peer that tried to connect and was refused or gave up; it must not throw. */
  readonly onRefusal: (address: Address, reason: string) => void;
}

/** No datagram is larger. */
const DATAGRAM_SIZE_MAX = 64 * 1024;

/** Addresses whose form for the engine is remembered. */
const REMEMBERED_ADDRESSES_MAX = 1_024;

/** The UDP sockets of a node with the connections that go over them. */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #engine: Engine;
  readonly #connections = new Map<number, Connection>();
  readonly #encodedAddresses = new Map<string, Bytes>();
  readonly #socket: Deno.DatagramConn;
  /** For peers with IPv6 addresses, opened when there is one. */
  #socket6: Deno.DatagramConn | null = null;
  #receiving: Promise<void>[] = [];
  #isSending = false;
  #sent: Promise<void> = Promise.resolve();
  #timer: { readonly atMs: number; readonly timer: Timer } | null = null;
  #isClosed = false;

  /** Throws an `EngineError` for unusable credentials, and when the port is in use. */
  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#engine = new Engine(options.credentials, options.clock.monotonicMs());
    try {
      this.#socket = openSocket("0.0.0.0", options.port);
    } catch (error) {
      this.#engine[Symbol.dispose]();
      throw error;
    }
    this.#receiving.push(this.#receive(this.#socket));
  }

  /** The UDP port. */
  get port(): number {
    const address = this.#socket.addr;
    assert(address.transport === "udp", "The socket is one of UDP");
    return address.port;
  }

  /**
   * Connects to a peer whose certificate must be valid for the domain. Rejects with
   * `ConnectionLost` when that fails, after ten seconds at the latest, or when the signal aborts.
   */
  async connect(address: Address, domain: string, signal?: AbortSignal): Promise<Connection> {
    assert(!this.#isClosed, "A closed endpoint is not used");
    const nowMs = this.#options.clock.monotonicMs();
    const encoded = this.#encode(address);
    if (isIpv6(address.host)) this.#openSocket6();
    const id = this.#engine.connect(nowMs, encoded, domain);
    const connection = this.#addConnection(id, address);
    this.#work();
    const abort = () => connection.close("the attempt was given up");
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    try {
      await connection.established;
      return connection;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Ends all connections and releases the sockets. */
  async close(reason: string): Promise<void> {
    if (this.#isClosed) return;
    for (const connection of this.#connections.values()) connection.close(reason);
    while (this.#isSending) await this.#sent;
    this.#isClosed = true;
    this.#timer?.timer.cancel();
    this.#socket.close();
    this.#socket6?.close();
    await Promise.all(this.#receiving);
    this.#engine[Symbol.dispose]();
  }

  #addConnection(id: number, address: Address): Connection {
    const connection = new Connection({
      engine: this.#engine,
      id,
      address,
      wake: () => this.#work(),
      end: (reason) => {
        this.#connections.delete(id);
        this.#engine.close(this.#options.clock.monotonicMs(), id, reason);
        this.#work();
      },
    });
    this.#connections.set(id, connection);
    return connection;
  }

  #openSocket6(): void {
    if (this.#socket6 !== null) return;
    this.#socket6 = openSocket("::", 0);
    this.#receiving.push(this.#receive(this.#socket6));
  }

  async #receive(socket: Deno.DatagramConn): Promise<void> {
    const buffer = new Uint8Array(DATAGRAM_SIZE_MAX);
    for (;;) {
      const received = await socket.receive(buffer).catch((error) => {
        if (this.#isClosed) return null;
        throw error;
      });
      if (received === null) return;
      const [datagram, from] = received;
      if (from.transport !== "udp") continue;
      const address = this.#encode({ host: from.hostname, port: from.port });
      this.#engine.receive(this.#options.clock.monotonicMs(), address, datagram);
      this.#work();
    }
  }

  /** Passes on what the engine tells, and sends what it has to send. */
  #work(): void {
    if (this.#isClosed) return;
    for (let event = this.#engine.nextEvent(); event !== null; event = this.#engine.nextEvent()) {
      this.#handle(event);
    }
    if (!this.#isSending) this.#sent = this.#send();
    this.#setTimer();
  }

  #handle(event: EngineEvent): void {
    const known = this.#connections.get(event.connection);
    if (event.kind === "lost") this.#connections.delete(event.connection);
    if (known !== undefined) return known.handle(event);
    if (event.kind === "lost") this.#options.onRefusal(event.address, event.reason);
    if (event.kind !== "connected") return;
    const connection = this.#addConnection(event.connection, event.address);
    connection.handle(event);
    this.#options.onConnection(connection);
  }

  async #send(): Promise<void> {
    const take = () => this.#engine.transmit(this.#options.clock.monotonicMs());
    this.#isSending = true;
    for (let batch = take(); batch !== null; batch = take()) await this.#sendBatch(batch);
    this.#isSending = false;
  }

  async #sendBatch({ address: { host: hostname, port }, datagrams }: Batch): Promise<void> {
    const socket = isIpv6(hostname) ? this.#socket6 : this.#socket;
    const to = { transport: "udp", hostname, port } as const;
    await Promise.all(datagrams.map((bytes) => socket?.send(bytes, to).catch(ignoreError)));
  }

  /** Timers are set anew only when they would ring too late: they change with every datagram. */
  #setTimer(): void {
    const { clock } = this.#options;
    const atMs = this.#engine.timeoutMs();
    if (atMs === null || (this.#timer !== null && this.#timer.atMs <= atMs)) return;
    this.#timer?.timer.cancel();
    const timer = clock.setTimer(Math.max(0, atMs - clock.monotonicMs()), () => {
      this.#timer = null;
      this.#engine.handleTimeout(clock.monotonicMs());
      this.#work();
    });
    this.#timer = { atMs, timer };
  }

  #encode(address: Address): Bytes {
    const name = `${address.host} ${address.port}`;
    const known = this.#encodedAddresses.get(name);
    if (known !== undefined) return known;
    const encoded = encodeAddress(address);
    if (encoded === null) {
      throw new TypeError(`Cannot use "${address.host}": it must be an IP address`);
    }
    if (this.#encodedAddresses.size >= REMEMBERED_ADDRESSES_MAX) this.#encodedAddresses.clear();
    this.#encodedAddresses.set(name, encoded);
    return encoded;
  }
}

function openSocket(hostname: string, port: number): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname, port });
}

/** A datagram that cannot be sent, as to an unreachable network, is as one that the line lost. */
function ignoreError(): void {}
