import type { Clock } from "../../shared/clock/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { type MetricsConfig, ServiceMetrics } from "../../shared/service/mod.ts";
import type { Consensus } from "./service.ts";

/** What the names of the metrics of consensus begin with. */
export const METRICS_PREFIX = "cita_cloud_consensus";

/** Serves metrics if the table of the flavour wants them. */
export function startMetrics(
  config: MetricsConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): ServiceMetrics | null {
  const metrics = ServiceMetrics.start(METRICS_PREFIX, config, clock);
  if (metrics !== null) log.info(`metrics port of this service: ${config.metrics_port}`);
  return metrics;
}

/** Shows what both flavours have in common. */
export function showConsensus(
  metrics: ServiceMetrics,
  consensus: Pick<Consensus, "droppedMessages">,
): void {
  metrics.addCounters({
    dropped_messages: [
      "Messages of others that were lost: too many waited, or the disk was full",
      () => consensus.droppedMessages,
    ],
  });
}
