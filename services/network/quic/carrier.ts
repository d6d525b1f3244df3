import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { assert } from "../../../shared/assert/mod.ts";
import { MemoryBudget, UNFINISHED_SIZE_MAX } from "../core/memory_budget.ts";
import { type Carrier, type Channel, type DialTarget, REFUSED_TEXT } from "../domains/carrier.ts";
import type { CarrierOptions } from "../domains/start.ts";
import { LimitedLog } from "../limited_log.ts";
import { listenRefusal } from "../listen_refusal.ts";
import { QuicChannel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { Endpoint } from "./endpoint.ts";
import { type Credentials, EngineError } from "./engine.ts";

/** What a carrier works with. */
export interface QuicCarrierOptions extends Omit<CarrierOptions, "identity"> {
  /** That of the configuration is one. */
  readonly identity: Credentials;
}

/** How long a dial may take, with the look-up of the name. */
const DIAL_TIMEOUT_MS = 10_000;

/** Connects nodes with QUIC version 1 and mutual TLS 1.3 (spec/network.md, section 5). */
export class QuicCarrier implements Carrier {
  readonly #options: QuicCarrierOptions;
  readonly #refusals: LimitedLog;
  readonly #budget = new MemoryBudget(UNFINISHED_SIZE_MAX);
  #endpoint: Endpoint | null = null;

  constructor(options: QuicCarrierOptions) {
    this.#options = options;
    this.#refusals = new LimitedLog(options);
  }

  get port(): number {
    return this.#endpoint?.port ?? this.#options.port;
  }

  listen(accept: (channel: Channel) => void): Promise<void> {
    return Promise.try(() => {
      this.#endpoint = this.#openEndpoint(accept);
    });
  }

  async dial({ host, port, domain }: DialTarget, signal: AbortSignal): Promise<Channel> {
    const endpoint = this.#endpoint;
    assert(endpoint !== null, "A carrier listens before it dials");
    const deadline = new AbortController();
    const timer = this.#options.clock.setTimer(DIAL_TIMEOUT_MS, () => deadline.abort());
    try {
      const either = AbortSignal.any([signal, deadline.signal]);
      const address = { host: await resolveHost(host, either), port };
      return this.#newChannel(await endpoint.connect(address, domain, either));
    } finally {
      timer.cancel();
    }
  }

  async close(): Promise<void> {
    await this.#endpoint?.close("closed");
  }

  #openEndpoint(accept: (channel: Channel) => void): Endpoint {
    const { identity, port, clock } = this.#options;
    try {
      return new Endpoint({
        credentials: identity,
        port,
        clock,
        onConnection: (connection) => accept(this.#newChannel(connection)),
        onRefusal: ({ host, port }, reason) =>
          this.#refusals.warn(REFUSED_TEXT, { reason, address: `${host}:${port}` }),
      });
    } catch (cause) {
      throw cause instanceof EngineError ? cause : listenRefusal(port, cause);
    }
  }

  #newChannel(connection: Connection): Channel {
    const { host, port } = connection.address;
    return new QuicChannel({
      connection,
      clock: this.#options.clock,
      budget: this.#budget,
      onRefusal: (reason) =>
        this.#refusals.warn("framed stream report decode error", {
          reason,
          address: `${host}:${port}`,
        }),
    });
  }
}

/** The address of a host; one of IPv4 if there is one, since nodes listen there. */
async function resolveHost(host: string, signal: AbortSignal): Promise<string> {
  if (isIP(host) !== 0) return host;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(new Error(`Cannot look up "${host}": it takes too long`));
  signal.addEventListener("abort", abort);
  try {
    const found = await Promise.race([lookup(host, { all: true }), aborted.promise]);
    const chosen = found.find(({ family }) => family === 4) ?? found[0];
    if (chosen === undefined) throw new Error(`Cannot look up "${host}": it has no address`);
    return chosen.address;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
