import type { Clock } from "../../../../shared/clock/mod.ts";
import { isDnsName } from "../../../../shared/x509/mod.ts";
import { checkPeer } from "../../domains/identity.ts";
import type { Multiaddr } from "../../multiaddr.ts";
import {
  dialTls,
  type PeerCheck,
  TlsListener,
  type TlsSettings,
  type TlsSocket,
} from "../../tls_socket.ts";
import { dialTarget } from "../core/dial_plan.ts";
import type { P2pTlsSettings } from "../tls_settings.ts";
import { listenRefusal } from "../../listen_refusal.ts";
import { acceptedAddress, type Wire, type WireEvents } from "./wire.ts";

/** Mutual TLS over TCP (spec/network.md, section 3.3): `enable_tls`. */
export class TlsWire implements Wire {
  readonly #settings: P2pTlsSettings;
  readonly #clock: Clock;
  #listener: TlsListener | null = null;

  constructor(settings: P2pTlsSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** With what it meets those who dial this node: any certificate of the authority will do. */
  get acceptSettings(): TlsSettings {
    return { ...this.#settings.tls, checkPeer: this.#check(null) };
  }

  async listen(port: number, { accepted, refused }: WireEvents): Promise<void> {
    try {
      this.#listener = await TlsListener.listen({
        hostname: "0.0.0.0",
        port,
        settings: this.acceptSettings,
        clock: this.#clock,
        onSocket: (socket) => accepted(socket, addressOf(socket.remoteAddr)),
        onRefused: (address, reason) => refused(addressOf(address).text, `TlsError: ${reason}`),
      });
    } catch (cause) {
      throw listenRefusal(port, cause);
    }
  }

  dial(address: Multiaddr, signal: AbortSignal): Promise<TlsSocket> {
    const target = dialTarget(address);
    if (typeof target === "string") return Promise.reject(new Error(target));
    const { hostname, port, domain } = target;
    if (domain === null || !isDnsName(domain)) {
      const text = "TlsError: the address needs a /tls/ component with the domain of the peer";
      return Promise.reject(new Error(text));
    }
    const settings = { ...this.#settings.tls, checkPeer: this.#check(domain) };
    return dialTls({ hostname, port, serverName: domain, settings, clock: this.#clock, signal });
  }

  close(): void {
    this.#listener?.close();
  }

  #check(domain: string | null): PeerCheck {
    const usage = domain === null ? "client" : "server";
    const { identity } = this.#settings;
    return ({ chain }) => {
      const nowMs = this.#clock.nowMs();
      const result = checkPeer(identity, { chain, usage, domain, nowMs });
      return "refusal" in result ? result.refusal : null;
    };
  }
}

function addressOf(remote: { readonly hostname: string; readonly port: number }): Multiaddr {
  return acceptedAddress(remote, { name: "tls", value: "" });
}
