import type { Clock } from "../clock/mod.ts";
import type { Output } from "./output.ts";

/** Time between two redraws. */
const REDRAW_MS = 100;
const BAR_WIDTH = 24;

/** A whole number for people: `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** One line at the bottom of a terminal, on stderr, that is redrawn in place. */
export class StatusLine {
  readonly #output: Output;
  readonly #isTerminal: boolean;
  #isShown = false;

  /** Stays silent where stderr is no terminal. */
  constructor(output: Output, isTerminal = Deno.stderr.isTerminal()) {
    this.#output = output;
    this.#isTerminal = isTerminal;
  }

  show(text: string): void {
    if (!this.#isTerminal) return;
    this.#output.err(`\r\x1b[K${text}`);
    this.#isShown = true;
  }

  /** Removes the line, so that other text can be printed. */
  clear(): void {
    if (this.#isShown) this.#output.err("\r\x1b[K");
    this.#isShown = false;
  }
}

/** What is counted, and where the bar is drawn. */
export interface ProgressOptions {
  readonly output: Output;
  readonly clock: Clock;
  /** Name of what is counted, in the plural. */
  readonly unit: string;
  /** How many there are; left out when that is not known. */
  readonly total?: number;
  /** Whether to draw at all; asked of stderr when left out. */
  readonly isTerminal?: boolean;
}

/** Shows on a terminal how far a long piece of work is, how fast it goes and what is left of it. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #line: StatusLine;
  readonly #startMs: number;
  #drawnMs: number;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#line = new StatusLine(options.output, options.isTerminal);
    this.#startMs = options.clock.monotonicMs();
    this.#drawnMs = this.#startMs;
  }

  /** Tells how much is done; cheap enough to be called for every piece. */
  set(done: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    const { unit, total } = this.#options;
    const rate = done * 1000 / (nowMs - this.#startMs);
    this.#line.show(describeProgress({ done, unit, total, rate }));
  }

  /** Removes the line: at the end, and before other text is printed. */
  clear(): void {
    this.#line.clear();
  }
}

interface ProgressState {
  readonly done: number;
  readonly unit: string;
  readonly total: number | undefined;
  /** Units per second. */
  readonly rate: number;
}

function describeProgress({ done, unit, total, rate }: ProgressState): string {
  const speed = `${formatCount(rate)}/s`;
  if (total === undefined) return `${formatCount(done)} ${unit}, ${speed}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const bar = "#".repeat(Math.floor(share * BAR_WIDTH)).padEnd(BAR_WIDTH, ".");
  const left = rate > 0 ? `, ${describeDuration((total - done) / rate)} left` : "";
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `[${bar}] ${percent} %  ${formatCount(done)} of ${
    formatCount(total)
  } ${unit}, ${speed}${left}`;
}

function describeDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}
