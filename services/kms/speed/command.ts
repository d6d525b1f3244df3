import { ExitError } from "../../../shared/cli/mod.ts";
import type { ConfigKeys } from "../../../shared/config/mod.ts";
import { loadSuite, type SuiteName } from "../../../shared/crypto/mod.ts";
import type { OfflineCommand } from "../../../shared/service/mod.ts";
import { workerCountOf } from "../checker/checker.ts";
import {
  BATCH_SIZE,
  HASHED_SIZE,
  KNOWN_SENDERS,
  measureSpeed,
  type SpeedOperation,
  type SpeedResult,
} from "./measure.ts";

/** What `kms speed --json` prints. */
export interface SpeedReport {
  readonly suite: SuiteName;
  /** The library that does the work of the curve. */
  readonly implementation: string;
  /** Threads that check batches. */
  readonly threads: number;
  readonly results: readonly SpeedResult[];
}

const BATCH = `check ${BATCH_SIZE} transactions`;

const LABELS: Readonly<Record<SpeedOperation, string>> = {
  hash: `hash ${HASHED_SIZE} bytes`,
  sign: "sign",
  recover_new_key: "recover, a new key each time",
  recover_known_key: "recover, a known key",
  check_new_senders: `${BATCH}, new senders`,
  check_known_senders: `${BATCH}, ${KNOWN_SENDERS} known senders`,
  check_repeated: `${BATCH}, checked before`,
};

const SECONDS_MAX = 60;

/** `kms speed`: what this machine reaches; touches no database and opens no port. */
export function speedCommand<Keys extends ConfigKeys>(suiteName: SuiteName): OfflineCommand<Keys> {
  return {
    about: "measure what this machine reaches with the algorithms of the flavour",
    options: [
      ["--seconds <number>", "how long each operation is measured, 1 by default"],
      ["--json", "print one JSON object for programs"],
    ],
    async run({ options, output, clock }) {
      const seconds = parseSeconds(options["seconds"] ?? "1");
      const suite = await loadSuite(suiteName);
      const { implementation } = suite;
      const threads = workerCountOf(navigator.hardwareConcurrency);
      const isJson = options["json"] === true;
      if (!isJson) {
        output.out(`${suiteName} on ${implementation}; batches on ${threads} threads\n`);
        output.out(formatRow("", COLUMNS));
      }
      const results: SpeedResult[] = [];
      for await (const result of measureSpeed({ suite, clock, seconds })) {
        results.push(result);
        if (!isJson) output.out(formatResult(result));
      }
      const report: SpeedReport = { suite: suiteName, implementation, threads, results };
      if (isJson) output.out(`${JSON.stringify(report)}\n`);
      return 0;
    },
  };
}

function parseSeconds(text: unknown): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= SECONDS_MAX) return seconds;
  throw new ExitError(
    1,
    `Cannot use --seconds "${text}": it must be a number above 0 and up to ${SECONDS_MAX}`,
  );
}

const COLUMNS = ["rate", "time", "processor"];

function formatRow(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(44)}${cells.map((cell) => cell.padStart(13)).join("")}\n`;
}

function formatResult(result: SpeedResult): string {
  const { operation, perSecond, milliseconds, processorMilliseconds } = result;
  const rate = `${Math.round(perSecond).toLocaleString("en-US")}/s`;
  return formatRow(LABELS[operation], [
    rate,
    formatTime(milliseconds),
    formatTime(processorMilliseconds),
  ]);
}

function formatTime(milliseconds: number): string {
  return milliseconds < 0.1
    ? `${(milliseconds * 1000).toFixed(1)} µs`
    : `${milliseconds.toFixed(2)} ms`;
}
