import assert from "node:assert/strict";
import { assertNodesAgree } from "./agreement.ts";
import { DevChain, ROLES } from "./dev_chain.ts";
import { type Mount, mountTmpfs } from "./mounts.ts";
import { Sender } from "./sender.ts";
import { waitFor } from "./wait.ts";

const NODES = 4;
/** The node whose disk fills up. */
const FULL = 2;
/** More than the storage wants to see free before it goes on. */
const DISK_SIZE = "120m";
const CHUNK = new Uint8Array(1 << 20);
/** Generous: two busy cores run 24 processes. */
const TIMEOUT_MS = 60_000;
/** Blocks that the others make meanwhile. */
const BLOCKS = 4n;

/** Folders of a node that its services write to. */
const FOLDERS = ["data", "chain_data", "logs"];

/** Moves what the services of a stopped node write to another disk. */
async function moveData(folder: string, disk: Mount): Promise<void> {
  for (const name of FOLDERS) {
    const { success } = await new Deno.Command("cp", {
      args: ["-a", `${folder}/${name}`, `${disk.path}/${name}`],
    }).output();
    assert(success);
    await Deno.remove(`${folder}/${name}`, { recursive: true });
    await Deno.symlink(`${disk.path}/${name}`, `${folder}/${name}`);
  }
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

Deno.test("a node whose disk is full loses nothing and goes on by itself when there is room", async () => {
  const folder = await Deno.makeTempDir({ prefix: "e2e-disk-" });
  try {
    await using disk = await mountTmpfs(folder, DISK_SIZE);
    if (disk === null) return;
    await using chain = await DevChain.start({ crypto: "eth", nodes: NODES, blockInterval: 1 });
    const others = chain.nodes([FULL]);
    const sender = await Sender.create(chain);
    await chain.killNode(FULL);
    await moveData(chain.nodeFolder(FULL), disk);
    await chain.startNode(FULL);
    await chain.waitForGrowth(1n, TIMEOUT_MS);
    const processes = await chain.processIds(FULL);
    assert.equal(processes.size, ROLES.length);
    {
      await using _filler = await fillUp(disk);
      for (let block = 0n; block < BLOCKS; block++) {
        await sender.send(0);
        await chain.waitForGrowth(1n, TIMEOUT_MS, others);
      }
      const height = await chain.height(FULL);
      await chain.waitForGrowth(1n, TIMEOUT_MS, others);
      assert.equal(await chain.height(FULL), height, "the full node stores no block");
    }
    await chain.waitForHeight(await chain.height(0), TIMEOUT_MS);
    assert.deepEqual(await chain.processIds(FULL), processes, "no service was restarted");
    await waitFor(async () => {
      const executed = await assertNodesAgree(chain);
      return [...sender.accepted].every((hash) => executed.has(hash)) ? true : null;
    }, { what: "a block with the last transaction", timeoutMs: TIMEOUT_MS });
    // without another node the chain needs the vote of the one that was full
    await chain.killNode(0);
    await chain.waitForGrowth(2n, TIMEOUT_MS, chain.nodes([0]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
