/**
 * Who the peers are, which session reaches them, and who is ignored (spec/controller.md, 15.2 and
 * 16.1). Pure: the caller passes the time.
 *
 * @module
 */

export { type AddressHex, type KnownNode, NodeTable, type RecordOutcome } from "./node_table.ts";
export {
  checkSameBlock,
  checkSameChain,
  checkStatusAddress,
  isForeignChain,
} from "./status_check.ts";
export { MessageType, MODULE } from "./messages.ts";
