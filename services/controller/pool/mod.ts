/**
 * Transactions that wait for a block, and the choice of those that go into the next one
 * (spec/controller.md, 9). Pure.
 *
 * @module
 */

export { dropExpired, packAhead, packBlock, type PackLimits } from "./pack.ts";
export { transactionKey } from "./key.ts";
export { Pool, type PooledTransaction } from "./pool.ts";
export { type PoolLimits } from "./room.ts";
export { estimateSize } from "./size.ts";
export { VerifiedTransactions } from "./verified.ts";
