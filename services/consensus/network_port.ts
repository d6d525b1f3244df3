import { NetworkServiceService } from "../../proto/gen/network.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import { Drops } from "./drops.ts";
import { Link } from "./link.ts";

/** `NetworkMsg.module` of every message between consensus services (spec/consensus.md, 1.1). */
export const CONSENSUS_MODULE = "consensus";

/** A message to other nodes of this module. */
export interface OutgoingMessage {
  readonly type: string;
  /** The session that it goes to; 0 means everyone. */
  readonly origin: bigint;
  readonly body: Bytes;
}

/** The way to the consensus services of other nodes; messages may get lost, no call throws. */
export interface NetworkPort {
  send(message: OutgoingMessage): void;
  close(): void;
}

/** What a port to the network service is made of. */
export interface NetworkPortOptions {
  readonly networkPort: number;
  /** Where the network service delivers messages. */
  readonly ownPort: number;
  readonly retryMs: number;
  /** Told of a session that a message did not go to; without it everyone gets the message. */
  readonly onUnreachable?: (origin: bigint) => void;
  /** Told when messages can come: at first, and after the network service was away. */
  readonly onRegistered?: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The registration is repeated, since a restarted network service has forgotten it. */
const REGISTER_INTERVAL_MS = 10_000;
const DEADLINE_MS = 5_000;

/** Messages that wait for the network service at most; further ones are lost. */
const IN_FLIGHT_MAX = 1_024;

/** Connects to the network service of this host and keeps this module registered there. */
export function connectNetwork(options: NetworkPortOptions): NetworkPort {
  return new GrpcNetworkPort(options);
}

class GrpcNetworkPort implements NetworkPort {
  readonly #client: RpcClient<NetworkServiceService>;
  readonly #link: Link;
  readonly #drops: Drops;
  readonly #closing = new AbortController();
  #inFlight = 0;
  #isRegistered = false;
  #wake = new AbortController();

  constructor(readonly options: NetworkPortOptions) {
    const { networkPort, log } = options;
    this.#client = connect(NetworkServiceService, {
      port: networkPort,
      deadlineMs: DEADLINE_MS,
      clientName: "consensus",
    });
    this.#link = new Link("network", log);
    this.#drops = new Drops("own messages", options);
    void this.#keepRegistered();
  }

  send(message: OutgoingMessage): void {
    if (this.#inFlight >= IN_FLIGHT_MAX) {
      return this.#drops.add("the network service does not keep up");
    }
    this.#inFlight++;
    void this.#deliver(message).finally(() => this.#inFlight--);
  }

  close(): void {
    this.#closing.abort();
    this.#wake.abort();
    this.#client.close();
  }

  /** A session that is gone is no reason to lose a vote: everyone gets it then. */
  async #deliver({ type, origin, body }: OutgoingMessage): Promise<void> {
    const { onUnreachable } = this.options;
    const message = { module: CONSENSUS_MODULE, type, origin, msg: body };
    if (origin !== 0n) {
      const sent = await this.#link.call(() => this.#client.sendMsg(message));
      if (sent?.code === StatusCode.Success) return;
      if (onUnreachable !== undefined) {
        if (sent === null) this.#registerNow();
        return onUnreachable(origin);
      }
    }
    const status = await this.#link.call(() => this.#client.broadcast({ ...message, origin: 0n }));
    if (status === null) this.#registerNow();
    else if (status.code !== StatusCode.Success) {
      this.options.log.warn(`net client broadcast error ${statusName(status.code)}`);
    }
  }

  async #keepRegistered(): Promise<void> {
    const { clock, log, retryMs, ownPort, onRegistered } = this.options;
    const request = { moduleName: CONSENSUS_MODULE, hostname: "127.0.0.1", port: `${ownPort}` };
    while (!this.#closing.signal.aborted) {
      const status = await this.#link.call(() => this.#client.registerNetworkMsgHandler(request));
      const isRegistered = status?.code === StatusCode.Success;
      if (isRegistered && !this.#isRegistered) {
        log.info("register network msg handler success!");
        onRegistered?.();
      }
      this.#isRegistered = isRegistered;
      this.#wake = new AbortController();
      await clock.sleep(isRegistered ? REGISTER_INTERVAL_MS : retryMs, this.#wake.signal);
      // woken by a failure: the service is given a moment to come back
      if (this.#wake.signal.aborted) await clock.sleep(retryMs, this.#closing.signal);
    }
  }

  /** A service that did not answer may have been restarted, which loses what others sent. */
  #registerNow(): void {
    this.#isRegistered = false;
    this.#wake.abort();
  }
}
