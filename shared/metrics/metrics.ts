import { Counter, Gauge, Histogram as PromHistogram, Registry } from "prom-client";

/** Values of the labels of one series by their names. */
export type Labels = Readonly<Record<string, string>>;

/** One series of a figure. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** What every metric has. */
interface MetricOptions {
  readonly name: string;
  /** One line for the reader of a dashboard. */
  readonly help: string;
  /** None by default. */
  readonly labelNames?: readonly string[];
}

/** A figure that its owner keeps; it is read each time that somebody asks for the metrics. */
export interface FigureOptions extends MetricOptions {
  /**
   * The present value, null while there is none, or one sample for each series; their labels must
   * come from a limited set.
   */
  readonly read: () => number | null | Iterable<Sample>;
}

/** A distribution of values. */
export interface HistogramOptions extends MetricOptions {
  /** Upper bounds in ascending order; one without bound follows by itself. */
  readonly buckets: readonly number[];
}

/** Takes values, one at a time. */
export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** All metrics of a process; names follow the rules of Prometheus and are given once. */
export class Metrics {
  readonly #registry = new Registry();

  /** Type of {@linkcode Metrics.text} in the words of HTTP. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Adds a figure that may go up and down. */
  gauge(options: FigureOptions): void {
    new Gauge({
      ...this.#common(options),
      collect() {
        this.reset();
        this.remove({}); // a series without labels would be 0 rather than absent
        for (const { labels, value } of samplesOf(options)) this.set({ ...labels }, value);
      },
    });
  }

  /** Adds a figure that only goes up until the process ends; its name ends with `_total`. */
  counter(options: FigureOptions): void {
    new Counter({
      ...this.#common(options),
      collect() {
        this.reset();
        for (const { labels, value } of samplesOf(options)) this.inc({ ...labels }, value);
      },
    });
  }

  /** Adds a distribution. */
  histogram({ buckets, ...options }: HistogramOptions): Histogram {
    const histogram = new PromHistogram({ ...this.#common(options), buckets: [...buckets] });
    return { observe: (value, labels = {}) => histogram.observe({ ...labels }, value) };
  }

  /** Everything in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #common({ name, help, labelNames = [] }: MetricOptions) {
    return { name, help, labelNames: [...labelNames], registers: [this.#registry] };
  }
}

function samplesOf({ read }: FigureOptions): Iterable<Sample> {
  const found = read();
  if (found === null) return [];
  return typeof found === "number" ? [{ labels: {}, value: found }] : found;
}
