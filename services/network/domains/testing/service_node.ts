import { NetworkServiceService } from "../../../../proto/gen/network.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { loadDocument, readTable } from "../../../../shared/config/mod.ts";
import { connect, type RpcClient } from "../../../../shared/rpc/mod.ts";
import { RecordingLogger } from "../../testing/recording_logger.ts";
import type { DomainTable } from "../config.ts";
import type { KnownPeer } from "../core/neighbours.ts";
import type { IdentityConfig } from "../identity.ts";
import type { Carrier } from "../carrier.ts";
import type { CarrierOptions, DomainContext, RunningDomains } from "../start.ts";
import { identityKeys } from "./certificates.ts";
import { CLOSED_PORT } from "./open_domain.ts";

/** A flavour to test. */
export interface TestedFlavour {
  readonly table: DomainTable;
  readonly start: (context: DomainContext) => Promise<RunningDomains>;
  /** For neighbours that are no whole service. */
  readonly createCarrier: (options: CarrierOptions) => Carrier;
}

/** How a node is configured. */
export interface ServiceNodeOptions {
  readonly domain: string;
  readonly peers?: readonly KnownPeer[];
  /** By default any. */
  readonly port?: number;
  /** By default of the test authority for the domain. */
  readonly keys?: IdentityConfig;
  /** Further lines of the table. */
  readonly lines?: readonly string[];
}

/** A running service with its own configuration file; disposal stops it. */
export interface ServiceNode extends AsyncDisposable {
  readonly client: RpcClient<typeof NetworkServiceService>;
  readonly log: RecordingLogger;
  readonly grpcPort: number;
  /** How others know it. */
  readonly peer: KnownPeer;
  /** Changes the peers in its file, as an operator does. */
  writePeers(peers: readonly KnownPeer[]): void;
}

/** Starts a node that dials and looks at its file every second. */
export async function startServiceNode(
  { table, start }: Pick<TestedFlavour, "table" | "start">,
  options: ServiceNodeOptions,
): Promise<ServiceNode> {
  const folder = await Deno.makeTempDir({ prefix: "network-domains-" });
  const path = `${folder}/config.toml`;
  const { domain, peers = [] } = options;
  const keys = options.keys ?? identityKeys(domain);
  const write = (peers: readonly KnownPeer[]) =>
    Deno.writeTextFileSync(path, configText(table.name, { ...options, keys, peers }));
  write(peers);
  const document = loadDocument(path);
  const log = new RecordingLogger();
  const config = readTable(table, document);
  const context = { config, document, clock: SYSTEM_CLOCK, log };
  const remove = () => Deno.remove(folder, { recursive: true });
  const network = await start(context).catch(async (cause) => {
    await remove();
    throw cause;
  });
  const client = connect(NetworkServiceService, { port: network.grpcPort });
  return {
    client,
    log,
    grpcPort: network.grpcPort,
    peer: { host: "127.0.0.1", port: network.port, domain },
    writePeers: write,
    async [Symbol.asyncDispose]() {
      client.close();
      await network.stop();
      await remove();
    },
  };
}

function configText(
  name: string,
  { port = 0, keys, peers = [], lines = [] }: Omit<ServiceNodeOptions, "domain">,
): string {
  const texts = Object.entries(keys ?? {}).map(([key, pem]) => `${key} = """\n${pem}"""`);
  const tables = peers.map(({ host, port, domain }) =>
    `[[${name}.peers]]\nhost = "${host}"\nport = ${port}\ndomain = "${domain}"`
  );
  const values = ["grpc_port = 0", `listen_port = ${port}`, "reconnect_timeout = 1"];
  const all = [`[${name}]`, ...values, "try_hot_update_interval = 1", ...texts, ...lines];
  return [...all, ...tables, ""].join("\n");
}

/** What another node has in its file for one that dials it. */
export function undialable(domain: string): KnownPeer {
  return { host: "127.0.0.1", port: CLOSED_PORT, domain };
}

/** The address for `AddNode`. */
export function multiaddrOf({ host, port, domain }: KnownPeer): string {
  return `/dns4/${host}/tcp/${port}/tls/${domain}`;
}
