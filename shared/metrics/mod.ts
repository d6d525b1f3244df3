/**
 * Metrics of a service as Prometheus text on a port of their own: figures that are read when
 * somebody asks, latencies of calls, and the state of the process.
 *
 * @module
 */

export {
  type FigureOptions,
  type Histogram,
  type HistogramOptions,
  type Labels,
  Metrics,
  type Sample,
} from "./metrics.ts";
export { type MetricsServer, serveMetrics, type ServeMetricsOptions } from "./serve.ts";
export { addProcessMetrics, EventLoopWatch } from "./process.ts";
export { observeClientCalls, observeServerCalls, type ServerCallOptions } from "./calls.ts";
export { Tally } from "./tally.ts";
