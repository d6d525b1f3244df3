import assert from "node:assert/strict";
import { SYSTEM_RANDOM } from "../../shared/clock/mod.ts";
import { runFuzz } from "../fuzz/fuzz.ts";
import { kmsTarget } from "../fuzz/kms_target.ts";
import { storageTarget } from "../fuzz/storage_target.ts";

/** `make fuzz RUNS=100000` does more of the same. */
const RUNS = 700;

const TARGETS = {
  storage_rocksdb: () => storageTarget("storage_rocksdb"),
  kms_sm: () => Promise.resolve(kmsTarget("sm")),
  kms_eth: () => Promise.resolve(kmsTarget("eth")),
};

for (const [name, openTarget] of Object.entries(TARGETS)) {
  Deno.test(`${name} answers random and damaged requests as its model allows`, async () => {
    const seed = Math.floor(SYSTEM_RANDOM() * 2 ** 32);
    const outcome = await runFuzz({ target: await openTarget(), runs: RUNS, seed });
    assert.deepEqual(outcome.violations, [], `seed ${seed}`);
    assert(outcome.runs >= RUNS);
  });
}
