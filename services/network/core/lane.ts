/** Classes of messages to and from a neighbour, the most urgent first. */
export const LANES = ["urgent", "sync", "transactions"] as const;

/** A class of messages; within one the order is kept. */
export type Lane = typeof LANES[number];

/** Types of the controller that carry blocks and transactions of the past. */
const SYNC_TYPES = new Set(["sync_block", "sync_block_respond", "sync_tx", "sync_tx_respond"]);

/** Types of the controller that pass new transactions on. */
const TRANSACTION_TYPES = new Set(["send_tx", "send_txs"]);

/**
 * The lane of a message: consensus and the status of chains before sync before transactions. All
 * messages of one module and type have the same lane. Unknown modules and types, of which nothing
 * is known to be urgent, share the lane of sync.
 */
export function laneOf(module: string, type: string): Lane {
  if (module === "consensus") return "urgent";
  if (TRANSACTION_TYPES.has(type)) return "transactions";
  return module === "controller" && !SYNC_TYPES.has(type) ? "urgent" : "sync";
}
