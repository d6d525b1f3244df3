import assert from "node:assert/strict";
import { runCrash } from "../crash/crash.ts";
import { SYSTEM_RANDOM } from "../../shared/clock/mod.ts";

/** `make crash KILLS=500` does more of the same. */
const KILLS = 10;

Deno.test("bin/storage has what it acknowledged after every one of ten kills", async () => {
  const seed = Math.floor(SYSTEM_RANDOM() * 2 ** 32);
  const outcome = await runCrash({ kills: KILLS, seed, flavour: "storage_rocksdb" });
  assert.deepEqual(outcome.violations, [], `seed ${seed}`);
  assert.deepEqual([outcome.kills, outcome.refused], [KILLS, 0]);
  assert(outcome.acknowledged > 0 && outcome.checked > outcome.kills);
});
