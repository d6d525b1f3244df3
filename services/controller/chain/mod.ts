/**
 * The committed tip, proposals for the next height, and what storing a block takes
 * (spec/controller.md, 6 and 10 to 12). Pure.
 *
 * @module
 */

export { ChainState, type Tip } from "./chain_state.ts";
export {
  assembleBlock,
  type BlockBody,
  type EncodedTransaction,
  hasTrueRoot,
  makeBody,
  type NewBlock,
} from "./proposal.ts";
export {
  blockRecords,
  changeRecords,
  contentRecords,
  type ExecutedBlock,
  GlobalKey,
  type StoreRecord,
  tipRecords,
  transactionKeys,
  utxoTransactions,
} from "./stored_block.ts";
