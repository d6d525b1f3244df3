import type { NodeNetInfo } from "../../../proto/gen/common.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock, Timer } from "../../../shared/clock/mod.ts";
import type { LogFields, Logger } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { MemoryBudget } from "../core/memory_budget.ts";
import type { Frame } from "../frame.ts";
import { HalfOpen } from "../half_open.ts";
import { LimitedLog } from "../limited_log.ts";
import { type Multiaddr, parseMultiaddr } from "../multiaddr.ts";
import { Outbox } from "../outbox.ts";
import { PeerTable } from "../peers.ts";
import type { ByteSocket } from "../tls_socket.ts";
import type { Traffic } from "../traffic.ts";
import type { Transport, TransportEvents } from "../transport.ts";
import { Connection } from "./connection.ts";
import { DialPlan } from "./core/dial_plan.ts";
import { type LinkEvent, PeerLink } from "./core/peer_link.ts";
import type { Role } from "./core/yamux_session.ts";
import type { Discovery, OpenedSession } from "./discovery.ts";
import type { Wire } from "./wire/wire.ts";

/** What a transport needs to know. */
export interface P2pOptions {
  /** How bytes reach other nodes. */
  readonly wire: Wire;
  /** TCP port; 0 lets the system choose. */
  readonly port: number;
  /** Peers to keep connected. */
  readonly peers: readonly Multiaddr[];
  /** Largest message in either direction: `grpc_frame`. */
  readonly frameSizeMax: number;
  /** What unfinished messages of all connections may take. */
  readonly budget: MemoryBudget;
  /** Finds further peers; null when that is not wanted. */
  readonly discovery: Discovery | null;
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often deadlines and missing connections are looked at. */
const TICK_MS = 1_000;

/** Connections at once (section 3.7). */
const CONNECTIONS_MAX = 65_535;

/** Lines about faults of neighbours and strangers in a second. */
const FAULT_LINES_MAX = 20;

/** An open connection and what waits for it. */
interface Session {
  readonly connection: Connection;
  readonly outbox: Outbox;
}

/** Streams of yamux over a wire, the transport of `network_p2p` (spec/network.md, section 3). */
export class P2pTransport implements Transport {
  readonly #options: P2pOptions;
  readonly #plan: DialPlan;
  readonly #peers = new PeerTable<Session>();
  readonly #connections = new Set<Connection>();
  readonly #dials = new Set<Promise<void>>();
  readonly #halfOpen = new HalfOpen();
  readonly #faults: LimitedLog;
  readonly #stopRequest = new AbortController();
  #events: TransportEvents = { message() {} };
  #tickTimer: Timer | null = null;
  #nextOrigin = 1n;

  constructor(options: P2pOptions) {
    this.#options = options;
    this.#faults = new LimitedLog({ ...options, linesMax: FAULT_LINES_MAX });
    this.#plan = new DialPlan(options.peers);
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#options.wire.port;
  }

