import type { Clock } from "../../../shared/clock/mod.ts";
import { MemoryBudget, UNFINISHED_SIZE_MAX } from "../core/memory_budget.ts";
import { type Carrier, type Channel, type DialTarget, REFUSED_TEXT } from "../domains/carrier.ts";
import { checkPeer, type Identity } from "../domains/identity.ts";
import type { CarrierOptions } from "../domains/start.ts";
import { LimitedLog } from "../limited_log.ts";
import { listenRefusal } from "../listen_refusal.ts";
import {
  dialTls,
  type Handshake,
  type PeerCheck,
  TlsListener,
  type TlsSettings,
  type TlsSocket,
} from "../tls_socket.ts";
import { TlsChannel } from "./channel.ts";

/** Mutual TLS 1.3 over TCP (spec/network.md, section 4). */
export class TlsCarrier implements Carrier {
  readonly #identity: Identity;
  readonly #port: number;
  readonly #clock: Clock;
  readonly #refusals: LimitedLog;
  readonly #budget = new MemoryBudget(UNFINISHED_SIZE_MAX);
  #listener: TlsListener | null = null;

  constructor({ identity, port, clock, log }: CarrierOptions) {
    this.#identity = identity;
    this.#port = port;
    this.#clock = clock;
    this.#refusals = new LimitedLog({ log, clock });
  }

  get port(): number {
    return this.#listener?.port ?? this.#port;
  }

  /** With what it meets those who dial this node. */
  get acceptSettings(): TlsSettings {
    return this.#settings(this.#check("client", null));
  }

  async listen(accept: (channel: Channel) => void): Promise<void> {
    const port = this.#port;
    try {
      this.#listener = await TlsListener.listen({
        hostname: "0.0.0.0",
        port,
        settings: this.acceptSettings,
        clock: this.#clock,
        onSocket: (socket) => accept(this.#channel(socket)),
        onRefused: ({ hostname, port }, reason) =>
          this.#refusals.warn(REFUSED_TEXT, { reason, address: `${hostname}:${port}` }),
      });
    } catch (cause) {
      throw listenRefusal(port, cause);
    }
  }

  async dial({ host, port, domain }: DialTarget, signal: AbortSignal): Promise<Channel> {
    const settings = this.#settings(this.#check("server", domain));
    const clock = this.#clock;
    const options = { hostname: host, port, serverName: domain, settings, clock, signal };
    return this.#channel(await dialTls(options));
  }

  close(): Promise<void> {
    this.#listener?.close();
    return Promise.resolve();
  }

  #settings(check: PeerCheck): TlsSettings {
    const { ca, cert, key } = this.#identity;
    return { ca, cert, key, checkPeer: check, minVersion: "TLSv1.3" };
  }

  #check(usage: "client" | "server", domain: string | null): PeerCheck {
    return ({ chain }: Handshake) => {
      const nowMs = this.#clock.nowMs();
      const result = checkPeer(this.#identity, { chain, usage, domain, nowMs });
      return "refusal" in result ? result.refusal : null;
    };
  }

  #channel(socket: TlsSocket): TlsChannel {
    return new TlsChannel({ socket, budget: this.#budget, clock: this.#clock });
  }
}
