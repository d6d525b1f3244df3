import type { NodeNetInfo } from "../../../proto/gen/common.ts";
import type { Clock, Timer } from "../../../shared/clock/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { isDnsName } from "../../../shared/x509/mod.ts";
import type { Frame } from "../frame.ts";
import { LimitedLog } from "../limited_log.ts";
import { Outbox } from "../outbox.ts";
import type { Traffic } from "../traffic.ts";
import type { InvalidAddress, Transport, TransportEvents } from "../transport.ts";
import type { Carrier, Channel } from "./carrier.ts";
import {
  domainKey,
  type KnownPeer,
  type NeighbourEffect,
  Neighbours,
  NEIGHBOURS_MAX,
} from "./core/neighbours.ts";
import { peerFromMultiaddr } from "./peer_address.ts";

/** What a transport of known domains works with. */
export interface DomainOptions {
  readonly carrier: Carrier;
  /** Domains of this node's own certificate. */
  readonly ownDomains: readonly string[];
  readonly peers: readonly KnownPeer[];
  readonly redialMs: number;
  readonly traffic: Traffic;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A channel that is some neighbour's connection. */
interface Session {
  readonly channel: Channel;
  readonly outbox: Outbox;
}

/** Logged of a node with a good certificate. */
const UNKNOWN_PEER_TEXT = "tls report error: the certificate is of no known peer";

/** How often missing connections are looked at. */
const TICK_MS = 100;

/**
 * The transport of the flavours with certificates: a neighbour is a domain that is known, from the
 * configuration, by `AddNode` or by a change of the file while the service runs, and has at most
 * one connection (spec/network.md, section 4).
 */
export class DomainTransport implements Transport {
  readonly #options: DomainOptions;
  readonly #neighbours: Neighbours<Session>;
  readonly #refusals: LimitedLog;
  readonly #dials = new Map<string, AbortController>();
  /** Channels that are being closed. */
  readonly #closing = new Set<Promise<void>>();
  #events: TransportEvents = { message() {} };
  #tickTimer: Timer | null = null;
  #isClosed = false;

  constructor(options: DomainOptions) {
    const { ownDomains, redialMs, peers } = options;
    this.#options = options;
    this.#neighbours = new Neighbours({ ownDomains, redialMs });
    this.#refusals = new LimitedLog(options);
    for (const peer of peers) this.#add(peer);
  }

  async listen(events: TransportEvents): Promise<void> {
    this.#events = events;
    await this.#options.carrier.listen((channel) => this.#accept(channel));
    this.#tick();
  }

  dial(address: string): StatusCode | InvalidAddress {
    const peer = peerFromMultiaddr(address);
    if ("reason" in peer) return peer;
    if (!isDnsName(peer.domain)) return { reason: `domain "${peer.domain}" is no DNS name` };
    const known = this.#neighbours.get(peer.domain);
    if (known !== undefined && known.channel !== null) return StatusCode.AddExistedPeer;
    if (known === undefined) this.#add(peer);
    return StatusCode.Success;
  }

