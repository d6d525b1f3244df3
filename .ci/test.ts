/**
 * Runs test suites, and ends with what failed and the line `N passed, N failed`:
 * `test.ts SUITE...`.
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
    "tests/netlab",
    "tests/run_options_test.ts",
  ],
  e2e: ["tests/e2e"],
};

/** Several times what a suite needs: one that hangs fails here instead of at CI's own limit. */
const SUITE_DEADLINE_MS = 40 * 60_000;

/** Enough of a failure to know what it is; the whole of it is further up. */
const FAILURE_LINES_MAX = 15;

interface Results {
  readonly passed: number;
  readonly failed: number;
  /** A text for each failure. */
  readonly failures: readonly string[];
}

/** Reads a JUnit report. */
function readResults(report: string): Results {
  const total = (name: string) => {
    const [suites] = /<testsuites [^>]*>/.exec(report) ?? [""];
    return Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suites)?.[1] ?? 0);
  };
  const failed = total("failures") + total("errors");
  return { passed: total("tests") - failed, failed, failures: failuresOf(report) };
}

/** Who reads the end of a long output only must see what failed. */
function failuresOf(report: string): string[] {
  const pattern = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*>\s*<failure[^>]*>([^<]*)</g;
  return Array.from(report.matchAll(pattern), ([, name = "", file = "", cause = ""]) => {
    const lines = [`${file}: ${name}`, ...cause.split("\n").slice(0, FAILURE_LINES_MAX)];
    return unescapeXml(lines.join("\n  "));
  });
}

const XML_ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function unescapeXml(text: string): string {
  return text.replace(/&[a-z]+;/g, (entity) => XML_ENTITIES[entity] ?? entity);
}

async function runSuite(name: string): Promise<Results> {
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
  const results = readResults(await Deno.readTextFile(reportPath).catch(() => ""));
  // a suite that did not come to its end is a failure, whatever it counted
  if (success || results.failed > 0) return results;
  return { ...results, failed: 1, failures: [`${name} did not come to its end`] };
}

const results: Results[] = [];
for (const name of process.argv.slice(2)) results.push(await runSuite(name));
for (const failure of results.flatMap(({ failures }) => failures)) {
  console.log(`FAILED ${failure}`);
}
const passed = results.reduce((sum, result) => sum + result.passed, 0);
// no test at all is no success
const failed = results.reduce((sum, result) => sum + result.failed, passed === 0 ? 1 : 0);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
