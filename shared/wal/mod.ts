/**
 * Write-ahead logs in the files of the reference services (spec/consensus.md, section 6.2;
 * spec/controller.md, section 18).
 *
 * @module
 */

export { LogFolder, WalError } from "./log_folder.ts";
export {
  encodeRecord,
  type IsType,
  readRecords,
  RECORD_HEADER_SIZE,
  type SalvagedRecords,
  salvageRecords,
  type WalRecord,
  type WholeRecords,
} from "./record.ts";
export { sipHash13 } from "./sip_hash.ts";
