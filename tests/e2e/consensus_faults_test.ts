import assert from "node:assert/strict";
import { roundOfProof } from "../../shared/block/mod.ts";
import { toHex } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { assertNodesAgree } from "./agreement.ts";
import { CuttableLinks } from "./cuttable_links.ts";
import { DevChain } from "./dev_chain.ts";

/** Times that all nodes are killed at once. */
const KILLS = Number(Deno.env.get("KILLS") ?? 20);

const NODES = 4;
const INTERVAL_SECONDS = 1;
/** How long a chain without a quorum is watched. */
const WATCH_MS = 8_000;
/** What a chain may take to go on once a quorum is back. */
const RESUME_MS_MAX = 10_000;
/** Generous: two busy cores run 24 processes. */
const TIMEOUT_MS = 60_000;

/** A way to take nodes out of the chain, and to bring them back. */
interface Fault {
  readonly name: string;
  begin(nodes: readonly number[]): Promise<void>;
  end(nodes: readonly number[]): Promise<void>;
}

function faultsOf(chain: DevChain, links: CuttableLinks): Fault[] {
  const each = async (nodes: readonly number[], act: (node: number) => Promise<void>) => {
    await Promise.all(nodes.map(act));
  };
  const stopped = new Map<number, number[]>();
  return [
    {
      name: "killed",
      begin: (nodes) => each(nodes, (node) => chain.killNode(node)),
      end: (nodes) => each(nodes, (node) => chain.startNode(node)),
    },
    {
      name: "paused",
      begin: (nodes) =>
        each(nodes, async (node) => {
          stopped.set(node, [...(await chain.processIds(node)).values()]);
          for (const pid of stopped.get(node) ?? []) Deno.kill(pid, "SIGSTOP");
        }),
      end: (nodes) =>
        each(nodes, (node) => {
          for (const pid of stopped.get(node) ?? []) Deno.kill(pid, "SIGCONT");
          return Promise.resolve();
        }),
    },
    {
      name: "cut off",
      begin: (nodes) => Promise.resolve(links.cut(nodes)),
      end: () => Promise.resolve(links.heal()),
    },
  ];
}

/** A chain whose nodes reach each other over links that can be cut. */
async function startLinkedChain(): Promise<{ chain: DevChain; links: CuttableLinks }> {
  const chain = await DevChain.start({
    crypto: "eth",
    nodes: NODES,
    blockInterval: INTERVAL_SECONDS,
  });
  await Promise.all(chain.nodes().map((node) => chain.killNode(node)));
  const links = new CuttableLinks(chain);
  await Promise.all(chain.nodes().map((node) => chain.startNode(node)));
  // nodes that started apart come into step
  await chain.waitForGrowth(3n, TIMEOUT_MS);
  return { chain, links };
}

/** The proofs that nodes store for a height, and the round that they say. */
async function proofsAt(chain: DevChain, nodes: readonly number[], blockNumber: bigint) {
  return await Promise.all(nodes.map(async (node) => {
    const { proof } = await chain.node(node).controller.getBlockDetailByNumber({ blockNumber });
    return proof;
  }));
}

/** Nobody was seen to vote twice, and all nodes store the same proofs of the same blocks. */
async function assertNoFork(chain: DevChain): Promise<void> {
  await assertNodesAgree(chain);
  const heights = await Promise.all(chain.nodes().map((node) => chain.height(node)));
  const common = heights.reduce((least, height) => height < least ? height : least);
  for (let height = 1n; height < common; height++) {
    const proofs = await proofsAt(chain, chain.nodes(), height);
    assert.equal(new Set(proofs.map(toHex)).size, 1, `proofs of block ${height}`);
  }
  for (const node of chain.nodes()) {
    const log = await Deno.readTextFile(`${chain.nodeFolder(node)}/logs/consensus-service.log`);
    assert(!log.includes("equivocation of"), `node ${node} has seen a double vote`);
  }
}

/** Waits until a node leads the height after the next one. */
async function waitBeforeLeadershipOf(chain: DevChain, node: number): Promise<bigint> {
  const height = await chain.height(0);
  const ahead = (BigInt(node) - height - 2n) % BigInt(NODES) + BigInt(NODES);
  const start = height + ahead % BigInt(NODES);
  await chain.waitForHeight(start, TIMEOUT_MS);
  return start;
}

Deno.test("any node of four may be killed, paused or cut off: at most one more round", async (test) => {
  const { chain, links } = await startLinkedChain();
  await using _chain = chain;
  using _links = links;
  for (const fault of faultsOf(chain, links)) {
    for (const node of chain.nodes()) {
      const isPassed = await test.step(`node ${node} is ${fault.name}`, async () => {
        const start = await waitBeforeLeadershipOf(chain, node);
        await fault.begin([node]);
        const others = chain.nodes([node]);
        await chain.waitForHeight(start + 3n, TIMEOUT_MS, others);
        for (let height = start + 1n; height <= start + 3n; height++) {
          const [proof] = await proofsAt(chain, others, height);
          const round = proof === undefined ? null : roundOfProof(proof);
          assert(round !== null && round <= 1n, `block ${height} took round ${round}`);
        }
        await fault.end([node]);
        await chain.waitForHeight(await chain.height(others[0] ?? 0), TIMEOUT_MS);
      });
      if (!isPassed) return;
    }
  }
  await assertNoFork(chain);
});

Deno.test("without a quorum nothing is decided, and with one it goes on within ten seconds", async (test) => {
  const { chain, links } = await startLinkedChain();
  await using _chain = chain;
  using _links = links;
  const [away, others] = [[2, 3], [0, 1]];
  for (const fault of faultsOf(chain, links)) {
    const isPassed = await test.step(`two of four nodes are ${fault.name}`, async () => {
      const heights = () => Promise.all(others.map((node) => chain.height(node)));
      await fault.begin(away);
      // a block that was on its way may still be decided
      await SYSTEM_CLOCK.sleep(2_000 * INTERVAL_SECONDS);
      const before = await heights();
      await SYSTEM_CLOCK.sleep(WATCH_MS);
      assert.deepEqual(await heights(), before, "two of four decide nothing");
      const healedMs = SYSTEM_CLOCK.monotonicMs();
      await fault.end(away);
      await chain.waitForGrowth(1n, RESUME_MS_MAX);
      const tookMs = SYSTEM_CLOCK.monotonicMs() - healedMs;
      assert(tookMs <= RESUME_MS_MAX, `blocks came again after ${tookMs} ms`);
    });
    if (!isPassed) return;
  }
  await assertNoFork(chain);
});

Deno.test(`all four nodes may be killed at once, ${KILLS} times`, async () => {
  await using chain = await DevChain.start({
    crypto: "eth",
    nodes: NODES,
    blockInterval: INTERVAL_SECONDS,
  });
  for (let kill = 0; kill < KILLS; kill++) {
    // at another moment of a round each time
    await SYSTEM_CLOCK.sleep(1_000 * INTERVAL_SECONDS * (kill / KILLS));
    await Promise.all(chain.nodes().map((node) => chain.killNode(node)));
    await Promise.all(chain.nodes().map((node) => chain.startNode(node)));
    await chain.waitForGrowth(1n, TIMEOUT_MS);
  }
  await assertNoFork(chain);
});
