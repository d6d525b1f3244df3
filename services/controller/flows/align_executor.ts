import { Regions } from "../../../proto/gen/storage.ts";
import { equalBytes, to0xHex, u64be } from "../../../shared/bytes/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import type { ExecutorPort, StoragePort } from "../ports.ts";

/** What aligning needs. */
export interface AlignContext {
  readonly storage: StoragePort;
  readonly executor: ExecutorPort;
  readonly log: Logger;
}

/** The executor cannot be brought to the state of the chain: data of the two do not belong together. */
export class AlignmentError extends Error {
  override name = "AlignmentError";
}

/** `done`: the executor has executed the block; `away`: a service did not answer. */
type StepOutcome = "done" | "refused" | "away";

/**
 * Makes the executor execute every stored block up to a height that it lacks: its data may have been
 * wiped, restored or lost in part. It is asked for the newest block first, which is all there is to
 * do as a rule; then it is searched back for a block that it has.
 *
 * @returns false when storage or executor did not answer
 * @throws {AlignmentError} when it gives another result for a block than was stored
 */
export async function alignExecutor(context: AlignContext, height: bigint): Promise<boolean> {
  let base = height;
  let outcome = await executeStored(context, base);
  for (let stride = 1n; outcome === "refused" && base > 0n; stride *= 2n) {
    base = base > stride ? base - stride : 0n;
    outcome = await executeStored(context, base);
  }
  if (outcome === "away") return false;
  if (outcome === "refused") {
    throw new AlignmentError("Cannot use the executor: it holds another chain's genesis block");
  }
  return await replayBlocks(context, base + 1n, height);
}

/** Lines about a long replay appear once per that many blocks. */
const PROGRESS_EVERY = 1_000n;

/** As {@linkcode alignExecutor} for an executor that is known to lack the first block and all after it. */
export async function replayBlocks(
  context: AlignContext,
  first: bigint,
  last: bigint,
): Promise<boolean> {
  if (first > last) return true;
  context.log.info(`executor lacks blocks: replay ${first} to ${last}`);
  for (let height = first; height <= last; height++) {
    const outcome = await executeStored(context, height);
    if (outcome === "away") return false;
    if (outcome === "refused") {
      throw new AlignmentError(`Cannot replay block ${height}: the executor refuses it`);
    }
    if (height % PROGRESS_EVERY === 0n) context.log.info(`executor: replayed block ${height}`);
  }
  return true;
}

async function executeStored(context: AlignContext, height: bigint): Promise<StepOutcome> {
  const { storage, executor, log } = context;
  const key = u64be(height);
  const block = await storage.load(Regions.FULL_BLOCK, key);
  const wanted = await storage.load(Regions.RESULT, key);
  if (block.code !== StatusCode.Success || wanted.code !== StatusCode.Success) {
    log.warn(`align executor: cannot load block ${height}`, {
      block: statusName(block.code),
      result: statusName(wanted.code),
    });
    return "away";
  }
  const { code, stateRoot } = await executor.exec(block.value);
  if (code === StatusCode.ExecuteServerNotReady) return "away";
  if (code !== StatusCode.Success && code !== StatusCode.ReenterBlock) return "refused";
  if (equalBytes(stateRoot, wanted.value)) return "done";
  throw new AlignmentError(
    `Cannot use the executor: for block ${height} it gives ${to0xHex(stateRoot)}, ` +
      `stored is ${to0xHex(wanted.value)}`,
  );
}
