import { Block } from "../../../proto/gen/blockchain.ts";
import { type Bytes, to0xHex } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { blockRecords, type Tip, transactionKeys, utxoTransactions } from "../chain/mod.ts";
import { dropExpired } from "../pool/mod.ts";
import type { Executed } from "../ports.ts";
import { applyUtxoTransactions, type SystemConfig } from "../system_config/mod.ts";
import { alignExecutor } from "./align_executor.ts";
import { ChainDataError, MEND_EXECUTOR } from "./chain_data.ts";
import { type Node, rulesOf } from "./node.ts";
import { storeTipProof } from "./tip_proof.ts";

/** A decided block, and where it comes from. */
export type DecidedBlock =
  & {
    /** With its proof. */
    readonly block: Block;
    /** Hash of its header. */
    readonly hash: Bytes;
    /** Encoded already by whoever made it. */
    readonly encoded?: Bytes;
    /** Called once the executor has the block. */
    readonly onExecuting?: () => void;
  }
  & (
    | {
      readonly source: "consensus";
      /** The proof of the tip that was decided upon together with the block. */
      readonly preProof: Bytes;
    }
    /** The write-ahead log, where it got after that proof was stored. */
    | { readonly source: "log" }
  );

/**
 * Executes and stores the block after the tip that consensus decided, then moves the tip
 * (spec/controller.md, 11). The lock must be held. After a refusal nothing but the proof of the tip
 * has changed in memory, and doing it again continues where it stopped: the executor answers 502
 * then, records are stored again.
 */
export async function finalise(node: Node, decided: DecidedBlock): Promise<StatusCode> {
  const { block, hash, source } = decided;
  const { ports } = node.env;
  if (block.header === undefined) return StatusCode.NoneBlockHeader;
  const { height } = block.header;
  if (block.body === undefined) return StatusCode.NoneBlockBody;
  const keys = transactionKeys(block);
  if (keys === null) return StatusCode.NoTransaction;
  const encoded = decided.encoded ?? encode(Block, block);
  if (source !== "log") {
    const replaced = await storeTipProof(node, decided.preProof);
    if (replaced !== StatusCode.Success) return replaced;
  }
  if (source === "consensus" && !(await isLogged(node, height, encoded))) {
    return StatusCode.StoreError;
  }

  const executing = execute(node, { height, encoded });
  decided.onExecuting?.();
  const { code, stateRoot } = await executing;
  if (code !== StatusCode.Success && code !== StatusCode.ReenterBlock) return code;

  const { config, applied } = applyUtxoTransactions(node.systemConfig, utxoTransactions(block));
  for (const group of blockRecords({ height, hash, encoded, stateRoot, applied })) {
    const codes = await Promise.all(group.map((record) => ports.storage.store(record)));
    const failed = codes.find((stored) => stored !== StatusCode.Success);
    if (failed !== undefined) return failed;
  }
  const { header: { timestamp: timestampMs }, proof } = block;
  moveTip(node, { tip: { height, hash, timestampMs, stateRoot, proof }, keys, config });
  await clearLog(node);
  return StatusCode.Success;
}

/** Moves on in memory to a block that is stored. */
export function moveTip(
  node: Node,
  { tip, keys, config }: {
    readonly tip: Tip;
    readonly keys: readonly string[];
    readonly config: SystemConfig;
  },
): void {
  const { height, hash } = tip;
  node.history.add({ height, hashes: keys, blockLimit: node.systemConfig.blockLimit });
  node.systemConfig = config;
  node.chain.advance(tip);
  node.activity.blockStored(keys.length);
  node.pool.remove(keys);
  dropExpired(node.pool, rulesOf(node));
  node.env.log.info(`finalize_block: ${height}, block_hash: ${to0xHex(hash)}`);
}

/** Executes the block after the last executed one, or gives what executing it gave before. */
export async function execute(
  node: Node,
  { height, encoded }: { readonly height: bigint; readonly encoded: Bytes },
): Promise<Executed> {
  const executed = await executeAligned(node, encoded);
  node.env.log.info(
    `exec_block(${height}): status: ${statusName(executed.code)}, ` +
      `executed_block_hash: ${to0xHex(executed.stateRoot)}`,
  );
  return executed;
}

/** The block is on disk before the executor sees it. */
async function isLogged({ env }: Node, height: bigint, encoded: Bytes): Promise<boolean> {
  try {
    await env.ports.wal.append(height, encoded);
    return true;
  } catch (cause) {
    env.log.error("cannot write the write-ahead log", { cause });
    return false;
  }
}

/** A record that stays is recognised as done at the next start. */
async function clearLog({ env }: Node): Promise<void> {
  try {
    await env.ports.wal.clear();
  } catch (cause) {
    env.log.warn("cannot clear the write-ahead log", { cause });
  }
}

/** An executor that was wiped meanwhile refuses the block: it gets those it lacks, then this one. */
async function executeAligned({ env, chain }: Node, encoded: Bytes): Promise<Executed> {
  const { storage, executor } = env.ports;
  const first = await executor.exec(encoded);
  switch (first.code) {
    case StatusCode.Success:
    case StatusCode.ReenterBlock:
    case StatusCode.ExecuteServerNotReady:
      return first;
  }
  try {
    const context = { storage, executor, log: env.log };
    if (!(await alignExecutor(context, chain.tip.height))) return first;
  } catch (error) {
    if (!(error instanceof ChainDataError)) throw error;
    env.log.error(error.message);
    return first;
  }
  const second = await executor.exec(encoded);
  if (second.code === StatusCode.ReenterInvalidBlock) {
    const problem = `Cannot execute block ${chain.tip.height + 1n}: the executor has executed ` +
      "another block of that height, one that this chain does not have";
    env.log.error(new ChainDataError(problem, MEND_EXECUTOR).message);
  }
  return second;
}
