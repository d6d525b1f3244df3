/**
 * Which blocks to ask which peer for, and in which order to apply them (spec/controller.md, 16).
 * Pure: the caller passes the time and sends the requests.
 *
 * @module
 */

export {
  SYNC_TIMEOUT_MS,
  SyncCore,
  type SyncedBlock,
  type SyncLimits,
  type SyncRequest,
  type SyncTarget,
  type SyncView,
} from "./sync_core.ts";
