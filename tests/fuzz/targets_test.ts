import assert from "node:assert/strict";
import { seededRandom } from "../../shared/clock/mod.ts";
import { judgeAnswer } from "./target.ts";
import { TARGETS } from "./targets.ts";

const TRIALS = 60;

for (const [name, openTarget] of Object.entries(TARGETS)) {
  Deno.test(`${name} does not let pass a service that answers everything alike`, async () => {
    const target = await openTarget();
    const random = seededRandom(1);
    for (const method of target.methods) {
      const trials = Array.from({ length: TRIALS }, () => target.nextTrial(method, random));
      const verdicts = trials.map((trial) => judgeAnswer(trial, { bytes: new Uint8Array() }));
      assert(verdicts.some((verdict) => verdict !== null), method);
      const malformed = trials.filter(({ isMalformed }) => isMalformed);
      assert(malformed.length > 0, method);
      for (const trial of malformed) {
        assert.notEqual(judgeAnswer(trial, { bytes: new Uint8Array() }), null, method);
      }
      for (const [status, details] of [[2, "unknown"], [14, "gone"], [13, "a defect"]] as const) {
        for (const trial of trials) {
          assert.notEqual(judgeAnswer(trial, { status, details }), null, method);
        }
      }
      const refusal = { status: 13, details: "the request cannot be decoded" };
      for (const trial of trials) {
        assert.equal(judgeAnswer(trial, refusal) === null, trial.isMalformed, method);
      }
    }
    await target.close();
  });
}
