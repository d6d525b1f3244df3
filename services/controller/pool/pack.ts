import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { checkFields, type Rules } from "../auth/mod.ts";
import type { Pool, PooledTransaction } from "./pool.ts";

/** How much a block may hold. */
export interface PackLimits {
  readonly countMax: number;
  /** Encoded bytes: a proposal must fit into one message of every network flavour. */
  readonly sizeMax: number;
}

/**
 * Chooses the transactions of the next block in order of arrival, and drops those that can no
 * longer be in one (spec/controller.md, 9): expired ones and, unlike the reference, those that
 * would make the proposal fail its own check. Of each system configuration item one change at most.
 */
export function packBlock(pool: Pool, rules: Rules, limits: PackLimits): RawTransaction[] {
  dropExpired(pool, rules);
  const chosen: RawTransaction[] = [];
  const changedItems = new Set<bigint>();
  let size = 0;
  for (const pooled of pool.values()) {
    if (chosen.length >= limits.countMax) break;
    if (size + pooled.size > limits.sizeMax) continue;
    if (checkFields(pooled.raw, rules) !== StatusCode.Success) {
      pool.remove([pooled.key]);
      continue;
    }
    const item = changedItem(pooled);
    if (item !== null) {
      if (changedItems.has(item)) continue;
      changedItems.add(item);
    }
    chosen.push(pooled.raw);
    size += pooled.size;
  }
  return chosen;
}

function changedItem({ raw }: PooledTransaction): bigint | null {
  return raw.tx?.$case === "utxoTx" ? raw.tx.value.transaction?.lockId ?? null : null;
}

/**
 * Drops normal transactions that no own proposal can hold any more, and changes of the system
 * configuration that were overtaken by another one.
 */
export function dropExpired(pool: Pool, rules: Rules): void {
  for (const pooled of pool.values()) {
    if (isExpired(pooled, rules)) pool.remove([pooled.key]);
  }
}

function isExpired({ raw }: PooledTransaction, rules: Rules): boolean {
  if (raw.tx?.$case !== "normalTx") return checkFields(raw, rules) !== StatusCode.Success;
  const { transaction } = raw.tx.value;
  if (transaction === undefined) return true;
  // the reference never packs a transaction into the last block that could hold it
  const next = rules.height + 1n;
  const last = BigInt.asUintN(64, next + rules.config.blockLimit);
  return transaction.validUntilBlock <= next || transaction.validUntilBlock > last;
}
