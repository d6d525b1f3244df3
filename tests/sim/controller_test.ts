import assert from "node:assert/strict";
import { ChaosRun } from "./controller/chaos.ts";
import { Users } from "./controller/users.ts";
import { WholeNet } from "./controller/whole_net.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const SEED_COUNT = Number(Deno.env.get("SEEDS") ?? 40);

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

Deno.test("four whole nodes make a block per interval and agree", async () => {
  const net = new WholeNet({ seed: 1, nodeCount: 4 });
  net.start();
  await net.runFor(2_000);
  const users = new Users(net);
  for (const node of net.nodes) void users.send(node);
  assert(await net.runToHeight(10n, 12_000), net.report());
  assert(net.ledger.executedCount >= 4, `${net.ledger.executedCount} transactions`);
});
