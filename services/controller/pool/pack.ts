import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { checkFields, type Rules } from "../auth/mod.ts";
import type { Pool, PooledTransaction } from "./pool.ts";

/** How much a block may hold. */
export interface PackLimits {
  readonly countMax: number;
  /** Encoded bytes: a proposal must fit into one message of every network flavour. */
  readonly sizeMax: number;
  /** What its transactions may use together; null: any. */
  readonly quotaMax: bigint | null;
}

/** Quota that every normal transaction uses at least: with less left a block is full (6.7). */
const QUOTA_MIN = 21_000n;

/** After that many senders in a row whose next one does not fit into what is left it is full. */
const MISFITS_MAX = 1_000;

/**
 * Chooses the transactions of the next block, and drops those that can no longer be in one
 * (spec/controller.md, 9): expired ones and, unlike the reference, those that would make the
 * proposal fail its own check or that no block has room for. Of each system configuration item one
 * change at most. In order of arrival as long as everything fits; when more waits, senders get their
 * turns, until one does not fit: nothing of a sender overtakes it. Costs what the block holds, not
 * what waits.
 */
export function packBlock(pool: Pool, rules: Rules, limits: PackLimits): RawTransaction[] {
  dropExpired(pool, rules);
  const isEnough = pool.count <= limits.countMax && pool.size <= limits.sizeMax;
  const chosen: RawTransaction[] = [];
  const changedItems = new Set<bigint>();
  let size = 0;
  let quotaLeft = limits.quotaMax;
  let misfits = 0;
  const unfit: string[] = [];
  const stopped = new Set<string>();
  for (const pooled of isEnough && quotaLeft === null ? pool.values() : pool.inTurns(stopped)) {
    if (chosen.length >= limits.countMax || misfits >= MISFITS_MAX) break;
    if (quotaLeft !== null && quotaLeft < QUOTA_MIN) break;
    const quota = quotaOf(pooled);
    const isTooMuch = pooled.size > limits.sizeMax ||
      (limits.quotaMax !== null && quota > limits.quotaMax);
    if (isTooMuch || checkFields(pooled.raw, rules) !== StatusCode.Success) {
      unfit.push(pooled.key);
      continue;
    }
    if (size + pooled.size > limits.sizeMax || (quotaLeft !== null && quota > quotaLeft)) {
      stopped.add(pooled.sender);
      misfits++;
      continue;
    }
    const item = changedItem(pooled);
    if (item !== null) {
      if (changedItems.has(item)) continue;
      changedItems.add(item);
    }
    chosen.push(pooled.raw);
    misfits = 0;
    size += pooled.size;
    if (quotaLeft !== null) quotaLeft -= quota;
  }
  pool.remove(unfit);
  return chosen;
}

function changedItem({ raw }: PooledTransaction): bigint | null {
  return raw.tx?.$case === "utxoTx" ? raw.tx.value.transaction?.lockId ?? null : null;
}

/** Changes of the system configuration use none. */
function quotaOf({ raw }: PooledTransaction): bigint {
  return raw.tx?.$case === "normalTx" ? raw.tx.value.transaction?.quota ?? 0n : 0n;
}

/**
 * Drops normal transactions that no own proposal can hold any more, and changes of the system
 * configuration that were overtaken by another one.
 */
export function dropExpired(pool: Pool, rules: Rules): void {
  // the reference never packs a transaction into the last block that could hold it
  const next = rules.height + 1n;
  const last = BigInt.asUintN(64, next + rules.config.blockLimit);
  pool.removeExpired((validUntilBlock) => validUntilBlock <= next || validUntilBlock > last);
  for (const { key, raw } of pool.changes()) {
    if (checkFields(raw, rules) !== StatusCode.Success) pool.remove([key]);
  }
}
