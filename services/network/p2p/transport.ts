import type { NodeNetInfo } from "../../../proto/gen/common.ts";
import type { Clock, Timer } from "../../../shared/clock/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Frame } from "../frame.ts";
import { buildMultiaddr, type Multiaddr, parseMultiaddr } from "../multiaddr.ts";
import { Outbox } from "../outbox.ts";
import { PeerTable } from "../peers.ts";
import type { Traffic } from "../traffic.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import { Connection } from "./connection.ts";
import { DialPlan, type DialTarget, dialTarget } from "./core/dial_plan.ts";
import { MemoryBudget } from "../core/memory_budget.ts";
import { type LinkEvent, PeerLink } from "./core/peer_link.ts";
import type { Role } from "./core/yamux_session.ts";

/** What a transport needs to know. */
export interface P2pOptions {
  /** TCP port; 0 lets the system choose. */
  readonly port: number;
  /** Peers to keep connected. */
  readonly peers: readonly Multiaddr[];
  /** Largest message in either direction: `grpc_frame`. */
  readonly frameSizeMax: number;
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often deadlines and missing connections are looked at. */
const TICK_MS = 1_000;

/** How long a TCP connection may take to be established (spec/network.md, section 3.7). */
const CONNECT_TIMEOUT_MS = 10_000;

/** Connections at once (section 3.7). */
const CONNECTIONS_MAX = 65_535;

/** What unfinished messages of all connections may take. */
const UNFINISHED_SIZE_MAX = 1024 * 1024 * 1024;

/** Pause after the system could not give a connection, for want of file handles for example. */
const ACCEPT_RETRY_MS = 100;

/** An open connection and what waits for it. */
interface Session {
  readonly connection: Connection;
  readonly outbox: Outbox;
}

/** Plain TCP with yamux, the transport of `network_p2p` (spec/network.md, section 3). */
export class P2pTransport implements Transport {
  readonly #options: P2pOptions;
  readonly #plan: DialPlan;
  readonly #peers = new PeerTable<Session>();
  readonly #connections = new Set<Connection>();
  readonly #dials = new Set<Promise<void>>();
  readonly #budget = new MemoryBudget(UNFINISHED_SIZE_MAX);
  readonly #stopRequest = new AbortController();
  #events: TransportEvents = { message() {} };
  #listener: Deno.TcpListener | null = null;
  #tickTimer: Timer | null = null;
  #nextOrigin = 1n;

  constructor(options: P2pOptions) {
    this.#options = options;
    this.#plan = new DialPlan(options.peers);
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#listener?.addr.port ?? this.#options.port;
  }

  listen(events: TransportEvents): Promise<void> {
    this.#events = events;
    const { port } = this.#options;
    try {
      this.#listener = Deno.listen({ hostname: "0.0.0.0", port });
    } catch (cause) {
      const got = cause instanceof Error ? cause.message : String(cause);
      const text = `Cannot listen on 0.0.0.0:${port}: it must be free, got "${got}"`;
      return Promise.reject(new Error(text, { cause }));
    }
    this.#acceptAll(this.#listener);
    this.#tick();
    return Promise.resolve();
  }

