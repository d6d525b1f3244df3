import type { Block } from "../../../../proto/gen/blockchain.ts";
import { type Bytes, equalBytes, to0xHex } from "../../../../shared/bytes/mod.ts";
import {
  ExitError,
  formatCount,
  INTERRUPTED_EXIT_CODE,
  type Output,
  Progress,
} from "../../../../shared/cli/mod.ts";
import { type Clock, createPause } from "../../../../shared/clock/mod.ts";
import { FieldError } from "../../fields.ts";
import type { Chain, Replay } from "../chain/chain.ts";
import { chainHash, type Header } from "../chain/header.ts";
import { type OpenBlock, readBlock } from "../chain/open_block.ts";
import { readReceiptHashes } from "../chain/records.ts";
import { jsonLine } from "./fields.ts";
import { requireExecuted } from "./state_root.ts";
import type { StoredBlocks } from "./stored_blocks.ts";

/** What `executor verify` was asked for. */
export interface VerifyOptions {
  readonly output: Output;
  readonly clock: Clock;
  readonly blocks: StoredBlocks;
  readonly from: bigint;
  /** Null for the last block that was executed. */
  readonly to: bigint | null;
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/** One thing that is not as it was when the block was executed. */
interface Difference {
  readonly what: string;
  /** What executing the block of the storage gives. */
  readonly expected: unknown;
  /** What the executor has on disk. */
  readonly got: unknown;
}

/** A block that does not come to what the executor has of it. */
interface DifferingBlock {
  readonly height: bigint;
  readonly differences: readonly Difference[];
  /** The first transaction whose receipt differs, if one does. */
  readonly transaction: { readonly index: number; readonly hash: Bytes } | null;
}

/** How long blocks may be executed before a signal is looked for. */
const SLICE_MS = 250;

/**
 * Command `verify`: executes stored blocks again, each on the stored state before it, and compares.
 *
 * @returns 0, 1 at the first block that differs, 130 after an interrupt
 */
export async function runVerify(chain: Chain, options: VerifyOptions): Promise<number> {
  const { output, clock, blocks, from, isJson, signal } = options;
  const to = requireExecuted(chain, options.to).height;
  if (from > to) throw new ExitError(2, `Cannot verify ${from} to ${to}: the first is above`);
  const total = Number(to - from) + 1;
  const progress = new Progress({ output, clock, unit: "blocks", total });
  const pause = createPause(clock, SLICE_MS);
  let [done, transactions] = [0, 0];
  try {
    for (let height = from; height <= to; height++) {
      const block = openBlock(await blocks.at(height), height);
      const differing = compareBlock(chain, block);
      if (differing !== null) {
        progress.clear();
        output.out(isJson ? jsonDifference(differing) : describeDifference(differing));
        return 1;
      }
      transactions += block.transactions.length;
      progress.set(++done);
      await pause();
      if (signal.aborted) return INTERRUPTED_EXIT_CODE;
    }
  } finally {
    progress.clear();
  }
  const sums = `${formatCount(done)} blocks, ${formatCount(transactions)} transactions`;
  output.out(
    isJson
      ? jsonLine({ from: Number(from), to: Number(to), blocks: done, transactions, height: null })
      : `blocks ${from} to ${to} give the same roots: ${sums}\n`,
  );
  return 0;
}

function openBlock(block: Block, height: bigint): OpenBlock {
  const wrong = (reason: string) => new ExitError(1, `Cannot execute block ${height}: ${reason}`);
  try {
    const open = readBlock(block);
    if ("refusal" in open) throw wrong("it has no header, or a transaction without content");
    if (open.header.height !== height) throw wrong(`its header is of height ${open.header.height}`);
    return open;
  } catch (cause) {
    if (cause instanceof FieldError) throw wrong(cause.message);
    throw cause;
  }
}

function compareBlock(chain: Chain, block: OpenBlock): DifferingBlock | null {
  const { height } = block.header;
  const stored = requireExecuted(chain, height);
  const replay = chain.replay(block);
  const expected = { ...replay.header, prevhash: parentHash(chain, height) ?? stored.prevhash };
  const differences = differencesOf(expected, stored);
  if (!equalBytes(block.header.prevhash, stored.prevhash)) {
    differences.push({
      what: "parent named by the block",
      expected: block.header.prevhash,
      got: stored.prevhash,
    });
  }
  if (differences.length === 0) return null;
  return { height, differences, transaction: differingTransaction(chain, block, replay) };
}

/** The hash of the block below, null for the genesis and where nothing tells the function. */
function parentHash(chain: Chain, height: bigint): Bytes | null {
  const below = height === 0n ? null : chain.headerAt(height - 1n);
  return below === null ? null : chainHash(below, chain.hash);
}

function differencesOf(expected: Header, got: Header): Difference[] {
  const names: readonly (readonly [keyof Header, string])[] = [
    ["stateRoot", "state root"],
    ["receiptsRoot", "receipts root"],
    ["logBloom", "log bloom"],
    ["prevhash", "parent"],
    ["transactionsRoot", "transactions root"],
    ["proposer", "proposer"],
    ["timestamp", "timestamp"],
    ["version", "version"],
  ];
  return names.flatMap(([name, what]) => {
    const [a, b] = [expected[name], got[name]];
    const isSame = a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
    return isSame ? [] : [{ what, expected: a, got: b }];
  });
}

function differingTransaction(
  chain: Chain,
  { header, transactions }: OpenBlock,
  { leaves }: Replay,
): DifferingBlock["transaction"] {
  const stored = readReceiptHashes(chain.reader, header.height);
  const index = leaves.findIndex((leaf, at) => {
    const other = stored[at];
    return other === undefined || !equalBytes(leaf, other);
  });
  const transaction = transactions[index];
  return transaction === undefined ? null : { index, hash: transaction.hash };
}

function jsonDifference({ height, differences, transaction }: DifferingBlock): string {
  return jsonLine({ height: Number(height), differences, transaction });
}

function describeDifference({ height, differences, transaction }: DifferingBlock): string {
  const show = (value: unknown) => value instanceof Uint8Array ? to0xHex(value) : String(value);
  const lines = differences.map(({ what, expected, got }) =>
    `  ${what}: expected ${show(expected)}, got ${show(got)}\n`
  );
  const first = transaction === null
    ? "  every receipt is the same\n"
    : `  first receipt that differs: transaction ${transaction.index}, ${
      to0xHex(transaction.hash)
    }\n`;
  return `block ${height} differs:\n${lines.join("")}${first}`;
}
