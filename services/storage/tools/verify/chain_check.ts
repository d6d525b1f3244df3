import { type Bytes, equalBytes, readU64be, to0xHex, u64be } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { type Engine, EngineError } from "../../engine.ts";
import { Region } from "../../regions.ts";
import { checkBlock, type CheckedBlock } from "./block_check.ts";
import type { Finding } from "./finding.ts";

/** Takes what is wrong. */
export type Report = (finding: Finding) => void;

/** Heights that the store speaks of. */
export interface ChainExtent {
  /** As the controller stored it; null when that record is missing or damaged. */
  readonly currentHeight: bigint | null;
  /** Of the blocks; null when there are none. */
  readonly highestBlock: bigint | null;
}

/** What was looked at. */
export interface ChainCounts {
  readonly blocks: number;
  readonly transactions: number;
}

/** What the walk over a chain is told. */
export interface ChainCheck {
  readonly engine: Engine;
  readonly hash: HashFunction;
  readonly extent: ChainExtent;
  readonly from: bigint;
  /** Inclusive. */
  readonly to: bigint;
  readonly report: Report;
  /** Called after each height with what was counted so far; ends the walk when it gives false. */
  readonly step: (counts: ChainCounts) => Promise<boolean>;
}

const CURRENT_HEIGHT_KEY = u64be(0n);
const CURRENT_HASH_KEY = u64be(1n);

/** Finds how far the chain goes; `step` is called for each record that is read. */
export async function findExtent(
  engine: Engine,
  { report, step }: { readonly report: Report; readonly step: () => Promise<void> },
): Promise<ChainExtent> {
  const current = await readable(report, 0n, () => engine.get(Region.Global, CURRENT_HEIGHT_KEY));
  const currentHeight = current?.length === 8 ? readU64be(current) : null;
  let highestBlock: bigint | null = null;
  const walked = await readable(report, 0n, async () => {
    // the block hashes are the smallest records that every block has
    for await (const [key] of engine.scan(Region.BlockHash)) {
      if (key.length === 8) highestBlock = readU64be(key);
      await step();
    }
    return true;
  });
  highestBlock ??= await readable(report, 0n, () => firstBlock(engine));
  // the rest of the walk could not be read: the blocks are looked for up to the current height
  if (walked === null && currentHeight !== null) {
    return { currentHeight, highestBlock: currentHeight };
  }
  return { currentHeight, highestBlock };
}

async function firstBlock(engine: Engine): Promise<bigint | null> {
  for await (const [key] of engine.scan(Region.CompactBlock)) return readU64be(key);
  return null;
}

/** Blocks that are read at a time: the engine works while hashes are computed. */
const BLOCKS_AT_A_TIME = 16;

/** Walks the heights from the lowest to the highest and reports what is wrong. */
export async function checkChain(check: ChainCheck): Promise<ChainCounts> {
  const { engine, extent, from, to, report, step } = check;
  await checkCurrent(check);
  let previousHash = from === 0n ? null : await readHash(engine, from - 1n);
  let counts: ChainCounts = { blocks: 0, transactions: 0 };
  // a block above the current height was stored, then the node died before it executed it
  const highestResult = extent.currentHeight ?? to;
  const begin = (height: bigint) =>
    checkBlock({ engine, hash: check.hash, height, needsResult: height <= highestResult });
  const underWay: Promise<CheckedBlock>[] = [];
  for (let height = from, next = from; height <= to; height++) {
    while (next <= to && underWay.length < BLOCKS_AT_A_TIME) underWay.push(begin(next++));
    const checked = await underWay.shift();
    if (checked === undefined) break;
    for (const finding of checked.findings) report(finding);
    checkLink({ height, previousHash, checked, report });
    previousHash = checked.headed?.blockHash ?? await readHash(engine, height);
    counts = {
      blocks: counts.blocks + 1,
      transactions: counts.transactions + checked.transactionCount,
    };
    if (!await step(counts)) break;
  }
  await Promise.all(underWay); // after an interrupt: the engine is about to be closed
  return counts;
}

interface Link {
  readonly height: bigint;
  /** Hash of the block below; null when it is not known. */
  readonly previousHash: Bytes | null;
  readonly checked: CheckedBlock;
  readonly report: Report;
}

function checkLink({ height, previousHash, checked: { headed }, report }: Link): void {
  if (headed === null || previousHash === null) return;
  const { prevhash } = headed.header;
  if (equalBytes(prevhash, previousHash)) return;
  const hashes = `its prevhash is ${to0xHex(prevhash)}, that block is ${to0xHex(previousHash)}`;
  const text = `it does not follow block ${height - 1n}: ${hashes}`;
  report({ height, kind: "link", text });
}

/**
 * The controller stores the hash before the height: after its death between the two the hash is
 * that of the next block, which is no damage.
 */
async function checkCurrent({ engine, extent, report }: ChainCheck): Promise<void> {
  const { currentHeight, highestBlock } = extent;
  const height = currentHeight ?? highestBlock ?? 0n;
  const tell = (text: string) => report({ height, kind: "current", text });
  if (currentHeight === null) return tell("the record of the current height is missing or damaged");
  if (highestBlock === null || currentHeight > highestBlock) {
    return tell(`it is the current height, above the highest block ${highestBlock ?? "(none)"}`);
  }
  const stored = await readable(report, height, () => engine.get(Region.Global, CURRENT_HASH_KEY));
  if (stored === null) return tell("the record of the current hash is missing");
  const fitting = [await readHash(engine, height), await readHash(engine, height + 1n)];
  if (fitting.some((hash) => hash !== null && equalBytes(hash, stored))) return;
  tell(`the current hash is ${to0xHex(stored)}, which is not the hash of that block`);
}

/** The stored hash of a block; null when it is missing or cannot be read: its own check tells. */
function readHash(engine: Engine, height: bigint): Promise<Bytes | null> {
  return readable(() => {}, height, () => engine.get(Region.BlockHash, u64be(height)));
}

/** What a read gives; null after one that the engine refused, which is reported. */
async function readable<Value>(
  report: Report,
  height: bigint,
  read: () => Promise<Value | null>,
): Promise<Value | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    report({ height, kind: "unreadable", text: error.message });
    return null;
  }
}
