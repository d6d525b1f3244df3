import { roundOfProof } from "../../shared/block/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import {
  addProcessMetrics,
  EventLoopWatch,
  Metrics,
  type MetricsServer,
  observeClientCalls,
  observeServerCalls,
  type Sample,
  serveMetrics,
  type ServeMetricsOptions,
  Tally,
} from "../../shared/metrics/mod.ts";
import type { CallObserver } from "../../shared/rpc/mod.ts";
import { StartRefusal } from "../../shared/service/mod.ts";
import { statusName } from "../../shared/status/mod.ts";
import type { ControllerConfig } from "./config.ts";
import type { Controller } from "./controller.ts";
import { isHealthy } from "./health.ts";
import { MessageType } from "./node_manager/mod.ts";
import { NEIGHBOURS, STALL_REASONS } from "./stall/mod.ts";

/** What the names of the controller's own metrics begin with. */
const PREFIX = "cita_cloud_controller";

const INTERVAL_BUCKETS_SECONDS = [0.5, 1, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 15, 30, 60, 120, 300];

/** Metrics of a controller that are being served. */
export interface ControllerMetrics {
  /** Learns of the calls that this controller answers. */
  readonly onServed: CallObserver;
  /** Learns of the calls that this controller makes to a service. */
  readonly onCalled: (service: string) => CallObserver;
  /** Shows a controller, once it has started. */
  show(controller: Controller): void;
  close(): Promise<void>;
}

/**
 * Serves metrics if the configuration wants them; throws a {@linkcode StartRefusal} when their
 * port is taken.
 */
export function startMetrics(config: ControllerConfig, clock: Clock): ControllerMetrics | null {
  const { enable_metrics: isEnabled, metrics_port: port, metrics_buckets: bucketsMs } = config;
  if (!isEnabled || port === 0) return null;
  const metrics = new Metrics();
  addProcessMetrics(metrics, clock);
  const calls = { prefix: PREFIX, bucketsMs };
  const onServed = observeServerCalls(metrics, calls);
  const onCalled = observeClientCalls(metrics, calls);
  const server = openServer({ port, metrics });
  const eventLoop = new EventLoopWatch(metrics, clock);
  let shown: Controller | null = null;
  const isServing = () => shown !== null && isHealthy(shown, 1_000 * config.health_check_timeout);
  addGauges(metrics, {
    healthy: ["Whether the health check answers SERVING", () => Number(isServing())],
  });
  return {
    onServed,
    onCalled,
    show(controller) {
      shown = controller;
      showChain(metrics, controller);
      showPool(metrics, controller);
      showPeers(metrics, controller);
      showActivity(metrics, controller);
      showStandstill(metrics, controller);
    },
    async close() {
      eventLoop.stop();
      await server.close();
    },
  };
}

/** The operator has to choose another port: one line tells it. */
function openServer(options: ServeMetricsOptions): MetricsServer {
  try {
    return serveMetrics(options);
  } catch (cause) {
    throw cause instanceof Error ? new StartRefusal(cause.message, 1, { cause }) : cause;
  }
}

type Read = () => number | null | Iterable<Sample>;

/** Adds gauges by the rest of their names. */
function addGauges(
  metrics: Metrics,
  gauges: Readonly<Record<string, readonly [help: string, read: Read, label?: string]>>,
): void {
  for (const [name, [help, read, label]] of Object.entries(gauges)) {
    const labelNames = label === undefined ? [] : [label];
    metrics.gauge({ name: `${PREFIX}_${name}`, help, labelNames, read });
  }
}

/** Adds counters by the rest of their names. */
function addCounters(
  metrics: Metrics,
  counters: Readonly<Record<string, readonly [help: string, tally: Tally]>>,
): void {
  for (const [name, [help, tally]] of Object.entries(counters)) {
    const { labelNames } = tally;
    const read = () => tally.samples();
    metrics.counter({ name: `${PREFIX}_${name}_total`, help, labelNames, read });
  }
}

function showChain(metrics: Metrics, { node }: Controller): void {
  const { chain, sync } = node;
  addGauges(metrics, {
    block_height: ["Height of the last block", () => Number(chain.tip.height)],
    block_round: ["Round in which the last block was decided", () => {
      const round = roundOfProof(chain.tip.proof);
      return round === null ? null : Number(round);
    }],
    block_age_seconds: [
      "Time since the last block was stored, or since the start",
      () => node.activity.standstillMs / 1_000,
    ],
    sync_active: ["Whether blocks of peers are being applied", () => Number(sync.isSyncing)],
    sync_target_height: [
      "Height of the peer that is followed",
      () => sync.target === null ? null : Number(sync.target.status.height),
    ],
    sync_buffered_blocks: ["Blocks of peers that wait", () => sync.bufferedCount],
  });
}

