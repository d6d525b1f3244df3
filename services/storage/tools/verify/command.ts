import {
  ExitError,
  formatCount,
  INTERRUPTED_EXIT_CODE,
  Progress,
} from "../../../../shared/cli/mod.ts";
import { createPause } from "../../../../shared/clock/mod.ts";
import type { SuiteName } from "../../../../shared/crypto/mod.ts";
import { type Engine, EngineError } from "../../engine.ts";
import { type OfflineStore, placeOf, withEngine } from "../offline.ts";
import { SLICE_MS } from "../slice.ts";
import { type ChainCounts, checkChain, findExtent } from "./chain_check.ts";
import { FindingList } from "./finding_list.ts";
import { findHash, loadHash, type NamedHash } from "./hash_function.ts";

/** Options of the command. */
export interface VerifyOptions {
  readonly json: boolean;
  /** The lowest height when null. */
  readonly from: bigint | null;
  /** The highest block when null. */
  readonly to: bigint | null;
  /** Found from the blocks when null. */
  readonly suite: SuiteName | null;
  /** Aborts when the user wants to stop: the walk then ends in order. */
  readonly signal: AbortSignal;
}

/** What was looked at; null when nothing is stored yet. */
type VerifiedPart =
  & ChainCounts
  & { readonly from: bigint; readonly to: bigint; readonly hash: NamedHash };

/**
 * Command `verify`: checks every block, prints what is wrong and what can be done about it.
 *
 * @returns 0 when nothing is wrong, 1 when something is, 130 after an interrupt
 */
export async function runVerify(store: OfflineStore, options: VerifyOptions): Promise<number> {
  const { output } = store;
  const { signal } = options;
  const findings = new FindingList();
  const part = await withEngine(
    store,
    (engine) => verify(store, { engine, options, findings }),
  );
  const place = await placeOf(store);
  if (options.json) {
    const json = { place, ...jsonOf(part), isInterrupted: signal.aborted, ...findings.toJson() };
    output.out(`${JSON.stringify(json)}\n`);
  } else {
    const lines = [...findings.summaryLines(), summaryOf(part, place, findings.count)];
    if (signal.aborted) lines.push("interrupted: the blocks above were not checked");
    output.out(`${lines.join("\n")}\n`);
  }
  if (signal.aborted) return INTERRUPTED_EXIT_CODE;
  return findings.count === 0 ? 0 : 1;
}

interface Verification {
  readonly engine: Engine;
  readonly options: VerifyOptions;
  readonly findings: FindingList;
}

async function verify(
  { output, clock }: OfflineStore,
  { engine, options, findings }: Verification,
): Promise<VerifiedPart | null> {
  const { signal } = options;
  const pause = createPause(clock, SLICE_MS);
  let progress = new Progress({ output, clock, unit: "block hashes" });
  const report: Parameters<typeof findExtent>[1]["report"] = (finding) => {
    const line = findings.add(finding);
    if (line === null || options.json) return;
    progress.clear();
    output.out(`${line}\n`);
  };
  try {
    let hashCount = 0;
    const extent = await findExtent(engine, {
      report,
      async step() {
        progress.set(++hashCount);
        await pause();
        if (signal.aborted) throw new ExitError(INTERRUPTED_EXIT_CODE);
      },
    });
    if (extent.highestBlock === null && extent.currentHeight === null) return null;
    const { from, to } = rangeOf(options, extent.highestBlock ?? 0n);
    const hash = await chooseHash(engine, options.suite);
    progress.clear();
    progress = new Progress({ output, clock, unit: "heights", total: Number(to - from) + 1 });
    const counts = await checkChain({
      engine,
      hash: hash.hash,
      extent,
      from,
      to,
      report,
      async step({ blocks }) {
        progress.set(blocks);
        await pause();
        return !signal.aborted;
      },
    });
    return { ...counts, from, to, hash };
  } finally {
    progress.clear();
  }
}

function rangeOf(options: VerifyOptions, highest: bigint): { from: bigint; to: bigint } {
  const { from, to } = { from: options.from ?? 0n, to: options.to ?? highest };
  if (from <= to && to <= highest) return { from, to };
  const wanted = `they must be in order and not above the highest block ${highest}`;
  throw new ExitError(2, `Cannot verify heights ${from} to ${to}: ${wanted}`);
}

async function chooseHash(engine: Engine, suite: SuiteName | null): Promise<NamedHash> {
  if (suite !== null) return await loadHash(suite);
  let reason = "the lowest blocks fit neither SM3 nor Keccak-256";
  try {
    const found = await findHash(engine);
    if (found !== null) return found;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    reason = error.message;
  }
  throw new ExitError(1, `Cannot find the hash function of the chain: ${reason}, give --crypto`);
}

function summaryOf(part: VerifiedPart | null, place: string, findingCount: number): string {
  if (part === null) return `nothing to verify in "${place}": it holds no blocks`;
  const { from, blocks, transactions, hash } = part;
  const heights = `heights ${from} to ${from + BigInt(blocks) - 1n}`;
  const counts = `${formatCount(blocks)} blocks and ${formatCount(transactions)} transactions`;
  const result = findingCount === 0 ? "no findings" : `${formatCount(findingCount)} findings`;
  return `verified "${place}", ${heights}, ${counts}, with ${hash.name}: ${result}`;
}

function jsonOf(part: VerifiedPart | null): Record<string, unknown> {
  if (part === null) return { from: null, to: null, blocks: 0, transactions: 0, crypto: null };
  const { from, blocks, transactions, hash } = part;
  const to = Number(from) + blocks - 1;
  return { from: Number(from), to, blocks, transactions, crypto: hash.suite };
}
