/** A node of one flavour without gRPC and modules, for `network.ts` and its worker. */

import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../shared/log/mod.ts";
import {
  createCertificateAuthority,
  type Identity as Credentials,
  issueCertificate,
} from "../shared/x509/mod.ts";
import { MemoryBudget, UNFINISHED_SIZE_MAX } from "../services/network/core/memory_budget.ts";
import type { Carrier } from "../services/network/domains/carrier.ts";
import { type Identity, readIdentity } from "../services/network/domains/identity.ts";
import { DomainTransport } from "../services/network/domains/transport.ts";
import { parseMultiaddr } from "../services/network/multiaddr.ts";
import { P2pTransport } from "../services/network/p2p/transport.ts";
import { PlainWire } from "../services/network/p2p/wire/plain.ts";
import { QuicCarrier } from "../services/network/quic/carrier.ts";
import { TlsCarrier } from "../services/network/tls/carrier.ts";
import { Traffic } from "../services/network/traffic.ts";
import type { Transport, TransportEvents } from "../services/network/transport.ts";

/** What is measured. */
export const FLAVOURS = ["network_p2p", "network_tls", "network_quic"] as const;

/** One of {@linkcode FLAVOURS}. */
export type Flavour = typeof FLAVOURS[number];

/** Above the largest message that is measured. */
const FRAME_SIZE_MAX = 256 * 1024 * 1024;

/** Who a node is; what a worker can be given. */
export interface NodeIdentity {
  readonly ca_cert: string;
  readonly cert: string;
  readonly priv_key: string;
}

/** What a node is to be. */
export interface NodeOptions {
  readonly flavour: Flavour;
  readonly domain: string;
  readonly identity: NodeIdentity;
  /** The node to connect to, or the domain that may connect. */
  readonly peer: { readonly port: number | null; readonly domain: string };
}

/** A listening node. */
export interface Node {
  readonly transport: Transport;
  readonly port: number;
}

/** Certificates for nodes of these domains. */
export function issueIdentities<Domain extends string>(
  domains: readonly Domain[],
): Record<Domain, NodeIdentity> {
  const authority: Credentials = createCertificateAuthority();
  const identities = domains.map((domain) => {
    const { certificatePem: cert, privateKeyPem } = issueCertificate(authority, domain);
    return [domain, { ca_cert: authority.certificatePem, cert, priv_key: privateKeyPem }];
  });
  return Object.fromEntries(identities);
}

/** Opens a node on a port of the system's choice. */
export async function openNode(options: NodeOptions, events: TransportEvents): Promise<Node> {
  const common = { traffic: new Traffic(), clock: SYSTEM_CLOCK, log: SILENT_LOGGER };
  const { flavour, domain, peer } = options;
  if (flavour === "network_p2p") {
    const address = peer.port === null ? null : parseMultiaddr(`/ip4/127.0.0.1/tcp/${peer.port}`);
    const peers = address === null ? [] : [address];
    const p2p = new P2pTransport({
      ...common,
      wire: new PlainWire(SYSTEM_CLOCK),
      port: 0,
      peers,
      frameSizeMax: FRAME_SIZE_MAX,
      budget: new MemoryBudget(UNFINISHED_SIZE_MAX),
      discovery: null,
    });
    await p2p.listen(events);
    return { transport: p2p, port: p2p.port };
  }
  const carrier = carrierOf(flavour, readIdentity(flavour, options.identity));
  // a port where nobody listens: this side waits to be dialled
  const peers = [{ host: "127.0.0.1", port: peer.port ?? 1, domain: peer.domain }];
  const redialMs = peer.port === null ? 3_600_000 : 100;
  const transport = new DomainTransport({
    ...common,
    carrier,
    ownDomains: [domain],
    peers,
    redialMs,
  });
  await transport.listen(events);
  return { transport, port: carrier.port };
}

function carrierOf(flavour: Exclude<Flavour, "network_p2p">, identity: Identity): Carrier {
  const options = { port: 0, clock: SYSTEM_CLOCK, log: SILENT_LOGGER };
  return flavour === "network_tls"
    ? new TlsCarrier({ identity, ...options })
    : new QuicCarrier({ identity, ...options });
}
