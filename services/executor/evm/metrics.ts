import type { Clock } from "../../../shared/clock/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { type MetricsConfig, ServiceMetrics } from "../../../shared/service/mod.ts";
import type { EvmExecutor, ExecutedFigures } from "./executor.ts";

/** What the names of the metrics of an executor begin with. */
const PREFIX = "cita_cloud_executor";

/** A block takes from below a millisecond to seconds. */
const BLOCK_BUCKETS_SECONDS = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
];

/** Serves metrics if the configuration wants them. */
export function startMetrics(
  config: MetricsConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): ServiceMetrics | null {
  const metrics = ServiceMetrics.start(PREFIX, config, clock);
  if (metrics !== null) log.info(`metrics port of this service: ${config.metrics_port}`);
  return metrics;
}

/** Shows what blocks took; gives what is to be told of each. */
export function showBlocks(metrics: ServiceMetrics): (figures: ExecutedFigures) => void {
  const blocks = metrics.addTally("blocks", "Blocks executed since the start");
  const transactions = metrics.addTally("block_transactions", "Transactions in these blocks");
  const quota = metrics.addTally("quota_used", "Quota that they used");
  const times = metrics.addHistogram("block_seconds", {
    help: "Time of a block by phase: execute its transactions, commit the state, write to the disk",
    labelNames: ["phase"],
    buckets: BLOCK_BUCKETS_SECONDS,
  });
  for (const tally of [blocks, transactions, quota]) tally.add([], 0);
  return (figures) => {
    blocks.add([]);
    transactions.add([], figures.transactionCount);
    quota.add([], Number(figures.quotaUsed));
    times.observe(figures.executeMs / 1_000, { phase: "execute" });
    times.observe(figures.commitMs / 1_000, { phase: "commit" });
    times.observe(figures.writeMs / 1_000, { phase: "write" });
  };
}

/** Shows how an executor is at the moment. */
export function showExecutor(metrics: ServiceMetrics, executor: EvmExecutor): void {
  metrics.addGauges({
    block_height: ["Height of the last block, none before the first", () => executor.view.height],
    waiting_blocks: ["Blocks that wait or are under way", () => executor.view.waitingBlocks],
    waiting_calls: ["Calls that wait or are under way", () => executor.view.waitingCalls],
    state_entries: [
      "Accounts and slots in memory",
      () => executor.view.inMemory?.entries ?? null,
    ],
    state_nodes: ["Nodes of tries in memory", () => executor.view.inMemory?.nodes ?? null],
  });
}
