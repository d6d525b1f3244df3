/**
 * The compiled kms against others in the same run: its own `speed` command and its service over
 * gRPC; noble's curve for any parameters, `sm-crypto` and OpenSSL on one core. Ratios above 1 mean
 * that ours does more per second. What is native in kms_eth is its own addon.
 *
 * @module
 */

import type { SuiteName } from "../shared/crypto/mod.ts";
import type { SpeedReport } from "../services/kms/speed/command.ts";
import {
  BATCH_SIZE,
  HASHED_SIZE,
  KNOWN_SENDERS,
  type SpeedOperation,
} from "../services/kms/speed/measure.ts";
import { executablePath } from "../tests/e2e/executables.ts";
import { withFolder } from "../tests/e2e/recordings/player.ts";
import { type Baseline, nobleEth, nobleSm2, openssl, smCrypto } from "./kms_baselines.ts";
import { LARGE_BATCH_SIZE, measureService, type ServiceSpeed } from "./kms_service.ts";
import type { Probe } from "./prober_worker.ts";
import { type Comparison, printComparisons } from "./table.ts";

const OTHERS = ["noble", "sm-crypto", "native"] as const;
type Others = Readonly<Record<(typeof OTHERS)[number], Baseline>>;

/** What `bin/kms speed` prints for programs. */
async function runSpeed(suite: SuiteName): Promise<SpeedReport> {
  let report: SpeedReport | null = null;
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/config.toml`, `[kms_${suite}]\n`);
    const { stdout, success } = await new Deno.Command(executablePath("kms"), {
      args: ["speed", "--json"],
      cwd: folder,
      stderr: "inherit",
    }).output();
    if (!success) throw new Error("bin/kms speed failed");
    report = JSON.parse(new TextDecoder().decode(stdout));
  });
  if (report === null) throw new Error("bin/kms speed printed nothing");
  return report;
}

/** A line whose rate is held against one operation of the others. */
function compare(
  others: Others,
  line: Omit<Comparison, "ratios"> & { readonly perSecond: number },
  operation: keyof Baseline,
): Comparison {
  const { name, value, unit, perSecond } = line;
  const ratios = Object.entries(others).map(([other, baseline]) => {
    const rate = baseline[operation];
    return [other, rate === undefined ? undefined : perSecond / rate];
  });
  return { name, value, unit, ratios: Object.fromEntries(ratios) };
}

const KNOWN = `${KNOWN_SENDERS} known senders`;

const SPEED_LINES: readonly [SpeedOperation, string, keyof Baseline][] = [
  ["hash", `hash ${HASHED_SIZE} bytes`, "hash"],
  ["sign", "sign", "sign"],
  ["recover_new_key", "recover, a new key each time", "recoverNewKey"],
  ["recover_known_key", "recover, a known key", "recoverKnownKey"],
  ["check_new_senders", `check ${BATCH_SIZE}, new senders`, "recoverNewKey"],
  ["check_known_senders", `check ${BATCH_SIZE}, ${KNOWN}`, "recoverKnownKey"],
  ["check_repeated", `check ${BATCH_SIZE}, checked before`, "recoverKnownKey"],
];

function speedLines(report: SpeedReport, others: Others): Comparison[] {
  return SPEED_LINES.flatMap(([operation, name, baseline]) => {
    const result = report.results.find((result) => result.operation === operation);
    if (result === undefined) return [];
    const { perSecond } = result;
    const line = compare(others, { name, value: perSecond, unit: "/s", perSecond }, baseline);
    if (!operation.startsWith("check_")) return [line];
    const value = result.processorMilliseconds;
    return [line, { name: "  processor time of all threads", value, unit: "ms", ratios: {} }];
  });
}

function serviceLines(speed: ServiceSpeed, others: Others): Comparison[] {
  const calls = (name: string, value: number) => ({ name, value, unit: "calls/s", ratios: {} });
  const wait = (name: string, value: number) => ({ name, value, unit: "ms", ratios: {} });
  const probe = (when: string, { waitMs, workMs }: Probe) => [
    wait(`longest wait of another call, ${when}`, waitMs),
    wait(`  of its thread's own work, ${when}`, workMs),
  ];
  const batch = (name: string, value: number, baseline: keyof Baseline) =>
    compare(others, { name, value, unit: "ms", perSecond: BATCH_SIZE * 1000 / value }, baseline);
  return [
    calls("HashData, 64 callers", speed.hash),
    calls("SignMessage, 64 callers", speed.sign),
    calls("RecoverSignature, 64 callers", speed.recoverKnownKey),
    calls("CheckTransactions of 1, 64 callers", speed.checkOne),
    batch(`CheckTransactions of ${BATCH_SIZE}, new senders`, speed.newSendersMs, "recoverNewKey"),
    batch(`CheckTransactions of ${BATCH_SIZE}, ${KNOWN}`, speed.knownSendersMs, "recoverKnownKey"),
    batch(`CheckTransactions of ${BATCH_SIZE}, repeated`, speed.repeatedMs, "recoverKnownKey"),
    wait(`CheckTransactions of ${LARGE_BATCH_SIZE}, ${KNOWN}`, speed.largeMs),
    ...probe("idle", speed.idle),
    ...probe(`during ${LARGE_BATCH_SIZE}`, speed.duringLarge),
    ...probe(`during ${LARGE_BATCH_SIZE} repeated`, speed.duringRepeated),
  ];
}

async function benchSuite(suite: SuiteName, others: Others): Promise<void> {
  const report = await runSpeed(suite);
  const title = `kms_${suite} (${report.implementation}, ${report.threads} threads for batches)`;
  printComparisons(title, OTHERS, speedLines(report, others));
  const speed = await measureService(suite);
  printComparisons(`kms_${suite} over gRPC`, OTHERS, serviceLines(speed, others));
}

await benchSuite("sm", { noble: nobleSm2(), "sm-crypto": smCrypto(), native: await openssl() });
await benchSuite("eth", { noble: nobleEth(), "sm-crypto": {}, native: {} });
