import assert from "node:assert/strict";
import { PLANS } from "./consensus_raft/plans.ts";
import { RaftNet } from "./consensus_raft/raft_net.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const SEED_COUNT = Number(Deno.env.get("SEEDS") ?? 40);

for (const [name, plan] of Object.entries(PLANS)) {
  Deno.test(`raft is safe in chaos and recovers: ${name}, ${SEED_COUNT} seeds (S13)`, () => {
    let entries = 0n;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEED_COUNT; seed++) {
      const net = new RaftNet(seed, plan);
      try {
        entries += net.run().heightInChaos;
      } catch (cause) {
        throw new Error(`SEED=${seed} SEEDS=1 fails\n${net.report()}`, { cause });
      }
    }
    assert(entries > 10n * BigInt(SEED_COUNT), "chaos left hardly an entry to look at");
  });
}
