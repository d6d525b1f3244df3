import assert from "node:assert/strict";
import { domainPlainLog, LOG_LEVELS, LOG_OPTIONS } from "./plain_log.ts";

Deno.test("domainPlainLog() logs to the file of the reference unless told otherwise", () => {
  const { level, file } = domainPlainLog({ options: {} });
  assert.deepEqual([level, file?.path], ["info", "logs/network-service.log"]);
  assert.equal(
    domainPlainLog({ options: { logDir: "/tmp/x" } }).file?.path,
    "/tmp/x/network-service.log",
  );
  assert.equal(domainPlainLog({ options: { logFileName: "a.log" } }).file?.path, "logs/a.log");
});

Deno.test("domainPlainLog() keeps the files within 768 MiB", () => {
  const { file } = domainPlainLog({ options: {} });
  assert.deepEqual([file?.sizeMax, file?.keptCount], [128 * 1024 * 1024, 5]);
});

Deno.test("domainPlainLog() logs to the standard output when told so", () => {
  assert.deepEqual(domainPlainLog({ options: { stdout: true } }), { level: "info", file: null });
});

Deno.test("domainPlainLog() takes every level of the reference", () => {
  for (const logLevel of LOG_LEVELS) {
    assert.equal(domainPlainLog({ options: { logLevel } }).level, logLevel);
  }
  assert.deepEqual([...LOG_LEVELS], ["error", "warn", "info", "debug", "trace"]);
});

Deno.test("LOG_OPTIONS are those of section 4.1, and --stdout excludes the file", () => {
  const flags = LOG_OPTIONS.map(([names]) => names.split(" <")[0]);
  assert.deepEqual(flags, ["--stdout", "-d, --log-dir", "-f, --log-file-name"]);
  assert.deepEqual(LOG_OPTIONS[0]?.[2], ["logDir", "logFileName"]);
});
