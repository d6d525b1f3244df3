import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { assert } from "../../../shared/assert/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { MemoryBudget } from "../core/memory_budget.ts";
import { type Carrier, type Channel, type DialTarget, REFUSED_TEXT } from "../domains/carrier.ts";
import { LimitedLog } from "../limited_log.ts";
import { QuicChannel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { Endpoint } from "./endpoint.ts";
import type { Credentials } from "./engine.ts";

/** What a carrier works with. */
export interface QuicCarrierOptions {
  readonly credentials: Credentials;
  /** UDP port for other nodes; 0 for any. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What unfinished messages of all channels may take. */
const UNFINISHED_SIZE_MAX = 1024 * 1024 * 1024;

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

  /** Also throws an `EngineError` when the credentials cannot be used. */
  listen(accept: (channel: Channel) => void): Promise<void> {
    const { credentials, port, clock } = this.#options;
    return Promise.try(() => {
      this.#endpoint = new Endpoint({
        credentials,
        port,
        clock,
        onConnection: (connection) => accept(this.#newChannel(connection)),
        onRefusal: ({ host, port }, reason) =>
          this.#refusals.warn(REFUSED_TEXT, { reason, address: `${host}:${port}` }),
      });
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
