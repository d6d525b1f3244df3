/** Services of the flavours whose peers are known by their certificates. */

import type { Identity } from "../../shared/x509/mod.ts";
import type { DomainFlavour, DomainPeer, DomainWire } from "../interop/raw_peer/domain_wire.ts";
import { createIdentities } from "../interop/raw_peer/identities.ts";
import { LoneNetwork, type NetworkPorts } from "./lone_network.ts";

const SERVICE = "service.fy";
/** The domains of two peers that the service of {@linkcode start} knows. */
export const HONEST = "honest.fy";
export const ATTACKER = "attacker.fy";

/** Nobody listens there; peers of one place would have one origin. */
const NOBODY_PORTS: Readonly<Record<string, number>> = { [HONEST]: 1, [ATTACKER]: 2 };

/** The authority of the tests of this process. */
export const IDENTITIES = createIdentities();

/** What a node with a certificate is configured with. */
export interface DomainConfig {
  readonly flavour: DomainFlavour;
  /** Where p2p wants files. */
  readonly folder: string;
  readonly ports: NetworkPorts;
  readonly identity: Identity;
  /** PEM text. */
  readonly authorityPem: string;
  /** Peers at 127.0.0.1; a port at which nobody listens is no matter for one that dials. */
  readonly peers: readonly { readonly domain: string; readonly port: number }[];
}

/** The text of `config.toml`. */
export function domainConfig(config: DomainConfig): string {
  return config.flavour === "p2p" ? p2pConfig(config) : knownDomainsConfig(config);
}

function knownDomainsConfig(
  { flavour, ports, identity, authorityPem, peers }: DomainConfig,
): string {
  const table = `network_${flavour}`;
  const entries = peers.map(({ domain, port }) =>
    `[[${table}.peers]]\nhost = "127.0.0.1"\nport = ${port}\ndomain = "${domain}"\n`
  );
  return [
    `[${table}]`,
    `grpc_port = ${ports.grpc}`,
    `listen_port = ${ports.listen}`,
    `reconnect_timeout = 1`,
    `ca_cert = """\n${authorityPem}"""`,
    `cert = """\n${identity.certificatePem}"""`,
    `priv_key = """\n${identity.privateKeyPem}"""`,
    ...entries,
  ].join("\n");
}

function p2pConfig({ folder, ports, identity, authorityPem, peers }: DomainConfig): string {
  const write = (name: string, text: string) => {
    Deno.writeTextFileSync(`${folder}/${name}`, text);
    return `"${name}"`;
  };
  const entries = peers.map(({ domain, port }) =>
    `[[network_p2p.peers]]\naddress = "/ip4/127.0.0.1/tcp/${port}/tls/${domain}"\n`
  );
  return [
    "[network_p2p]",
    `grpc_port = ${ports.grpc}`,
    `port = ${ports.listen}`,
    "enable_tls = true",
    `server_chain_certs = ${write("cert.pem", identity.certificatePem)}`,
    `server_key = ${write("key.pem", identity.privateKeyPem)}`,
    `ca_cert = ${write("ca.pem", authorityPem)}`,
    'protocols = ["1.3"]',
    ...entries,
  ].join("\n");
}

/** Starts a service that knows both peers and those with a port; whose port is not given is away. */
export function start(
  { flavour }: DomainWire,
  ports: { readonly [domain: string]: number } = {},
): Promise<LoneNetwork> {
  return LoneNetwork.start((own, folder) =>
    domainConfig({
      flavour,
      folder,
      ports: own,
      identity: IDENTITIES.good(SERVICE),
      authorityPem: IDENTITIES.authorityPem,
      peers: [...new Set([HONEST, ATTACKER, ...Object.keys(ports)])].map((domain) => ({
        domain,
        port: ports[domain] ?? NOBODY_PORTS[domain] ?? 3,
      })),
    })
  );
}

/** Connects to a service at a port, as a peer with a good certificate. */
export function dial(wire: DomainWire, domain: string, port: number): Promise<DomainPeer> {
  return wire.dial({
    port,
    domain: SERVICE,
    authorityPem: IDENTITIES.authorityPem,
    identity: IDENTITIES.good(domain),
  });
}
