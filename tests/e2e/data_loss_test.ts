import assert from "node:assert/strict";
import { Regions } from "../../proto/gen/storage.ts";
import { u64be } from "../../shared/bytes/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { openLevelEngine } from "../../services/storage/engines/level/open.ts";
import { assertNodesAgree } from "./agreement.ts";
import { Counter, receiptOf } from "./counter.ts";
import { DevChain } from "./dev_chain.ts";

const NODES = 4;
/** The node that loses data. */
const LOSER = 2;
/** Generous: two busy cores run 24 processes. */
const TIMEOUT_MS = 60_000;

async function startChain(): Promise<{ chain: DevChain; counter: Counter }> {
  const chain = await DevChain.start({ crypto: "eth", nodes: NODES, blockInterval: 1 });
  await chain.cldi(0, "account", "generate", "--name", "user");
  return { chain, counter: await Counter.deploy(chain, "user") };
}

/** Counts once more and waits until the given nodes have executed it. */
async function addOn(counter: Counter, nodes: readonly number[]): Promise<void> {
  const hash = await counter.add(0);
  for (const node of nodes) await receiptOf(counter.chain, hash, node);
}

/** The chain needs the vote of the node that lost data: another one is away. */
async function assertVotes(chain: DevChain): Promise<void> {
  const [away = 0] = chain.nodes([0, LOSER]);
  await chain.killNode(away);
  await chain.waitForGrowth(2n, TIMEOUT_MS, chain.nodes([away]));
  await chain.startNode(away);
  await chain.waitForHeight(await chain.height(0), TIMEOUT_MS);
}

/** The files of the executor lie beside folders of other services. */
async function removeFiles(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) await Deno.remove(`${folder}/${name}`);
  }
}

const LOSSES: Record<string, (folder: string) => Promise<void>> = {
  "the write-ahead log of its controller": (folder) =>
    Deno.remove(`${folder}/data/wal_chain`, { recursive: true }),
  "the state of its executor": (folder) => removeFiles(`${folder}/data`),
  // harmless now that the others are past the height of its last votes
  "the votes of its consensus": (folder) => Deno.remove(`${folder}/data/wal`, { recursive: true }),
};

Deno.test("a node that lost its write-ahead log or its state catches up", async (test) => {
  const { chain, counter } = await startChain();
  await using _chain = chain;
  let count = 0n;
  for (const [what, lose] of Object.entries(LOSSES)) {
    await test.step(`it loses ${what}`, async () => {
      await addOn(counter, chain.nodes());
      await chain.killNode(LOSER);
      await addOn(counter, chain.nodes([LOSER]));
      await chain.waitForGrowth(1n, TIMEOUT_MS, chain.nodes([LOSER]));
      await lose(chain.nodeFolder(LOSER));
      await chain.startNode(LOSER);
      await chain.waitForHeight(await chain.height(0), TIMEOUT_MS);
      assert.equal(await counter.count(LOSER), count += 2n);
    });
  }
  await assertVotes(chain);
  await assertNodesAgree(chain);
});

/** What cloud-op changes of the storage: height and hash, nothing above. */
async function rollBack(chain: DevChain, height: bigint): Promise<void> {
  const path = `${chain.nodeFolder(LOSER)}/chain_data`;
  const config = { db_path: path, max_open_file: 100 };
  const engine = await openLevelEngine(config, { log: SILENT_LOGGER });
  try {
    const hash = await engine.get(Regions.BLOCK_HASH, u64be(height));
    assert(hash !== null);
    const puts = [
      { region: Regions.GLOBAL, key: u64be(0n), value: u64be(height) },
      { region: Regions.GLOBAL, key: u64be(1n), value: hash },
    ];
    await engine.write({ puts, deletes: [] });
  } finally {
    await engine.close();
  }
}

Deno.test("a node that was rolled back rejoins", async () => {
  const { chain, counter } = await startChain();
  await using _chain = chain;
  const height = await chain.height(LOSER);
  await addOn(counter, chain.nodes());
  await addOn(counter, chain.nodes());
  await chain.killNode(LOSER);
  await rollBack(chain, height);
  await Deno.remove(`${chain.nodeFolder(LOSER)}/data/wal_chain`, { recursive: true });
  await chain.startNode(LOSER);
  await chain.waitForHeight(await chain.height(0), TIMEOUT_MS);
  const log = await Deno.readTextFile(`${chain.nodeFolder(LOSER)}/logs/controller-service.log`);
  assert.match(log, new RegExp(`init_block_number: ${height}$`, "m"), "it starts further down");
  assert.equal(await counter.count(LOSER), 2n);
  await assertVotes(chain);
  await assertNodesAgree(chain);
});