function showPool(metrics: Metrics, { node, verifier }: Controller): void {
  const { pool, settings } = node;
  addGauges(metrics, {
    pool_transactions: ["Transactions that wait for a block", () => pool.count],
    pool_transactions_limit: ["How many may", () => settings.poolCountMax],
    pool_bytes: ["Their encoded size", () => pool.size],
    pool_bytes_limit: ["How large they may be together", () => settings.poolSizeMax],
    unverified_transactions: [
      "Transactions that wait for the check of their signatures",
      () => verifier.waitingCount,
    ],
  });
}

function showPeers(metrics: Metrics, { node, stallWatch }: Controller): void {
  const connected = () => node.peers.nodes().filter(({ origin }) => origin !== null).length;
  const validators = () => stallWatch.facts().validators;
  addGauges(metrics, {
    peers_known: ["Controllers that this node has heard of", () => node.peers.nodes().length],
    peers_connected: ["Controllers that this node has a session to", connected],
    validators: ["Nodes that decide on blocks", () => validators().length],
    validators_connected: [
      "Those of them that this node is or has a session to",
      () => validators().filter(({ isReachable }) => isReachable).length,
    ],
  });
}

function showActivity(metrics: Metrics, { node }: Controller): void {
  const interval = metrics.histogram({
    name: `${PREFIX}_block_interval_seconds`,
    help: "Time between blocks, without those that were fetched from peers",
    buckets: INTERVAL_BUCKETS_SECONDS,
  });
  const counts = {
    blocks: new Tally([]),
    block_transactions: new Tally([]),
    consensus_calls: new Tally(["call", "code"]),
    user_transactions: new Tally(["code"]),
    forwarded_transactions: new Tally([]),
    peer_messages: new Tally(["type", "code"]),
  };
  addCounters(metrics, {
    blocks: ["Blocks stored since the start, also those fetched from peers", counts.blocks],
    block_transactions: ["Transactions in these blocks", counts.block_transactions],
    consensus_calls: ["Calls of consensus, by what they were answered", counts.consensus_calls],
    user_transactions: [
      "Transactions sent by users, by what they were answered; Success: accepted",
      counts.user_transactions,
    ],
    forwarded_transactions: [
      "Transactions of users that were handed on to peers",
      counts.forwarded_transactions,
    ],
    peer_messages: [
      "Messages of other controllers, by what they were answered",
      counts.peer_messages,
    ],
  });
  const types = new Set<string>(Object.values(MessageType));
  node.activity.listen({
    blockStored({ transactionCount, sinceLastMs }) {
      counts.blocks.add([]);
      counts.block_transactions.add([], transactionCount);
      if (!node.sync.isSyncing) interval.observe(sinceLastMs / 1_000);
    },
    consensusCalled: (call, code) => counts.consensus_calls.add([call, statusName(code)]),
    transactionsSent: (code, count) => counts.user_transactions.add([statusName(code)], count),
    transactionsForwarded: (count) => counts.forwarded_transactions.add([], count),
    messageReceived: (type, code) =>
      counts.peer_messages.add([types.has(type) ? type : "other", statusName(code)]),
  });
}

function showStandstill(metrics: Metrics, { node, stallWatch }: Controller): void {
  addGauges(metrics, {
    stall_reason: ["Why no block is being made: 1 for what applies", () => {
      const { reason } = stallWatch.diagnosis();
      return flags("reason", STALL_REASONS, (other) => other === reason);
    }, "reason"],
    service_away: ["Whether a service of this node does not answer", () => {
      const away = new Set(node.activity.away().map(({ neighbour }) => neighbour));
      return flags("service", NEIGHBOURS, (neighbour) => away.has(neighbour));
    }, "service"],
  });
}

/** One series for each of a set of words. */
function flags<Word extends string>(
  label: string,
  words: readonly Word[],
  isSet: (word: Word) => boolean,
): Sample[] {
  return words.map((word) => ({ labels: { [label]: word }, value: Number(isSet(word)) }));
}