  /** Makes exactly these peers known: new ones are dialled, others end (section 4.10). */
  setPeers(peers: readonly KnownPeer[]): void {
    const wanted = new Set(peers.map(({ domain }) => domainKey(domain)));
    for (const { peer: { domain } } of this.#neighbours.all()) {
      if (wanted.has(domainKey(domain))) continue;
      this.#options.log.info(`peer deleted: ${domain}`);
      this.#perform(this.#neighbours.remove(domain));
    }
    for (const peer of peers) {
      if (this.#neighbours.get(peer.domain) === undefined) this.#add(peer);
    }
  }

  /** The peers that may connect. */
  knownPeers(): readonly KnownPeer[] {
    return this.#neighbours.all().map(({ peer }) => peer);
  }

  async send(origin: bigint, frame: Frame): Promise<StatusCode> {
    const neighbour = this.#neighbours.all().find((one) => one.origin === origin);
    if (neighbour === undefined) return this.broadcast(frame);
    if (neighbour.channel === null) {
      const { host, port } = neighbour.peer;
      this.#options.traffic.dropped(frame.lane, frame.size);
      const fields = { peer: neighbour.peer.domain, host, port, msgs_cnt: 1 };
      this.#options.log.warn("drop outbound msgs since no available stream to this peer", fields);
      return StatusCode.Success;
    }
    push(neighbour.channel, frame);
    await neighbour.channel.outbox.waitForRoom(frame.lane, this.#options.clock);
    return StatusCode.Success;
  }

  broadcast(frame: Frame): StatusCode {
    for (const { channel } of this.#neighbours.connected()) push(channel, frame);
    return StatusCode.Success;
  }

  peers(): readonly NodeNetInfo[] {
    return this.#neighbours.connected().map(({ peer: { host, port, domain }, origin }) => {
      return { multiAddress: `/dns4/${host}/tcp/${port}/tls/${domain}`, origin };
    });
  }

  peerCount(): bigint {
    return BigInt(this.#neighbours.connected().length);
  }

  get waitingSize(): number {
    return this.#neighbours.connected()
      .reduce((size, { channel }) => size + channel.outbox.size, 0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#tickTimer?.cancel();
    for (const dial of this.#dials.values()) dial.abort();
    for (const { channel } of this.#neighbours.connected()) this.#close(channel);
    await Promise.all(this.#closing);
    await this.#options.carrier.close();
  }

  #add(peer: KnownPeer): void {
    const { log, clock } = this.#options;
    const { host, port, domain } = peer;
    const problem = this.#problemOf(domain);
    if (problem !== null) {
      log.warn(`Cannot use the peer of domain "${domain}": ${problem}`, { host, port });
    } else if (this.#neighbours.add(peer, clock.monotonicMs())) {
      log.info(`peer added: ${domain}`, { host, port });
    }
  }

  /** Why a domain cannot be a peer's; null when it can. */
  #problemOf(domain: string): string | null {
    if (!isDnsName(domain)) return "it must be a DNS name";
    const own = this.#options.ownDomains.map(domainKey);
    if (own.includes(domainKey(domain))) return "it is this node's own";
    if (this.#neighbours.get(domain) !== undefined) return "another peer has it";
    return this.#neighbours.all().length >= NEIGHBOURS_MAX ? "there are too many" : null;
  }

  #accept(channel: Channel): void {
    const { clock } = this.#options;
    const { domains, address } = channel;
    if (!domains.some((domain) => this.#neighbours.get(domain) !== undefined)) {
      this.#refusals.warn(UNKNOWN_PEER_TEXT, { domains, address });
    }
    const session = this.#newSession(channel);
    if (this.#isClosed) return this.#close(session);
    this.#perform(this.#neighbours.accepted(domains, session, clock.monotonicMs()));
  }

  #newSession(channel: Channel): Session {
    return { channel, outbox: new Outbox(this.#options.traffic) };
  }

  #tick(): void {
    const { clock } = this.#options;
    this.#perform(this.#neighbours.due(clock.monotonicMs()));
    this.#tickTimer = clock.setTimer(TICK_MS, () => this.#tick());
  }

  #perform(effects: readonly NeighbourEffect<Session>[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "dial":
          this.#dial(effect.peer);
          break;
        case "cancelDial":
          this.#dials.get(effect.domain)?.abort();
          break;
        case "open":
          this.#open(effect);
          break;
        case "close":
          this.#options.log.debug(`connection closed: ${effect.reason}`);
          this.#close(effect.channel);
      }
    }
  }

  async #dial(peer: KnownPeer): Promise<void> {
    const { carrier, clock, log } = this.#options;
    const { domain, host, port } = peer;
    const dial = new AbortController();
    this.#dials.set(domain, dial);
    log.info("connecting..", { peer: domain, host, port });
    try {
      const channel = await carrier.dial(peer, dial.signal);
      const session = this.#newSession(channel);
      if (dial.signal.aborted) this.#close(session);
      else this.#perform(this.#neighbours.dialled(domain, session, clock.monotonicMs()));
    } catch (cause) {
      if (dial.signal.aborted) return; // the next dial may be under way
      const reason = cause instanceof Error ? cause.message : String(cause);
      log.debug("cannot connect to peer", { peer: domain, reason });
      this.#neighbours.dialFailed(domain, clock.monotonicMs());
    } finally {
      if (this.#dials.get(domain) === dial) this.#dials.delete(domain);
    }
  }

  #open({ peer, origin, channel: session, side }: NeighbourEffect<Session> & { kind: "open" }) {
    const { log, clock } = this.#options;
    const { channel, outbox } = session;
    const fields = { peer: peer.domain, type: side, address: channel.address };
    log.info("new connection established", fields);
    channel.start({
      outbox,
      message: (bytes) => this.#events.message(origin, bytes),
      ended: (reason) => {
        log.info("connection ended", { reason, ...fields });
        outbox.close();
        this.#neighbours.ended(peer.domain, session, clock.monotonicMs());
      },
    });
  }

  #close({ channel, outbox }: Session): void {
    const closing = channel.close().then(() => {
      outbox.close();
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
  }
}

function push({ channel, outbox }: Session, frame: Frame): void {
  outbox.push(frame);
  channel.flush();
}
