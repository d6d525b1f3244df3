import assert from "node:assert/strict";
import { basename } from "node:path";
import { assertNodesAgree } from "./agreement.ts";
import { DevChain, ROLES } from "./dev_chain.ts";
import { type Mount, mountTmpfs } from "./mounts.ts";
import { Sender } from "./sender.ts";
import { waitFor } from "./wait.ts";

const NODES = 4;
/** More than the storage wants to see free before it goes on. */
const DISK_SIZE = "120m";
const CHUNK = new Uint8Array(1 << 20);
/** Generous: two busy cores run 24 processes. */
const TIMEOUT_MS = 60_000;
/**
 * Votes that were lost are repeated after 15 block intervals, and a round may need more of them: in
 * the simulator it took up to 60 intervals until the nodes agreed again.
 */
const AGREEMENT_TIMEOUT_MS = 120_000;
/** Blocks that the others make meanwhile. */
const BLOCKS = 3n;

/** Which folders of a node are on the disk that fills up. */
interface Layout {
  readonly node: number;
  readonly what: string;
  readonly moved: readonly string[];
  /** Folders in those that are not. */
  readonly kept: readonly string[];
}

const LAYOUTS: readonly Layout[] = [
  { node: 2, what: "of everything", moved: ["data", "chain_data", "logs"], kept: [] },
  // consensus goes on: the blocks that it decides meet a full storage and a full executor
  {
    node: 3,
    what: "of blocks and state but not of votes",
    moved: ["data", "chain_data"],
    kept: ["data/wal", "data/authorities", "data/wal_chain"],
  },
];

/** Moves a folder and leaves a link to it. */
async function move(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("mv", { args: [from, to] }).output();
  assert(success, `${from} can be moved`);
  await Deno.symlink(to, from);
}

/** Moves data of a stopped node to another disk. */
async function moveData(chain: DevChain, layout: Layout, disk: Mount): Promise<void> {
  const folder = chain.nodeFolder(layout.node);
  for (const name of layout.kept) await move(`${folder}/${name}`, `${folder}/${basename(name)}`);
  for (const name of layout.moved) await move(`${folder}/${name}`, `${disk.path}/${name}`);
}

/** Writes a file until no byte fits any more; disposal makes room again. */
async function fillUp({ path }: Mount): Promise<AsyncDisposable> {
  const filler = `${path}/filler`;
  for (let size = CHUNK.length; size >= 1;) {
    try {
      await Deno.writeFile(filler, CHUNK.subarray(0, size), { append: true });
    } catch {
      size >>= 1;
    }
  }
  return { [Symbol.asyncDispose]: () => Deno.remove(filler) };
}

/** The disk fills up while the chain runs, and has room again. */
async function fillAndFree(sender: Sender, node: number, disk: Mount): Promise<void> {
  const { chain } = sender;
  const others = chain.nodes([node]);
  const processes = await chain.processIds(node);
  assert.equal(processes.size, ROLES.length);
  {
    await using _filler = await fillUp(disk);
    for (let block = 0n; block < BLOCKS; block++) {
      await sender.send(0);
      await chain.waitForGrowth(1n, TIMEOUT_MS, others);
    }
    const height = await chain.height(node);
    await chain.waitForGrowth(1n, TIMEOUT_MS, others);
    assert.equal(await chain.height(node), height, "it stores no block");
  }
  await chain.waitForHeight(await chain.height(0), TIMEOUT_MS);
  assert.deepEqual(await chain.processIds(node), processes, "no service was restarted");
}

async function withDisks(use: (disks: readonly Mount[]) => Promise<void>): Promise<void> {
  const folders = await Promise.all(LAYOUTS.map(() => Deno.makeTempDir({ prefix: "e2e-disk-" })));
  const disks: Mount[] = [];
  try {
    for (const folder of folders) {
      const disk = await mountTmpfs(folder, DISK_SIZE);
      if (disk === null) return;
      disks.push(disk);
    }
    await use(disks);
  } finally {
    for (const disk of disks) await disk[Symbol.asyncDispose]();
    for (const folder of folders) await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a node whose disk was full loses nothing and goes on by itself", (test) =>
  withDisks(async (disks) => {
    await using chain = await DevChain.start({ crypto: "eth", nodes: NODES, blockInterval: 1 });
    const sender = await Sender.create(chain);
    const targets = LAYOUTS.flatMap((layout, index) => {
      const disk = disks[index];
      return disk === undefined ? [] : [{ layout, disk }];
    });
    for (const { layout, disk } of targets) {
      await chain.killNode(layout.node);
      await moveData(chain, layout, disk);
    }
    await Promise.all(LAYOUTS.map(({ node }) => chain.startNode(node)));
    await chain.waitForGrowth(1n, TIMEOUT_MS);
    for (const { layout, disk } of targets) {
      await test.step(`the disk ${layout.what}`, () => fillAndFree(sender, layout.node, disk));
    }
    await waitFor(async () => {
      const executed = await assertNodesAgree(chain);
      return [...sender.accepted].every((hash) => executed.has(hash)) ? true : null;
    }, { what: "a block with the last transaction", timeoutMs: TIMEOUT_MS });
    // without another node the chain needs the votes of those that were full
    await chain.killNode(0);
    await chain.waitForGrowth(2n, AGREEMENT_TIMEOUT_MS, chain.nodes([0]));
  }));
