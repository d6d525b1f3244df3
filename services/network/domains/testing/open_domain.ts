import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { type Clock, SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { Inbox } from "../../testing/inbox.ts";
import { RecordingLogger } from "../../testing/recording_logger.ts";
import { Traffic } from "../../traffic.ts";
import type { Carrier } from "../carrier.ts";
import type { KnownPeer } from "../core/neighbours.ts";
import type { Identity } from "../identity.ts";
import type { CarrierOptions } from "../start.ts";
import { DomainTransport } from "../transport.ts";
import { identityOf } from "./certificates.ts";

/** What differs from test to test. */
export interface TestDomainOptions {
  readonly domain: string;
  readonly createCarrier: (options: CarrierOptions) => Carrier;
  readonly peers?: readonly KnownPeer[];
  /** By default one of the test authority for the domain. */
  readonly identity?: Identity;
  readonly port?: number;
  readonly redialMs?: number;
  readonly clock?: Clock;
}

/** A listening transport and what it reports; disposal closes it. */
export interface TestDomain extends AsyncDisposable {
  readonly transport: DomainTransport;
  readonly carrier: Carrier;
  readonly log: RecordingLogger;
  readonly traffic: Traffic;
  readonly messages: Inbox<{ readonly origin: bigint; readonly bytes: Bytes }>;
  /** How others know it. */
  readonly peer: KnownPeer;
}

/** A port on which nothing listens. */
export const CLOSED_PORT = 1;

/** Opens a node of a domain on a port of the system's choice. */
export async function openDomain(options: TestDomainOptions): Promise<TestDomain> {
  const { domain, createCarrier, peers = [], redialMs = 100, clock = SYSTEM_CLOCK } = options;
  const { identity = identityOf(domain), port = 0 } = options;
  const log = new RecordingLogger();
  const traffic = new Traffic();
  const carrier = createCarrier({ identity, port, clock, log });
  const ownDomains = identity.chain[0].dnsNames;
  const transport = new DomainTransport({
    carrier,
    ownDomains,
    peers,
    redialMs,
    traffic,
    clock,
    log,
  });
  const messages: TestDomain["messages"] = new Inbox();
  await transport.listen({ message: (origin, bytes) => messages.push({ origin, bytes }) });
  const peer = { host: "127.0.0.1", port: carrier.port, domain };
  const dispose = () => transport.close();
  return { transport, carrier, log, traffic, messages, peer, [Symbol.asyncDispose]: dispose };
}

/** Opens nodes that all know one another and waits until all are connected. */
export async function openDomains(
  count: number,
  createCarrier: TestDomainOptions["createCarrier"],
): Promise<TestDomain[]> {
  const nodes: TestDomain[] = [];
  for (let index = 0; index < count; index++) {
    const node = await openDomain({ domain: `node-${index}.test`, createCarrier });
    for (const other of nodes) makeKnown(other, node);
    nodes.push(node);
  }
  await untilConnected(nodes);
  return nodes;
}

/** Resolves as soon as each of the nodes is connected to all others. */
export async function untilConnected(nodes: readonly TestDomain[]): Promise<void> {
  const isWhole = () =>
    nodes.every(({ transport }) => transport.peers().length === nodes.length - 1);
  const pattern = /^new connection established|^connection ended/;
  while (!isWhole()) {
    await Promise.race(nodes.map(({ log }) => log.waitFor(pattern, log.count(pattern) + 1)));
  }
}

/**
 * Makes two nodes known to each other; only the first can dial, so that no message is lost with a
 * connection that another one replaces.
 */
export function makeKnown(dialler: TestDomain, other: TestDomain): void {
  const undialable = { ...dialler.peer, port: CLOSED_PORT };
  other.transport.setPeers([...other.transport.knownPeers(), undialable]);
  dialler.transport.setPeers([...dialler.transport.knownPeers(), other.peer]);
}
