/** Configurations of the flavours whose peers are known by their certificates. */

import type { Identity } from "../../shared/x509/mod.ts";
import type { NetworkPorts } from "./lone_network.ts";

/** What a node with a certificate is configured with. */
export interface DomainConfig {
  readonly flavour: "tls" | "quic";
  readonly ports: NetworkPorts;
  readonly identity: Identity;
  /** PEM text. */
  readonly authorityPem: string;
  /** Peers at 127.0.0.1; a port at which nobody listens is no matter for one that dials. */
  readonly peers: readonly { readonly domain: string; readonly port: number }[];
}

/** The text of `config.toml`. */
export function domainConfig(
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
