import { runChain } from "./consensus_raft/chain_chaos.ts";

const SEEDS = 20;
const HEIGHTS = 20;

Deno.test(`${SEEDS} chains in chaos: no fork, no vote twice, and blocks again when it ends`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      runChain(seed, HEIGHTS);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});
