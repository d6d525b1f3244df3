/**
 * Judges a share of the cases of `sm2.ts` and reports them in small batches.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { toHex } from "../../shared/bytes/mod.ts";
import { loadSm3 } from "../../shared/crypto/mod.ts";
import { createCases, type Sm2Case } from "../../shared/crypto/sm/testing/cases.ts";
import {
  createNobleJudge,
  createWasmJudge,
  type Judge,
  NOT_FOR_SM_CRYPTO,
  SM_CRYPTO_JUDGE,
} from "../../shared/crypto/sm/testing/judges.ts";

/** What became of one case. */
export interface Report {
  readonly kind: string;
  readonly isValid: boolean;
  readonly isSmCryptoAsked: boolean;
  /** A line for people when the judges did not agree. */
  readonly disagreement: string | null;
}

/** The first time without a table, the second builds it, the third uses it. */
const ROUNDS = 3;
const BATCH_SIZE = 100;

interface Judges {
  readonly wasm: Judge;
  readonly noble: Judge;
}

function judge({ wasm, noble }: Judges, { kind, subject, signature, isValid }: Sm2Case): Report {
  const verdicts = { noble: noble(subject, signature), wasm: isValid };
  for (let round = 0; round < ROUNDS; round++) {
    const verdict = wasm(subject, signature);
    if (verdict !== isValid) verdicts.wasm = verdict;
  }
  const isSmCryptoAsked = !NOT_FOR_SM_CRYPTO.includes(kind);
  const all = isSmCryptoAsked
    ? { ...verdicts, smCrypto: SM_CRYPTO_JUDGE(subject, signature) }
    : verdicts;
  const agree = Object.values(all).every((verdict) => verdict === isValid);
  const subjectText = "message" in subject ? `message ${toHex(subject.message)}` : `e ${subject.e}`;
  const disagreement = agree
    ? null
    : `${kind}: made to be ${isValid}, ${JSON.stringify(all)}; ${subjectText}, signature ` +
      toHex(signature);
  return { kind, isValid, isSmCryptoAsked, disagreement };
}

/** What a worker is started with. */
export interface Share {
  readonly seed: bigint;
  readonly caseCount: number;
}

const { seed, caseCount }: Share = workerData;
const noble = await createNobleJudge();
// a new module for each batch: it has a table for every key that comes again
let wasm = await createWasmJudge();
const nextCase = createCases(await loadSm3(), seed);
let batch: Report[] = [];
for (let i = 1; i <= caseCount; i++) {
  batch.push(judge({ wasm, noble }, nextCase()));
  if (i % BATCH_SIZE !== 0 && i < caseCount) continue;
  parentPort?.postMessage(batch);
  batch = [];
  wasm = await createWasmJudge();
}
