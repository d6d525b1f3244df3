import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { ServiceMetrics } from "../../../shared/service/mod.ts";
import { freePort } from "../../../tests/free_ports.ts";
import { METRICS_PREFIX } from "../metrics.ts";
import { CoreFixture, forge, voteFor } from "../testing/core_fixture.ts";
import { fakeAddress } from "../testing/fake_crypto.ts";
import { Step } from "./core/messages.ts";
import { showValidator } from "./metrics.ts";

Deno.test("showValidator() shows height, round, validators and what was done wrong", async () => {
  const port = freePort();
  const config = { enable_metrics: true, metrics_port: port, metrics_buckets: [1] };
  const metrics = ServiceMetrics.start(METRICS_PREFIX, config, SYSTEM_CLOCK);
  assert(metrics !== null);
  // of four validators number 0 leads round 0 of height 4
  const fixture = new CoreFixture({ own: 0, validatorCount: 4 });
  showValidator(metrics, fixture.core.view);
  const read = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = async (name: string) =>
    new RegExp(`^${METRICS_PREFIX}_${name} (.*)$`, "m").exec(await read())?.[1] ?? null;
  const authorities = { current: [fakeAddress(0)], previous: [], changedAt: 0n };
  fixture.input({ kind: "start", authorities, height: null, contentByHeight: new Map() });
  assert.equal(await value("height"), null, "only who the validators are is known yet");
  assert.equal(await value("is_leader"), "0");

  fixture.reconfigure(3n);
  assert.equal(await value("height"), "4");
  assert.equal(await value("round"), "0");
  assert.equal(await value("is_leader"), "1");
  assert.equal(await value("is_validator"), "1");
  assert.equal(await value("validators"), "4");
  assert.equal(await value("failed_rounds_total"), "0");

  for (const hash of ["aa".repeat(32), "bb".repeat(32)]) {
    const vote = voteFor(Step.Prevote, { height: 4n, round: 0n }, hash);
    fixture.message("prevote", forge.voteBody(2, vote));
  }
  assert.equal(await value(`equivocations_total\\{validator="0x${fakeAddress(2)}"\\}`), "1");
  fixture.timeout();
  for (const other of [1, 2]) {
    const vote = { height: 4n, round: 0n, step: Step.NewView, hash: null };
    fixture.message("newview", forge.voteBody(other, vote));
  }
  assert.equal(await value("round"), "1");
  assert.equal(await value("is_leader"), "0");
  assert.equal(await value("failed_rounds_total"), "1");
  await metrics.close();
});
