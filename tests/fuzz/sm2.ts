/**
 * SM2 verification in WebAssembly against noble and sm-crypto on signatures of every kind, on all
 * cores. Exits with 1 when they disagree.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { readCount } from "../run_options.ts";
import type { Report, Share } from "./sm2_worker.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100000" },
    seed: { type: "string", default: String(crypto.getRandomValues(new Uint32Array(1))[0]) },
    workers: { type: "string", default: String(navigator.hardwareConcurrency) },
  },
});
const caseCount = readCount("--cases", values.cases);
const seed = BigInt(values.seed);
const workerCount = readCount("--workers", values.workers);

const SHOWN_DISAGREEMENTS = 20;

interface Count {
  cases: number;
  valid: number;
  bySmCrypto: number;
}

const counts = new Map<string, Count>();
let done = 0;
let disagreements = 0;

function note({ kind, isValid, isSmCryptoAsked, disagreement }: Report): void {
  const count = counts.get(kind) ?? { cases: 0, valid: 0, bySmCrypto: 0 };
  counts.set(kind, count);
  count.cases += 1;
  if (isValid) count.valid += 1;
  if (isSmCryptoAsked) count.bySmCrypto += 1;
  done += 1;
  if (disagreement === null) return;
  disagreements += 1;
  if (disagreements <= SHOWN_DISAGREEMENTS) console.log(disagreement);
}

function runWorker(index: number): Promise<void> {
  const share: Share = {
    seed: seed + BigInt(index) * 2n ** 32n,
    caseCount: Math.floor((caseCount + index) / workerCount),
  };
  const worker = new Worker(new URL("sm2_worker.ts", import.meta.url), { workerData: share });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", () => resolve());
    worker.on("message", (reports: readonly Report[]) => {
      const before = done;
      reports.forEach(note);
      if (Math.floor(before / 1000) === Math.floor(done / 1000)) return;
      console.log(`${done} of ${caseCount} cases, ${disagreements} disagreements`);
    });
  });
}

console.log(`seed ${seed}, ${caseCount} cases, ${workerCount} workers`);
await Promise.all(Array.from({ length: workerCount }, (_, index) => runWorker(index)));
for (const [kind, { cases, valid, bySmCrypto }] of counts) {
  console.log(
    `${kind.padEnd(26)} ${String(cases).padStart(7)} cases, ${String(valid).padStart(7)} valid, ` +
      `${String(bySmCrypto).padStart(7)} asked of sm-crypto`,
  );
}
const asked = [...counts.values()].reduce((sum, { bySmCrypto }) => sum + bySmCrypto, 0);
console.log(
  `fuzz-sm2: seed ${seed}, ${done} cases against noble, ${asked} of them against sm-crypto, ` +
    `${disagreements} disagreements`,
);
process.exit(disagreements === 0 && done === caseCount ? 0 : 1);