  dial(address: string): StatusCode {
    const parsed = parseMultiaddr(address);
    if (parsed === null) return StatusCode.MultiAddrParseError;
    if (this.#stopRequest.signal.aborted) return StatusCode.DialNodeFail;
    if (this.#plan.begin(parsed.text)) this.#startDial(parsed);
    return StatusCode.Success;
  }

  async send(origin: bigint, frame: Frame): Promise<StatusCode> {
    if (this.#stopRequest.signal.aborted) return StatusCode.SendMsgError;
    const peer = this.#peers.get(origin);
    if (peer !== undefined) {
      const { connection, outbox } = peer.session;
      outbox.push(frame);
      connection.flush();
      await outbox.waitForRoom(this.#options.clock);
    }
    return StatusCode.Success;
  }

  broadcast(frame: Frame): StatusCode {
    if (this.#stopRequest.signal.aborted) return StatusCode.BroadcastMsgError;
    for (const { session: { connection, outbox } } of this.#peers.all()) {
      outbox.push(frame);
      connection.flush();
    }
    return StatusCode.Success;
  }

  peers(): readonly NodeNetInfo[] {
    return this.#peers.netInfos();
  }

  /** Takes for granted that two nodes dial each other, as the reference does (section 3.7). */
  peerCount(): bigint {
    return BigInt(Math.floor((this.#peers.size + 1) / 2));
  }

  get waitingSize(): number {
    return this.#peers.all().reduce((size, { session }) => size + session.outbox.size, 0);
  }

  async close(): Promise<void> {
    this.#stopRequest.abort();
    this.#tickTimer?.cancel();
    this.#listener?.close();
    this.#listener = null;
    const ends = [...this.#connections].map((connection) => connection.close("this node stops"));
    await Promise.all([...ends, ...this.#dials]);
  }

  async #acceptAll(listener: Deno.TcpListener): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopRequest;
    while (!signal.aborted) {
      const socket = await this.#acceptNext(listener);
      if (socket !== null) this.#accept(socket);
      else await clock.sleep(ACCEPT_RETRY_MS, signal);
    }
  }

  async #acceptNext(listener: Deno.TcpListener): Promise<Deno.TcpConn | null> {
    try {
      return await listener.accept();
    } catch (cause) {
      const isClosed = this.#stopRequest.signal.aborted;
      if (!isClosed) this.#options.log.warn("service error: ListenError", { cause });
      return null;
    }
  }

  #accept(socket: Deno.TcpConn): void {
    if (this.#stopRequest.signal.aborted || this.#connections.size >= CONNECTIONS_MAX) {
      socket.close();
      return;
    }
    const { hostname, port } = socket.remoteAddr;
    const address = buildMultiaddr([
      { name: hostname.includes(":") ? "ip6" : "ip4", value: hostname },
      { name: "tcp", value: String(port) },
    ]);
    this.#startConnection(socket, "acceptor", address);
  }

  #startDial(address: Multiaddr): void {
    const dial = this.#dial(address);
    this.#dials.add(dial);
    dial.then(() => this.#dials.delete(dial));
  }

  async #dial(address: Multiaddr): Promise<void> {
    const { log } = this.#options;
    log.info(`dial node(${address.text})`);
    const target = dialTarget(address);
    const socket = typeof target === "string" ? target : await this.#connect(target);
    if (typeof socket === "string") {
      log.warn(`service error: DialerError(${address.text}): ${socket}`);
    } else if (this.#stopRequest.signal.aborted || this.#connections.size >= CONNECTIONS_MAX) {
      socket.close();
    } else {
      return this.#startConnection(socket, "dialler", address);
    }
    this.#plan.finish(address.text);
  }

  /** A connection, or the reason why there is none. */
  async #connect(target: DialTarget): Promise<Deno.TcpConn | string> {
    const attempt = new AbortController();
    const cancel = () => attempt.abort();
    const timer = this.#options.clock.setTimer(CONNECT_TIMEOUT_MS, cancel);
    this.#stopRequest.signal.addEventListener("abort", cancel, { once: true });
    try {
      return await Deno.connect({ ...target, signal: attempt.signal });
    } catch (cause) {
      if (attempt.signal.aborted) return `no connection within ${CONNECT_TIMEOUT_MS} ms`;
      return cause instanceof Error ? cause.message : String(cause);
    } finally {
      timer.cancel();
      this.#stopRequest.signal.removeEventListener("abort", cancel);
    }
  }

  #startConnection(socket: Deno.TcpConn, role: Role, address: Multiaddr): void {
    const { clock, frameSizeMax, traffic } = this.#options;
    const origin = this.#nextOrigin;
    this.#nextOrigin += 1n;
    const nowMs = clock.monotonicMs();
    const link = new PeerLink({ role, frameSizeMax, budget: this.#budget, nowMs });
    const outbox = new Outbox(traffic);
    const onEvent = (event: LinkEvent) => {
      if (event.kind === "message") return this.#events.message(origin, event.bytes);
      if (role === "dialler") this.#plan.finish(address.text);
      if (event.kind === "opened") {
        this.#options.log.info(`session ${origin} opened`, { address: address.text, role });
        this.#peers.add({ origin, address: address.text, session: { connection, outbox } });
      } else {
        this.#peers.remove(origin);
        outbox.close();
        this.#logEnd(origin, address, event);
      }
    };
    const connection: Connection = new Connection({ socket, link, outbox, clock, onEvent });
    this.#connections.add(connection);
    connection.closed.then(() => this.#connections.delete(connection));
    connection.start();
  }

  #logEnd(
    origin: bigint,
    { text }: Multiaddr,
    { reason, isFault }: { readonly reason: string; readonly isFault: boolean },
  ): void {
    const { log } = this.#options;
    if (isFault) log.warn(`service error: ${reason}`, { session: origin, address: text });
    else log.info(`session ${origin} closed: ${reason}`, { address: text });
  }

  #tick(): void {
    const { clock } = this.#options;
    for (const connection of this.#connections) connection.tick();
    const isConnected = (address: string) => this.#peers.hasAddress(address);
    for (const address of this.#plan.due(clock.monotonicMs(), isConnected)) {
      this.#startDial(address);
    }
    this.#tickTimer = clock.setTimer(TICK_MS, () => this.#tick());
  }
}
