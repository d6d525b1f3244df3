/** Name of this module in network messages. */
export const MODULE = "controller";

/** Messages between controllers (spec/controller.md, 15). */
export const MessageType = {
  /** Signed own status: the first word to a peer. */
  ChainStatusInit: "chain_status_init",
  /** Asks a session that is not known to introduce itself. */
  ChainStatusInitRequest: "chain_status_init_req",
  /** Own status after a commit. */
  ChainStatus: "chain_status",
  /** Tells a peer that it is on another chain. */
  ChainStatusRespond: "chain_status_respond",
  SyncBlock: "sync_block",
  SyncBlockRespond: "sync_block_respond",
  SyncTx: "sync_tx",
  SyncTxRespond: "sync_tx_respond",
  SendTx: "send_tx",
  SendTxs: "send_txs",
} as const;

/** One of the message types. */
export type MessageType = (typeof MessageType)[keyof typeof MessageType];
