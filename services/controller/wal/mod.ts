/**
 * The write-ahead log of blocks that are being stored (spec/controller.md, 18).
 *
 * @module
 */

export { decodeRecords, encodeRecord, FINALIZE_BLOCK, type WalRecord } from "./record.ts";
export { sipHash13 } from "./siphash.ts";
export { openWal, WalError } from "./wal_files.ts";
