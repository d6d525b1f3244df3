import type { Clock } from "../../../../shared/clock/mod.ts";
import type { Multiaddr } from "../../multiaddr.ts";
import { dialTarget } from "../core/dial_plan.ts";
import { acceptAll } from "../../accept_loop.ts";
import { listenRefusal } from "../../listen_refusal.ts";
import { acceptedAddress, type Wire, type WireEvents } from "./wire.ts";

/** How long a TCP connection may take to be established (spec/network.md, section 3.7). */
const CONNECT_TIMEOUT_MS = 10_000;

/** TCP without anything: what nodes of 6.3.3 speak by default. */
export class PlainWire implements Wire {
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #listener: Deno.TcpListener | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get port(): number {
    return this.#listener?.addr.port ?? 0;
  }

  listen(port: number, events: WireEvents): Promise<void> {
    try {
      this.#listener = Deno.listen({ hostname: "0.0.0.0", port });
    } catch (cause) {
      return Promise.reject(listenRefusal(port, cause));
    }
    acceptAll({
      listener: this.#listener,
      clock: this.#clock,
      signal: this.#stop.signal,
      onAccepted: (socket) => events.accepted(socket, acceptedAddress(socket.remoteAddr)),
      onFailure: (reason) => events.refused("", `ListenError: ${reason}`),
    });
    return Promise.resolve();
  }

  async dial(address: Multiaddr, signal: AbortSignal): Promise<Deno.TcpConn> {
    const target = dialTarget(address);
    if (typeof target === "string") throw new Error(target);
    const { hostname, port, domain } = target;
    if (domain !== null) throw new Error("TlsError: tls config is not set");
    const deadline = new AbortController();
    const timer = this.#clock.setTimer(CONNECT_TIMEOUT_MS, () => deadline.abort());
    const stop = AbortSignal.any([signal, deadline.signal]);
    try {
      return await Deno.connect({ hostname, port, signal: stop });
    } catch (cause) {
      if (!stop.aborted) throw cause;
      throw new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`, { cause });
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    this.#stop.abort();
    this.#listener?.close();
    this.#listener = null;
  }
}
