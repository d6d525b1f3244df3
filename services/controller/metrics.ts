import { roundOfProof } from "../../shared/block/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import type { Sample } from "../../shared/metrics/mod.ts";
import { ServiceMetrics } from "../../shared/service/mod.ts";
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
export interface ControllerMetrics extends Pick<ServiceMetrics, "onServed" | "onCalled" | "close"> {
  /** Shows a controller, once it has started. */
  show(controller: Controller): void;
}

/**
 * Serves metrics if the configuration wants them; throws a `StartRefusal` when their
 * port is taken.
 */
export function startMetrics(config: ControllerConfig, clock: Clock): ControllerMetrics | null {
  const metrics = ServiceMetrics.start(PREFIX, config, clock);
  if (metrics === null) return null;
  let shown: Controller | null = null;
  const isServing = () => shown !== null && isHealthy(shown, 1_000 * config.health_check_timeout);
  metrics.addGauges({
    healthy: ["Whether the health check answers SERVING", () => Number(isServing())],
  });
  return {
    onServed: metrics.onServed,
    onCalled: metrics.onCalled,
    show(controller) {
      shown = controller;
      showChain(metrics, controller);
      showPool(metrics, controller);
      showPeers(metrics, controller);
      showActivity(metrics, controller);
      showStandstill(metrics, controller);
    },
    close: () => metrics.close(),
  };
}

function showChain(metrics: ServiceMetrics, { node }: Controller): void {
  const { chain, sync } = node;
  metrics.addGauges({
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

function showPool(metrics: ServiceMetrics, { node, verifier }: Controller): void {
  const { pool, settings } = node;
  metrics.addGauges({
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

function showPeers(metrics: ServiceMetrics, { node, stallWatch }: Controller): void {
  const connected = () => node.peers.nodes().filter(({ origin }) => origin !== null).length;
  const validators = () => stallWatch.facts().validators;
  metrics.addGauges({
    peers_known: ["Controllers that this node has heard of", () => node.peers.nodes().length],
    peers_connected: ["Controllers that this node has a session to", connected],
    validators: ["Nodes that decide on blocks", () => validators().length],
    validators_connected: [
      "Those of them that this node is or has a session to",
      () => validators().filter(({ isReachable }) => isReachable).length,
    ],
  });
}

function showActivity(metrics: ServiceMetrics, { node }: Controller): void {
  const interval = metrics.addHistogram("block_interval_seconds", {
    help: "Time between blocks, without those that were fetched from peers",
    buckets: INTERVAL_BUCKETS_SECONDS,
  });
  const counts = {
    blocks: metrics.addTally("blocks", "Blocks stored since the start, also those of peers"),
    transactions: metrics.addTally("block_transactions", "Transactions in these blocks"),
    consensusCalls: metrics.addTally(
      "consensus_calls",
      "Calls of consensus, by what they were answered",
      ["call", "code"],
    ),
    userTransactions: metrics.addTally(
      "user_transactions",
      "Transactions sent by users, by what they were answered; Success: accepted",
      ["code"],
    ),
    forwarded: metrics.addTally(
      "forwarded_transactions",
      "Transactions of users that were handed on to peers",
    ),
    peerMessages: metrics.addTally(
      "peer_messages",
      "Messages of other controllers, by what they were answered",
      ["type", "code"],
    ),
  };
  const types = new Set<string>(Object.values(MessageType));
  node.activity.listen({
    blockStored({ transactionCount, sinceLastMs }) {
      counts.blocks.add([]);
      counts.transactions.add([], transactionCount);
      if (!node.sync.isSyncing) interval.observe(sinceLastMs / 1_000);
    },
    consensusCalled: (call, code) => counts.consensusCalls.add([call, statusName(code)]),
    transactionsSent: (code, count) => counts.userTransactions.add([statusName(code)], count),
    transactionsForwarded: (count) => counts.forwarded.add([], count),
    messageReceived: (type, code) =>
      counts.peerMessages.add([types.has(type) ? type : "other", statusName(code)]),
  });
}

function showStandstill(metrics: ServiceMetrics, { node, stallWatch }: Controller): void {
  metrics.addGauges({
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
