import type { Clock } from "../clock/mod.ts";
import { bool, numbers, port } from "../config/mod.ts";
import {
  addProcessMetrics,
  EventLoopWatch,
  type FigureOptions,
  type Histogram,
  type HistogramOptions,
  Metrics,
  type MetricsServer,
  observeClientCalls,
  observeServerCalls,
  serveMetrics,
  type ServeMetricsOptions,
  Tally,
} from "../metrics/mod.ts";
import type { CallObserver } from "../rpc/mod.ts";
import { StartRefusal } from "./process.ts";

/** The keys of a service's table that direct its metrics, those of 6.7. */
export const METRICS_KEYS = {
  enable_metrics: bool({ default: true, doc: "serve metrics, if there is a port for them" }),
  metrics_port: port({ default: 0, doc: "port of the metrics for Prometheus; 0: none" }),
  metrics_buckets: numbers({
    default: [0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 100, 250, 500],
    doc: "upper bounds of the latency buckets in milliseconds",
  }),
};

/** Values of {@linkcode METRICS_KEYS}. */
export interface MetricsConfig {
  readonly enable_metrics: boolean;
  readonly metrics_port: number;
  readonly metrics_buckets: readonly number[];
}

/** Figures by their names; what they read is as in {@linkcode FigureOptions}. */
type Figures = Readonly<
  Record<
    string,
    readonly [help: string, read: FigureOptions["read"], ...labelNames: readonly string[]]
  >
>;

/**
 * The metrics of a service that are being served: its process and its calls from the start, its own
 * figures once it has some.
 */
export class ServiceMetrics {
  /** Learns of the calls that the service answers. */
  readonly onServed: CallObserver;
  /** Learns of the calls that it makes to another service. */
  readonly onCalled: (service: string) => CallObserver;
  readonly #prefix: string;
  readonly #metrics = new Metrics();
  readonly #server: MetricsServer;
  readonly #eventLoop: EventLoopWatch;

  /**
   * Serves metrics if the configuration wants them.
   *
   * @param prefix what the names of the service's own metrics begin with
   * @throws {StartRefusal} when their port is taken
   */
  static start(prefix: string, config: MetricsConfig, clock: Clock): ServiceMetrics | null {
    if (!config.enable_metrics || config.metrics_port === 0) return null;
    return new ServiceMetrics(prefix, config, clock);
  }

  private constructor(prefix: string, config: MetricsConfig, clock: Clock) {
    const metrics = this.#metrics;
    this.#prefix = prefix;
    addProcessMetrics(metrics, clock);
    const calls = { prefix, bucketsMs: config.metrics_buckets };
    this.onServed = observeServerCalls(metrics, calls);
    this.onCalled = observeClientCalls(metrics, calls);
    this.#server = openServer({ port: config.metrics_port, metrics });
    this.#eventLoop = new EventLoopWatch(metrics, clock);
  }

  /** Adds gauges by the rest of their names. */
  addGauges(gauges: Figures): void {
    for (const options of this.#optionsOf(gauges)) this.#metrics.gauge(options);
  }

  /** Adds counters by what their names have between the prefix and `_total`. */
  addCounters(counters: Figures): void {
    for (const { name, ...options } of this.#optionsOf(counters)) {
      this.#metrics.counter({ ...options, name: `${name}_total` });
    }
  }

  /** Adds a counter that is fed. */
  addTally(name: string, help: string, labelNames: readonly string[] = []): Tally {
    const tally = new Tally(labelNames);
    this.addCounters({ [name]: [help, () => tally.samples(), ...labelNames] });
    return tally;
  }

  /** Adds a distribution by the rest of its name. */
  addHistogram(name: string, options: Omit<HistogramOptions, "name">): Histogram {
    return this.#metrics.histogram({ ...options, name: `${this.#prefix}_${name}` });
  }

  #optionsOf(figures: Figures): FigureOptions[] {
    return Object.entries(figures).map(([name, [help, read, ...labelNames]]) => {
      return { name: `${this.#prefix}_${name}`, help, labelNames, read };
    });
  }

  async close(): Promise<void> {
    this.#eventLoop.stop();
    await this.#server.close();
  }
}

/** The operator has to choose another port: one line tells it. */
function openServer(options: ServeMetricsOptions): MetricsServer {
  try {
    return serveMetrics(options);
  } catch (cause) {
    throw cause instanceof Error ? new StartRefusal(cause.message, 1, { cause }) : cause;
  }
}
