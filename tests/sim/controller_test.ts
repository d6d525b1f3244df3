import assert from "node:assert/strict";
import { Regions } from "../../proto/gen/storage.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import type { Ports } from "../../services/controller/ports.ts";
import { countFromEnv } from "../run_options.ts";
import { MemoryJournal } from "../../services/controller/testing/memory_journal.ts";
import { ChaosRun } from "./controller/chaos.ts";
import { Users } from "./controller/users.ts";
import { WholeNet, type WholeNetOptions } from "./controller/whole_net.ts";

const FIRST_SEED = countFromEnv("SEED", 1);
const SEED_COUNT = countFromEnv("SEEDS", 60);

Deno.test(`${SEED_COUNT} nets of whole nodes survive chaos from seed ${FIRST_SEED} on`, async () => {
  let heights = 0n;
  let executed = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEED_COUNT; seed++) {
    const chaos = new ChaosRun(seed);
    try {
      const { heightInChaos, executedCount } = await chaos.run();
      heights += heightInChaos;
      executed += executedCount;
    } catch (cause) {
      throw new Error(`SEED=${seed} SEEDS=1 fails\n${chaos.net.report()}`, { cause });
    }
  }
  assert(heights > 5n * BigInt(SEED_COUNT), "chaos left hardly a block to look at");
  assert(executed > 10 * SEED_COUNT, "chaos left hardly a transaction to look at");
});

Deno.test("a seed replays exactly", async () => {
  const runs = await Promise.all([7, 7].map(async (seed) => {
    const chaos = new ChaosRun(seed);
    const outcome = await chaos.run();
    return { outcome, report: chaos.net.report() };
  }));
  assert.deepEqual(runs[0], runs[1]);
});

/** A net, of four by default, in which all is well and users send something every now and then. */
function quietNet(
  plant: (ports: Ports) => Ports = (ports) => ports,
  options: Partial<WholeNetOptions> = {},
): { readonly net: WholeNet; readonly users: Users } {
  const net = new WholeNet({ seed: 1, nodeCount: 4, ...options });
  const users = new Users(net);
  const [node] = net.nodes;
  if (node !== undefined) node.wrapPorts = plant;
  net.start();
  const send = () => {
    void users.send(net.anyNode());
    net.world.schedule(300, send);
  };
  net.world.schedule(2_000, send);
  return { net, users };
}

Deno.test("four whole nodes make a block per interval and agree", async () => {
  const { net } = quietNet();
  assert(await net.runToHeight(10n, 12_000), net.report());
  assert(net.ledger.executedCount >= 30, `${net.ledger.executedCount} transactions`);
});

Deno.test("the simulator notices a node whose state is another one", async () => {
  const { net } = quietNet((ports) => ({
    ...ports,
    executor: {
      exec: async (block) => {
        const executed = await ports.executor.exec(block);
        return { ...executed, stateRoot: executed.stateRoot.map((byte) => byte ^ 1) };
      },
    },
  }));
  await assert.rejects(net.runFor(30_000), /Not as others: the state root of node 0/);
});

Deno.test("the simulator notices a node that loses what it has committed", async () => {
  let isForgetful = false;
  const { net } = quietNet((ports) => ({
    ...ports,
    storage: {
      ...ports.storage,
      store: (record) =>
        isForgetful && record.region === Regions.GLOBAL
          ? Promise.resolve(StatusCode.Success)
          : ports.storage.store(record),
    },
  }));
  await net.runFor(5_000);
  isForgetful = true;
  await net.runFor(5_000);
  net.nodes[0]?.crash();
  net.nodes[0]?.start();
  await assert.rejects(net.runFor(30_000), /Node 0 starts at \d after it had/);
});

Deno.test("the simulator notices a transaction that is executed twice", async () => {
  const { net, users } = quietNet();
  await net.runFor(5_000);
  const forgetful = { has: () => false };
  for (const { controller } of net.nodes) {
    assert(controller !== null);
    Object.assign(controller.node.history, { ...forgetful, after: () => forgetful });
  }
  const again = () => {
    for (const node of net.nodes) void users.sendAgain(node);
    net.world.schedule(300, again);
  };
  again();
  await assert.rejects(net.runFor(30_000), /Blocks \d+ and \d+ hold transaction/);
});

Deno.test("the simulator notices a transaction that was promised and is in no block", async () => {
  const { net } = quietNet();
  await net.runFor(5_000);
  assert(net.ledger.open(net.highest).length < 20);
  for (const { controller } of net.nodes) {
    assert(controller !== null);
    Object.assign(controller.node.pool, { add: () => true });
  }
  await net.runFor(30_000);
  assert(net.ledger.open(net.highest).length > 20);
});

/** Promises that a lone node which keeps its pool has not kept after it was killed now and then. */
async function brokenPromises(plant: (ports: Ports) => Ports): Promise<number> {
  const { net } = quietNet(plant, { nodeCount: 1, keepsPool: true });
  for (let kill = 0; kill < 10; kill++) {
    await net.runFor(2_700);
    net.nodes[0]?.crash();
    net.nodes[0]?.start();
  }
  await net.runFor(500);
  const promised = new Set(net.ledger.open(net.highest + 5n));
  assert(promised.size > 0);
  await net.runFor(10_000);
  return net.ledger.open(0n).filter((one) => promised.has(one)).length;
}

Deno.test("a killed node keeps what it promised; the simulator notices one that does not", async () => {
  assert.equal(await brokenPromises((ports) => ports), 0);
  const forgetful = (ports: Ports): Ports => ({
    ...ports,
    journal: Object.assign(new MemoryJournal(), { append: () => Promise.resolve() }),
  });
  assert(await brokenPromises(forgetful) > 0);
});
