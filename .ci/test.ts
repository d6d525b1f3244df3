/**
 * Runs test suites and ends with the line `N passed, N failed`: `test.ts SUITE...`.
 *
 * @module
 */

import process from "node:process";

const ROOT = new URL("../", import.meta.url).pathname;

/** The folders of each suite; the second one drives the executables in bin/. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  unit: [
    "shared",
    "services",
    "tools",
    "tests/sim",
    "tests/crash",
    "tests/fuzz",
    "tests/run_options_test.ts",
  ],
  e2e: ["tests/e2e"],
};

/** Several times what a suite needs: one that hangs fails here instead of at CI's own limit. */
const SUITE_DEADLINE_MS = 30 * 60_000;

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Reads the totals of a JUnit report. */
function countResults(report: string): Counts {
  const total = (name: string) => {
    const [suites] = /<testsuites [^>]*>/.exec(report) ?? [""];
    return Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suites)?.[1] ?? 0);
  };
  const failed = total("failures") + total("errors");
  return { passed: total("tests") - failed, failed };
}

async function runSuite(name: string): Promise<Counts> {
  const folders = SUITES[name];
  if (folders === undefined) throw new Error(`Cannot run "${name}": no such suite`);
  console.log(`test: ${name} (${folders.join(", ")})`);
  const reportPath = `${ROOT}build/${name}.xml`;
  await Deno.mkdir(`${ROOT}build`, { recursive: true });
  await Deno.remove(reportPath).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const deadline = AbortSignal.timeout(SUITE_DEADLINE_MS);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--quiet", `--junit-path=${reportPath}`, ...folders],
    cwd: ROOT,
    stdin: "null",
    signal: deadline,
  }).spawn().status;
  if (deadline.aborted) {
    console.error(`test: ${name} was stopped after ${SUITE_DEADLINE_MS / 60_000} minutes`);
  }
  const counts = countResults(await Deno.readTextFile(reportPath).catch(() => ""));
  // a suite that did not come to its end is a failure, whatever it counted
  return success || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

let passed = 0;
let failed = 0;
for (const name of process.argv.slice(2)) {
  const counts = await runSuite(name);
  passed += counts.passed;
  failed += counts.failed;
}
if (passed === 0) failed += 1;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
