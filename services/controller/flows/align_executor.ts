import { Regions } from "../../../proto/gen/storage.ts";
import { type Bytes, equalBytes, to0xHex, u64be } from "../../../shared/bytes/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import type { ExecutorPort, Loaded, StoragePort } from "../ports.ts";
import { ChainDataError, MEND_EXECUTOR, MEND_STORAGE, recordName } from "./chain_data.ts";

/** What aligning needs. */
export interface AlignContext {
  readonly storage: StoragePort;
  readonly executor: ExecutorPort;
  readonly log: Logger;
}

/** `done`: the executor has executed the block; `away`: a service did not answer. */
type StepOutcome = "done" | "refused" | "away";

/**
 * Makes the executor execute every stored block up to a height that it lacks: its data may have been
 * wiped, restored or lost in part. It is asked for the newest block first, which is all there is to
 * do as a rule; then it is searched back for a block that it has. An executor that is ahead of the
 * storage, which was rolled back or restored, has the block too; those above it are to come again.
 *
 * @returns false when storage or executor did not answer
 * @throws {ChainDataError} when it gives another result for a block than was stored, or has another
 * chain, or when a stored block is not whole
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
    throw new ChainDataError(
      "Cannot use the executor: it holds another chain's genesis block",
      MEND_EXECUTOR,
    );
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
      throw new ChainDataError(
        `Cannot replay block ${height}: the executor refuses it, it has executed another block ` +
          "of that height",
        MEND_EXECUTOR,
      );
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
  requireWhole(block.code, Regions.FULL_BLOCK, height);
  const isRootLost = wanted.code === StatusCode.NotFound;
  if (block.code !== StatusCode.Success || wanted.code !== StatusCode.Success && !isRootLost) {
    log.warn(`align executor: cannot load block ${height}`, {
      block: statusName(block.code),
      result: statusName(wanted.code),
    });
    return "away";
  }
  const { code, stateRoot } = await executor.exec(block.value);
  if (code === StatusCode.ExecuteServerNotReady) return "away";
  if (code !== StatusCode.Success && code !== StatusCode.ReenterBlock) return "refused";
  if (isRootLost) return await restoreRoot(context, height, stateRoot);
  if (equalBytes(stateRoot, wanted.value)) return "done";
  throw new ChainDataError(
    `Cannot use the executor: for block ${height} it gives ${to0xHex(stateRoot)}, ` +
      `stored is ${to0xHex(wanted.value)}`,
    MEND_EXECUTOR,
  );
}

/** A storage that answers and has no such block will not have it when it is asked again. */
function requireWhole(code: Loaded["code"], region: number, height: bigint): void {
  switch (code) {
    case StatusCode.NotFound:
    case StatusCode.DecodeError:
    case StatusCode.EncodeError:
      throw new ChainDataError(
        `Cannot bring the executor to the stored chain: ${recordName(region, height)} or a ` +
          `transaction of it cannot be loaded (${statusName(code)})`,
        MEND_STORAGE,
      );
  }
}

/** The root is the executor's to say: it executed this very block, after all before it. */
async function restoreRoot(
  { storage, log }: AlignContext,
  height: bigint,
  value: Bytes,
): Promise<StepOutcome> {
  log.warn(`${recordName(Regions.RESULT, height)} was missing: stored as the executor has it`);
  const code = await storage.store({ region: Regions.RESULT, key: u64be(height), value });
  return code === StatusCode.Success ? "done" : "away";
}
