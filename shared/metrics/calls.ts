import type { CallObserver, FinishedCall } from "../rpc/mod.ts";
import type { Histogram, Metrics } from "./metrics.ts";
import { Tally } from "./tally.ts";

/** How the calls to a server are shown. */
export interface ServerCallOptions {
  /** What the names of the metrics begin with, such as `cita_cloud_controller`. */
  readonly prefix: string;
  /** Upper bounds of the latency buckets. */
  readonly bucketsMs: readonly number[];
}

/** Services and tools that say their name; others may, up to a limit. */
const KNOWN_CLIENTS = [
  "cldi",
  "consensus",
  "controller",
  "crypto",
  "devnet",
  "executor",
  "kms",
  "network",
  "storage",
];

/** Further names that get metrics of their own: anyone may make up as many as he likes. */
const OTHER_CLIENTS_MAX = 16;

/** What a name of a metric may consist of. */
const CLIENT_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const CLIENT_NAME_SIZE_MAX = 32;

/**
 * Shows the calls to a server: how long the answers took and what they were. A caller that says his
 * name has a histogram `<client-name>_to_<Method>` in milliseconds too, as in 6.7.
 */
export function observeServerCalls(metrics: Metrics, options: ServerCallOptions): CallObserver {
  const { prefix, bucketsMs } = options;
  const durations = metrics.histogram({
    name: `${prefix}_rpc_duration_seconds`,
    help: "Time from a complete request to its answer",
    labelNames: ["method"],
    buckets: bucketsMs.map((bound) => bound / 1_000),
  });
  const failures = new Tally(["method", "code"]);
  metrics.counter({
    name: `${prefix}_rpc_errors_total`,
    help: "Calls that were answered with a gRPC status other than 0",
    labelNames: failures.labelNames,
    read: () => failures.samples(),
  });
  const byClient = new ClientHistograms(metrics, bucketsMs);
  return (call) => {
    durations.observe(call.durationMs / 1_000, { method: call.method });
    if (call.code !== 0) failures.add([call.method, `${call.code}`]);
    if (call.clientName !== null) byClient.observe(call.clientName, call);
  };
}

/** Shows the calls to other services; gives the observer for each of them. */
export function observeClientCalls(
  metrics: Metrics,
  { prefix, bucketsMs }: ServerCallOptions,
): (service: string) => CallObserver {
  const durations = metrics.histogram({
    name: `${prefix}_outgoing_rpc_duration_seconds`,
    help: "Time from a call to another service to its answer or error",
    labelNames: ["service", "method"],
    buckets: bucketsMs.map((bound) => bound / 1_000),
  });
  const failures = new Tally(["service", "method", "code"]);
  metrics.counter({
    name: `${prefix}_outgoing_rpc_errors_total`,
    help: "Calls to another service that ended with a gRPC status other than 0",
    labelNames: failures.labelNames,
    read: () => failures.samples(),
  });
  return (service) => ({ method, code, durationMs }) => {
    durations.observe(durationMs / 1_000, { service, method });
    if (code !== 0) failures.add([service, method, `${code}`]);
  };
}

/** The histograms of callers that say their names. */
class ClientHistograms {
  readonly #metrics: Metrics;
  readonly #bucketsMs: readonly number[];
  readonly #histograms = new Map<string, Histogram>();
  readonly #others = new Set<string>();

  constructor(metrics: Metrics, bucketsMs: readonly number[]) {
    this.#metrics = metrics;
    this.#bucketsMs = bucketsMs;
  }

  observe(clientName: string, { method, durationMs }: FinishedCall): void {
    if (clientName.length > CLIENT_NAME_SIZE_MAX) return;
    const client = clientName.replaceAll("-", "_");
    const name = `${client}_to_${method}`;
    const known = this.#histograms.get(name);
    if (known !== undefined) return known.observe(durationMs);
    if (!this.#isAdmitted(client)) return;
    const histogram = this.#metrics.histogram({
      name,
      help: `Time from a complete request of ${client} to its answer, in milliseconds`,
      buckets: this.#bucketsMs,
    });
    this.#histograms.set(name, histogram);
    histogram.observe(durationMs);
  }

  #isAdmitted(client: string): boolean {
    if (KNOWN_CLIENTS.includes(client) || this.#others.has(client)) return true;
    if (!CLIENT_NAME.test(client) || this.#others.size >= OTHER_CLIENTS_MAX) return false;
    this.#others.add(client);
    return true;
  }
}
