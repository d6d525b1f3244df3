import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { parseDocument, readTable } from "../../shared/config/mod.ts";
import { freePort } from "../../tests/free_ports.ts";
import { CONTROLLER_TABLE } from "./config.ts";
import { startMetrics } from "./metrics.ts";
import { normalTx, transaction } from "./testing/builders.ts";
import { testNode } from "./testing/test_node.ts";

function configWith(keys: string) {
  const text = `[controller]\nnode_address = "${"01".repeat(20)}"\n${keys}`;
  return readTable(CONTROLLER_TABLE, parseDocument(text, "config.toml"));
}

Deno.test("startMetrics() does nothing without a port, or when it is turned off", () => {
  assert.equal(startMetrics(configWith(""), SYSTEM_CLOCK), null);
  const off = configWith(`metrics_port = ${freePort()}\nenable_metrics = false\n`);
  assert.equal(startMetrics(off, SYSTEM_CLOCK), null);
});

Deno.test("startMetrics() shows a controller that starts as unhealthy, and then its state", async () => {
  const port = freePort();
  const metrics = startMetrics(configWith(`metrics_port = ${port}\n`), SYSTEM_CLOCK);
  assert(metrics !== null);
  const read = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const before = await read();
  assert.match(before, /^cita_cloud_controller_healthy 0$/m);
  assert.doesNotMatch(before, /block_height/);

  const node = await testNode();
  metrics.show(await node.start());
  assert.match(await read(), /^cita_cloud_controller_healthy 1$/m);
  await node.controller.processNetworkMsg({
    module: "controller",
    type: "made_up",
    origin: 1n,
    msg: new Uint8Array(),
  });
  await node.clock.advance(400_000);
  const after = await read();
  assert.match(after, /^cita_cloud_controller_healthy 0$/m);
  assert.match(after, /^cita_cloud_controller_block_age_seconds 400$/m);
  assert.match(after, /^cita_cloud_controller_stall_reason\{reason="no_quorum"\} 1$/m);
  assert.match(after, /^cita_cloud_controller_stall_reason\{reason="none"\} 0$/m);
  assert.match(after, /^cita_cloud_controller_validators_connected 1$/m);
  assert.match(after, /^cita_cloud_controller_peer_messages_total\{type="other",code="\w+"\} 1$/m);
  assert.doesNotMatch(after, /made_up/);

  const dashboard = await Deno.readTextFile(
    new URL("../../deploy/grafana/controllers.json", import.meta.url),
  );
  const shown = dashboard.match(/\b(cita_cloud_controller|process)_\w+/g) ?? [];
  assert(shown.length > 15);
  for (const name of shown) {
    const metric = name.replace(/_bucket$/, "");
    assert(after.includes(`# TYPE ${metric} `), `${metric} of the dashboard is served`);
  }
  await metrics.close();
});

for (const [enableForward, count] of [[true, 3], [false, 0]] as const) {
  Deno.test(`startMetrics() counts ${count} of 3 transactions as forwarded when that is ${enableForward}`, async () => {
    const port = freePort();
    const metrics = startMetrics(configWith(`metrics_port = ${port}\n`), SYSTEM_CLOCK);
    assert(metrics !== null);
    const node = await testNode(1, { enableForward });
    metrics.show(await node.start());
    const [first, ...others] = ["1", "2", "3"].map((nonce) =>
      normalTx(node.hash, transaction(nonce))
    );
    assert(first !== undefined);
    await node.controller.send(first);
    await node.controller.sendBatch(others);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const name = "cita_cloud_controller_forwarded_transactions_total";
    assert.equal(Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0), count);
    await node.controller.stop();
    node.stop();
    await metrics.close();
  });
}
