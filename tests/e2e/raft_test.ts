import assert from "node:assert/strict";
import { Admin } from "./admin.ts";
import { assertNodesAgree } from "./agreement.ts";
import { DevChain } from "./dev_chain.ts";
import { waitFor } from "./wait.ts";

const NODES = 4;
const BLOCKS = 2n;
/** Generous: two busy cores run 24 processes. */
const TIMEOUT_MS = 60_000;

/** An election after a quarter of the usual time. */
const TICK = "tick_interval_in_millis = 50";

/** Waits until the given nodes have some blocks more than any has now. */
function growth(chain: DevChain, nodes = chain.nodes()): Promise<void> {
  return chain.waitForGrowth(BLOCKS, TIMEOUT_MS, nodes);
}

function everyNode(chain: DevChain, act: (node: number) => Promise<void>): Promise<unknown> {
  return Promise.all(chain.nodes().map(act));
}

function consensusLog(chain: DevChain, node: number): string {
  return Deno.readTextFileSync(`${chain.nodeFolder(node)}/logs/consensus-service.log`);
}

/** The node that proposed the last block. */
function leaderOf(chain: DevChain): number {
  const heights = chain.nodes().map((node) => {
    const lines = [...consensusLog(chain, node).matchAll(/proposal proposed height (\d+)/g)];
    return Number(lines.at(-1)?.[1] ?? 0);
  });
  return heights.indexOf(Math.max(...heights));
}

/** Signals the consensus of a node. */
async function signal(chain: DevChain, node: number, name: Deno.Signal): Promise<void> {
  const pid = (await chain.processIds(node)).get("consensus");
  assert(pid !== undefined, `consensus of node ${node} runs`);
  Deno.kill(pid, name);
}

Deno.test("a chain with consensus_raft outlives its leader, all nodes, a lost log, its validators", async (test) => {
  await using chain = await DevChain.start({
    crypto: "eth",
    consensus: "raft",
    nodes: NODES,
    blockInterval: 1,
  });

  await test.step("all nodes are killed at once: they go on", async () => {
    await growth(chain);
    await everyNode(chain, (node) => chain.killNode(node));
    for (const node of chain.nodes()) {
      const path = `${chain.nodeFolder(node)}/config.toml`;
      const config = Deno.readTextFileSync(path);
      Deno.writeTextFileSync(path, config.replace("[consensus_raft]", `[consensus_raft]\n${TICK}`));
    }
    await everyNode(chain, (node) => chain.startNode(node));
    await growth(chain);
  });

  await test.step("the consensus of the leader is killed: another one leads", async () => {
    const leader = leaderOf(chain);
    await signal(chain, leader, "SIGKILL");
    await growth(chain, chain.nodes([leader]));
    assert.notEqual(leaderOf(chain), leader);
    await chain.startNode(leader);
    await growth(chain);
  });

  await test.step("the consensus of the leader stands still: another one leads, and it follows", async () => {
    const leader = leaderOf(chain);
    await signal(chain, leader, "SIGSTOP");
    await growth(chain, chain.nodes([leader]));
    await signal(chain, leader, "SIGCONT");
    await growth(chain);
    assert.notEqual(leaderOf(chain), leader);
  });

  await test.step("a validator that lost its log gets the state of the group", async () => {
    const node = (leaderOf(chain) + 1) % NODES;
    await signal(chain, node, "SIGKILL");
    Deno.removeSync(`${chain.nodeFolder(node)}/raft-data-dir`, { recursive: true });
    await chain.startNode(node);
    await waitFor(
      () => Promise.resolve(/the group's state at index/.exec(consensusLog(chain, node))),
      { what: `a snapshot at node ${node}`, timeoutMs: TIMEOUT_MS },
    );
    await growth(chain);
  });

  const admin = await Admin.of(chain);
  await test.step("validators go from 4 to 1, the leader among them", async () => {
    const leader = leaderOf(chain);
    const last = (leader + 1) % NODES;
    await admin.setValidators([last]);
    await growth(chain);
    assert.equal(leaderOf(chain), last);
    assert(consensusLog(chain, leader).includes("hands over to"), "the old leader hands over");
  });

  await test.step("validators go from 1 to 4: any of them may die", async () => {
    await admin.setValidators(chain.nodes());
    await growth(chain);
    const leader = leaderOf(chain);
    await chain.killNode(leader);
    await growth(chain, chain.nodes([leader]));
    await chain.startNode(leader);
    await growth(chain);
  });

  await assertNodesAgree(chain);
});
