import assert from "node:assert/strict";
import { ExitError } from "../../../shared/cli/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { speedCommand, type SpeedReport } from "./command.ts";
import { KMS_DEFAULTS } from "../testing/served_kms.ts";

const CONFIG = { ...KMS_DEFAULTS, db_path: "/nowhere/kms.db" };

async function runSpeed(options: Record<string, unknown>): Promise<string> {
  let text = "";
  const output = { out: (part: string) => void (text += part), err: () => {} };
  const { run } = speedCommand("eth");
  const document = { fileName: "config.toml", tables: {} };
  const context = { config: CONFIG, document, options, args: [], output, clock: SYSTEM_CLOCK };
  assert.equal(await run(context), 0);
  return text;
}

Deno.test("kms speed prints a line for each operation, or JSON", async () => {
  const lines = (await runSpeed({ seconds: "0.01" })).trimEnd().split("\n");
  assert.match(lines[0] ?? "", /^eth on \S+; batches on \d+ threads?$/);
  assert.match(lines[1] ?? "", /^ +rate +time +processor$/);
  assert.equal(lines.length, 9);
  const row = /^ {2}\w.+ [\d,]+\/s +[\d.]+ (ms|µs) +[\d.]+ (ms|µs)$/;
  for (const line of lines.slice(2)) assert.match(line, row);
  const report: SpeedReport = JSON.parse(await runSpeed({ seconds: "0.01", json: true }));
  assert.equal(report.suite, "eth");
  assert.deepEqual(report.results.map(({ operation }) => operation), [
    "hash",
    "sign",
    "recover_new_key",
    "recover_known_key",
    "check_new_senders",
    "check_known_senders",
    "check_repeated",
  ]);
  for (const { perSecond, milliseconds, processorMilliseconds } of report.results) {
    assert(perSecond > 0 && milliseconds > 0 && processorMilliseconds > 0);
  }
});

Deno.test("kms speed refuses a duration that is none or too long", async () => {
  for (const seconds of ["x", "0", "-1", "61", "NaN"]) {
    await assert.rejects(runSpeed({ seconds }), (error) => {
      const text = `Cannot use --seconds "${seconds}": it must be a number above 0 and up to 60`;
      return error instanceof ExitError && error.message === text;
    });
  }
});
