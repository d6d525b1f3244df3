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
export function packBlock(pool: Pool, rules: Rules, limits: PackLimits): PooledTransaction[] {
  dropExpired(pool, rules);
  const { chosen, unfit } = choose(pool, rules, limits);
  pool.remove(unfit);
  return chosen;
}

/**
 * Chooses the transactions of a block whose parent is not stored yet, for the rules that will be in
 * force after it. Leaves the pool as it is. Null unless more waits than the block can hold: else it
 * is better packed when it is due, with what arrives until then.
 */
export function packAhead(
  pool: Pool,
  rules: Rules,
  limits: PackLimits,
): PooledTransaction[] | null {
  const { chosen, isFull } = choose(pool, rules, limits);
  return isFull ? chosen : null;
}

/** What a block gets of the pool. */
interface Choice {
  readonly chosen: PooledTransaction[];
  /** Keys of those that the rules forbid. */
  readonly unfit: string[];
  /** Whether the limits were met before the end of the pool. */
  readonly isFull: boolean;
}

function choose(pool: Pool, rules: Rules, limits: PackLimits): Choice {
  const isEnough = pool.count <= limits.countMax && pool.size <= limits.sizeMax;
  const chosen: PooledTransaction[] = [];
  const changedItems = new Set<bigint>();
  let size = 0;
  let quotaLeft = limits.quotaMax;
  let misfits = 0;
  let isFull = false;
  const unfit: string[] = [];
  const stopped = new Set<string>();
  const isExpired = expiryAfter(rules);
  for (const pooled of isEnough && quotaLeft === null ? pool.values() : pool.inTurns(stopped)) {
    isFull = chosen.length >= limits.countMax || misfits >= MISFITS_MAX ||
      (quotaLeft !== null && quotaLeft < QUOTA_MIN);
    if (isFull) break;
    const quota = quotaOf(pooled);
    const { encoded: { length }, validUntilBlock } = pooled;
    const isTooMuch = length > limits.sizeMax ||
      (limits.quotaMax !== null && quota > limits.quotaMax);
    const isOver = validUntilBlock !== null && isExpired(validUntilBlock);
    if (isTooMuch || isOver || checkFields(pooled.raw, rules) !== StatusCode.Success) {
      unfit.push(pooled.key);
      continue;
    }
    if (size + length > limits.sizeMax || (quotaLeft !== null && quota > quotaLeft)) {
      stopped.add(pooled.sender);
      misfits++;
      continue;
    }
    const item = changedItem(pooled);
    if (item !== null) {
      if (changedItems.has(item)) continue;
      changedItems.add(item);
    }
    chosen.push(pooled);
    misfits = 0;
    size += length;
    if (quotaLeft !== null) quotaLeft -= quota;
  }
  return { chosen, unfit, isFull };
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
  pool.removeExpired(expiryAfter(rules));
  for (const { key, raw } of pool.changes()) {
    if (checkFields(raw, rules) !== StatusCode.Success) pool.remove([key]);
  }
}

/** Whether the last block that may hold a transaction is no block that this node will make. */
function expiryAfter({ height, config }: Rules): (validUntilBlock: bigint) => boolean {
  // the reference never packs a transaction into the last block that could hold it
  const next = height + 1n;
  const last = BigInt.asUintN(64, next + config.blockLimit);
  return (validUntilBlock) => validUntilBlock <= next || validUntilBlock > last;
}
