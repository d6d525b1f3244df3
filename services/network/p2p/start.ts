import type { Clock } from "../../../shared/clock/mod.ts";
import { ConfigError } from "../../../shared/config/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { MemoryBudget, UNFINISHED_SIZE_MAX } from "../core/memory_budget.ts";
import { ownProblem } from "../domains/identity.ts";
import { type Multiaddr, parseMultiaddr } from "../multiaddr.ts";
import { type RunningNetwork, serveNetwork } from "../serve.ts";
import { refuseStrangers } from "../tls_self_test.ts";
import { TlsListener } from "../tls_socket.ts";
import { Traffic } from "../traffic.ts";
import type { P2pConfig } from "./config.ts";
import { peerIdIn, peerIdOf } from "./core/peer_id.ts";
import { Discovery } from "./discovery.ts";
import { readNodeKey } from "./node_key_file.ts";
import { readTlsSettings } from "./tls_settings.ts";
import { P2pTransport } from "./transport.ts";
import { PlainWire } from "./wire/plain.ts";
import { SecioWire } from "./wire/secio.ts";
import { TlsWire } from "./wire/tls.ts";
import type { Wire } from "./wire/wire.ts";

/** What the flavour needs from its process. */
export interface P2pContext {
  readonly config: P2pConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A running `network_p2p`. */
export interface RunningP2p extends RunningNetwork {
  /** The TCP port for other nodes. */
  readonly port: number;
}

/** Starts the flavour `network_p2p`; throws for settings that it cannot serve or a taken port. */
export async function startP2p(context: P2pContext): Promise<RunningP2p> {
  const { config, clock, log } = context;
  const peers = readPeers(config, log);
  const budget = new MemoryBudget(UNFINISHED_SIZE_MAX);
  const traffic = new Traffic();
  const transport = new P2pTransport({
    wire: await createWire(context, { peers, budget }),
    port: config.port,
    peers,
    frameSizeMax: config.grpc_frame,
    budget,
    discovery: createDiscovery(config, peers),
    traffic,
    clock,
    log,
  });
  const network = await serveNetwork({
    transport,
    traffic,
    host: "127.0.0.1",
    grpcPort: config.grpc_port,
    metricsConfig: config,
    hasRemoteModules: false,
    sendsOrigin: true,
    unknownModuleLog: null,
    clock,
    log,
  });
  return { ...network, port: transport.port };
}

/** The configured peers; those that cannot be parsed are left out, as the reference does. */
function readPeers(config: P2pConfig, log: Logger): Multiaddr[] {
  const peers: Multiaddr[] = [];
  for (const { address } of config.peers) {
    const parsed = parseMultiaddr(address);
    if (parsed === null) log.warn(`parse listen multi-addr(${address}) failed`);
    else peers.push(parsed);
  }
  return peers;
}

interface WireParts {
  readonly peers: readonly Multiaddr[];
  readonly budget: MemoryBudget;
}

async function createWire(context: P2pContext, parts: WireParts): Promise<Wire> {
  const { config, clock, log } = context;
  const namesIds = parts.peers.some((peer) => peerIdIn(peer) !== null);
  if (config.key_file === null && namesIds) {
    log.warn("peers: who answers under /p2p/<id> is not checked without key_file");
  }
  if (config.known_peers_only && !namesIds) {
    log.warn("known_peers_only: no address of peers names an id, so that everybody is refused");
  }
  if (config.key_file === null && config.known_peers_only) {
    throw new ConfigError("Cannot use network_p2p.known_peers_only: it needs network_p2p.key_file");
  }
  if (config.enable_tls) return await createTlsWire(context);
  const plain = new PlainWire(clock);
  return config.key_file === null ? plain : await createSecioWire(context, config.key_file, {
    ...parts,
    inner: plain,
  });
}

async function createTlsWire({ config, clock, log }: P2pContext): Promise<Wire> {
  if (config.key_file !== null) {
    throw new ConfigError("Cannot use network_p2p.key_file: it must be absent with enable_tls");
  }
  const settings = readTlsSettings(config);
  const problem = ownProblem(settings.identity, clock.nowMs());
  if (problem !== null) log.error(`peers will refuse server_chain_certs: ${problem}`);
  const wire = new TlsWire(settings, clock);
  await refuseStrangers({ listen: TlsListener.listen, settings: wire.acceptSettings, clock });
  return wire;
}

async function createSecioWire(
  { config, clock, log }: P2pContext,
  keyFile: string,
  { peers, budget, inner }: WireParts & { readonly inner: Wire },
): Promise<Wire> {
  const key = await readNodeKey(keyFile, log);
  log.info(`peer id of this node: ${peerIdOf(key.publicKey)}`);
  const ids = peers.map((peer) => peerIdIn(peer)).filter((id) => id !== null);
  const knownPeers = config.known_peers_only ? new Set(ids) : null;
  return new SecioWire({ inner, key, knownPeers, budget, clock });
}

function createDiscovery(config: P2pConfig, peers: readonly Multiaddr[]): Discovery | null {
  if (!config.enable_discovery) return null;
  const { advertised_address: advertised } = config;
  const parsed = advertised === null ? null : parseMultiaddr(advertised);
  if (advertised !== null && parsed === null) {
    throw new ConfigError(
      `Cannot use network_p2p.advertised_address: it must be a multiaddr, got "${advertised}"`,
    );
  }
  return new Discovery({
    advertised: parsed?.text ?? null,
    configured: peers.map(({ text }) => text),
    needsDomain: config.enable_tls,
  });
}
