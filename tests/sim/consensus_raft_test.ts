import assert from "node:assert/strict";
import { groupScript, RaftChaos } from "./consensus_raft/chaos.ts";
import { DEFECTS, isFound, suffer } from "./consensus_raft/planted.ts";
import { groupPlan, PLANS, type RaftPlan } from "./consensus_raft/plans.ts";
import type { RaftScript } from "./consensus_raft/script.ts";
import { keptScripts } from "./kept_scripts.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const SEED_COUNT = Number(Deno.env.get("SEEDS") ?? 20);

/** Heights that a group decides in chaos: `make sim-consensus` runs longer. */
const HEIGHTS = 20;

/** Lets groups of successive seeds suffer. */
function survive(planOf: (seed: number) => RaftPlan): void {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEED_COUNT; seed++) {
    const script = { seed, luck: 0, heights: HEIGHTS, ...planOf(seed), troubles: null };
    const chaos = new RaftChaos(script);
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

/** The rarest of the mistakes does harm in one of a hundred groups. */
const PLANTED_SEEDS = 400;

for (const defect of DEFECTS) {
  Deno.test(`it is noticed when ${defect.name}`, () => {
    const seeds = Array.from({ length: PLANTED_SEEDS }, (_, index) => FIRST_SEED + index);
    assert(seeds.some((seed) => isFound(defect, seed)), `by none of ${PLANTED_SEEDS} groups`);
  });
}

for (const [name, script] of keptScripts<RaftScript>("raft")) {
  Deno.test(`${name}: the shrunk script does harm with the mistake, and none without`, () => {
    const defect = DEFECTS.find((known) => known.name === script.defect) ?? null;
    assert.equal(suffer(script, null).violation, null);
    if (defect === null) return assert.equal(script.defect, null, "no such mistake is known");
    assert.equal(suffer(script, defect).violation?.split("\n")[0], script.violation);
  });
}

Deno.test("a script that names the troubles of its seed leads to what the seed leads to", () => {
  const script = groupScript(FIRST_SEED, 3, HEIGHTS);
  const { troubles } = suffer(script, null);
  assert.deepEqual(suffer({ ...script, troubles }, null).troubles, troubles);
  assert.deepEqual(suffer({ ...script, troubles: [] }, null), { violation: null, troubles: [] });
});
