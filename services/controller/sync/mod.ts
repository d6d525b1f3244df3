/**
 * Which blocks to ask which peer for, and in which order to apply them (spec/controller.md, 16).
 * Pure: the caller passes the time and sends the requests.
 *
 * @module
 */

export type { SyncedBlock } from "./block_buffer.ts";
export type { SyncRequest } from "./request_book.ts";
export {
  SYNC_BUFFER_SIZE_MAX,
  SYNC_IMPATIENCE_MS,
  SYNC_TIMEOUT_MS,
  type SyncAnswer,
  SyncCore,
  type SyncLimits,
  type SyncPeer,
  type SyncTarget,
  type SyncView,
} from "./sync_core.ts";