  async listen(events: TransportEvents): Promise<void> {
    this.#events = events;
    const { wire, port } = this.#options;
    await wire.listen(port, {
      accepted: (socket, address) => this.#accept(socket, address),
      refused: (address, reason) => this.#logFault(reason, { address }),
    });
    this.#tick();
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
    if (peer === undefined) {
      this.#options.traffic.dropped(frame.lane, frame.size);
    } else {
      sendTo(peer.session, frame);
      await peer.session.outbox.waitForRoom(frame.lane, this.#options.clock);
    }
    return StatusCode.Success;
  }

  broadcast(frame: Frame): StatusCode {
    if (this.#stopRequest.signal.aborted) return StatusCode.BroadcastMsgError;
    for (const { session } of this.#peers.all()) sendTo(session, frame);
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
    this.#options.wire.close();
    const ends = [...this.#connections].map((connection) => connection.close("this node stops"));
    await Promise.all([...ends, ...this.#dials]);
  }

  #accept(socket: ByteSocket, address: Multiaddr): void {
    if (this.#isFull) socket.close();
    else this.#startConnection(socket, "acceptor", address);
  }

  /** Whether no further connection may begin. */
  get #isFull(): boolean {
    return this.#stopRequest.signal.aborted || this.#connections.size >= CONNECTIONS_MAX;
  }

  #startDial(address: Multiaddr): void {
    const dial = this.#dial(address);
    this.#dials.add(dial);
    dial.then(() => this.#dials.delete(dial));
  }

  async #dial(address: Multiaddr): Promise<void> {
    const { wire, log, discovery, clock } = this.#options;
    log.info(`dial node(${address.text})`);
    try {
      const socket = await wire.dial(address, this.#stopRequest.signal);
      if (!this.#isFull) return this.#startConnection(socket, "dialler", address);
      socket.close();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      log.warn(`service error: DialerError(${address.text}): ${reason}`);
    }
    this.#plan.finish(address.text);
    discovery?.failed(address.text, clock.monotonicMs());
  }

  #startConnection(socket: ByteSocket, role: Role, address: Multiaddr): void {
    const { clock, frameSizeMax, traffic, budget } = this.#options;
    const origin = this.#nextOrigin;
    this.#nextOrigin += 1n;
    const nowMs = clock.monotonicMs();
    const link = new PeerLink({ role, frameSizeMax, budget, nowMs });
    const outbox = new Outbox(traffic);
    const onEvent = (event: LinkEvent) => {
      if (event.kind === "message") return this.#receive(origin, event.bytes);
      if (role === "dialler") this.#plan.finish(address.text);
      becomesUseful();
      if (event.kind === "opened") {
        this.#addPeer({ origin, role, address: address.text }, { connection, outbox });
      } else {
        outbox.close();
        this.#removePeer({ origin, role, address: address.text });
        this.#logEnd(origin, address, event);
      }
    };
    const connection: Connection = new Connection({ socket, link, outbox, clock, onEvent });
    const becomesUseful = role === "acceptor"
      ? this.#halfOpen.add((reason) => connection.close(reason))
      : () => {};
    this.#connections.add(connection);
    connection.closed.then(() => this.#connections.delete(connection));
    connection.start();
  }

  #addPeer(opened: OpenedSession, session: Session): void {
    const { log, discovery } = this.#options;
    const { origin, role, address } = opened;
    log.info(`session ${origin} opened`, { address, role });
    this.#peers.add({ origin, address, session });
    discovery?.opened(opened);
    if (discovery !== null) sendTo(session, discovery.message());
  }

  #removePeer({ origin, role, address }: OpenedSession): void {
    const { clock, discovery } = this.#options;
    const wasOpen = this.#peers.get(origin) !== undefined;
    this.#peers.remove(origin);
    if (wasOpen) discovery?.ended(origin, clock.monotonicMs());
    else if (role === "dialler") discovery?.failed(address, clock.monotonicMs());
  }

  #receive(origin: bigint, bytes: Bytes): void {
    const { discovery, clock } = this.#options;
    if (!discovery?.isAddressed(bytes)) return this.#events.message(origin, bytes);
    const isItself = discovery.receive(origin, bytes, clock.monotonicMs());
    const peer = this.#peers.get(origin);
    if (isItself) peer?.session.connection.close("discovery has led to this node itself");
  }

  #logFault(reason: string, fields: LogFields): void {
    this.#faults.warn(`service error: ${reason}`, fields, "service error");
  }

  #logEnd(
    origin: bigint,
    { text }: Multiaddr,
    { reason, isFault }: { readonly reason: string; readonly isFault: boolean },
  ): void {
    const { log } = this.#options;
    if (isFault) this.#logFault(reason, { session: origin, address: text });
    else log.info(`session ${origin} closed: ${reason}`, { address: text });
  }

  #tick(): void {
    const { clock } = this.#options;
    for (const connection of this.#connections) connection.tick();
    const isConnected = (address: string) => this.#peers.hasAddress(address);
    for (const address of this.#plan.due(clock.monotonicMs(), isConnected)) {
      this.#startDial(address);
    }
    this.#discover();
    this.#tickTimer = clock.setTimer(TICK_MS, () => this.#tick());
  }

  #discover(): void {
    const { discovery, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const address of discovery?.due(nowMs) ?? []) {
      if (this.#plan.begin(address.text)) this.#startDial(address);
    }
    if (!discovery?.isTimeToTell(nowMs)) return;
    for (const { session } of this.#peers.all()) sendTo(session, discovery.message());
  }
}

function sendTo({ connection, outbox }: Session, frame: Frame): void {
  outbox.push(frame);
  connection.flush();
}
