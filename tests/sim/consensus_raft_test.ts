import { RaftChaos } from "./consensus_raft/chaos.ts";
import { groupPlan, PLANS, type RaftPlan } from "./consensus_raft/plans.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const SEED_COUNT = Number(Deno.env.get("SEEDS") ?? 20);

/** Lets groups of successive seeds suffer. */
function survive(planOf: (seed: number) => RaftPlan): void {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEED_COUNT; seed++) {
    const chaos = new RaftChaos(seed, planOf(seed));
    try {
      chaos.run();
    } catch (cause) {
      throw new Error(`SEED=${seed} SEEDS=1 fails\n${chaos.net.report()}`, { cause });
    }
  }
}

for (const [name, plan] of Object.entries(PLANS)) {
  Deno.test(`raft is safe in chaos and recovers: ${name}, ${SEED_COUNT} seeds (S13)`, () => {
    survive(() => plan);
  });
}

for (const size of [3, 5]) {
  Deno.test(`raft is safe in chaos and recovers: ${size} voters that are replaced`, () => {
    survive((seed) => groupPlan(size, seed));
  });
}
