import { Regions } from "../../../proto/gen/storage.ts";

/**
 * Data of a node's services that are damaged or do not belong together: the node must not run on
 * them. The text names what is wrong and what the operator can do.
 */
export class ChainDataError extends Error {
  override name = "ChainDataError";

  constructor(problem: string, remedy: string) {
    super(`${problem}. What to do: ${remedy}; see docs/operations.md, "Recovery"`);
  }
}

/** What helps when records of the storage are missing or damaged. */
export const MEND_STORAGE = "stop the node, restore the folder of its storage or roll the node " +
  "back with cloud-op; or delete that folder, and its peers send it the chain again";

/** What helps when the state of the executor is not that of the stored chain. */
export const MEND_EXECUTOR = "if the storage is right, stop the node and delete the files of its " +
  "executor (those in db_path of [executor_evm], not the folders of other services in there): the " +
  "stored blocks are executed again at the next start";

/** How errors call a record of a block. */
export function recordName(region: number, height: bigint): string {
  return `${Regions[region]} (region ${region}) of block ${height}`;
}
