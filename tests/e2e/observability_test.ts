import assert from "node:assert/strict";
import { HealthCheckResponse_ServingStatus, HealthService } from "../../proto/gen/health.ts";
import { connect } from "../../shared/rpc/mod.ts";
import { DevChain } from "./dev_chain.ts";
import { Sender } from "./sender.ts";
import { waitFor } from "./wait.ts";

const CONTROLLER_PORT_OFFSET = 4;
const METRICS_PORT_OFFSET = 14;

/** Generous: other chains may run on the same cores. */
const TIMEOUT_MS = 60_000;

/** What an operator can look at. */
class Observer {
  readonly #chain: DevChain;

  constructor(chain: DevChain) {
    this.#chain = chain;
  }

  path(node: number, file: string): string {
    return `${this.#chain.folder}/test-chain-${node}/${file}`;
  }

  /** Changes a file of a node. */
  edit(node: number, file: string, change: (text: string) => string): void {
    const path = this.path(node, file);
    Deno.writeTextFileSync(path, change(Deno.readTextFileSync(path)));
  }

  /** Lines of the controller's log that match. */
  logged(node: number, pattern: RegExp): string[] {
    const text = Deno.readTextFileSync(this.path(node, "logs/controller-service.log"));
    return text.split("\n").filter((line) => pattern.test(line));
  }

  async waitForLine(node: number, pattern: RegExp, knownCount = 0): Promise<string> {
    const what = `a line like ${pattern} of node ${node}`;
    const look = () => Promise.resolve(this.logged(node, pattern)[knownCount] ?? null);
    return await waitFor(look, { what, timeoutMs: TIMEOUT_MS });
  }

  /** The value of one series; NaN when there is none. */
  async metric(node: number, series: string): Promise<number> {
    const port = this.#chain.port(node, METRICS_PORT_OFFSET);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const line = text.split("\n").find((other) => other.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? NaN);
  }

  async isServing(node: number): Promise<boolean> {
    const health = connect(HealthService, {
      port: this.#chain.port(node, CONTROLLER_PORT_OFFSET),
    });
    const { status } = await health.check({ service: "" });
    health.close();
    return status === HealthCheckResponse_ServingStatus.SERVING;
  }

  async waitForServing(node: number, isServing: boolean): Promise<void> {
    const look = async () => await this.isServing(node) === isServing ? true : null;
    const what = `health ${isServing} of node ${node}`;
    await waitFor(look, { what, timeoutMs: TIMEOUT_MS });
  }
}

const PREFIX = "cita_cloud_controller";

Deno.test("metrics grow, health turns and the log says why no block is made", async () => {
  await using chain = await DevChain.start({ crypto: "sm", nodes: 2 });
  const observer = new Observer(chain);
  const sender = await Sender.create(chain);
  await sender.send(0);
  await chain.waitForHeight(await chain.height(0) + 2n, TIMEOUT_MS);
  for (const node of chain.nodes()) {
    assert(await observer.metric(node, `${PREFIX}_block_height`) >= 2);
    assert.equal(await observer.metric(node, `${PREFIX}_validators_connected`), 2);
    assert.equal(await observer.metric(node, `${PREFIX}_healthy`), 1);
    assert.equal(await observer.metric(node, `${PREFIX}_block_transactions_total`), 1);
    assert(await observer.metric(node, `consensus_to_CommitBlock_count`) >= 2);
    assert(await observer.isServing(node));
  }

  // node 1 is watched more closely when it comes back
  await chain.killNode(1);
  observer.edit(1, "config.toml", (text) => {
    return text.replace("[controller]\n", "[controller]\nhealth_check_timeout = 1\n");
  });
  observer.edit(1, "controller-log4rs.yaml", (text) => {
    return text.replace("30 seconds", "1 seconds").replace("level: info", "level: warn");
  });
  const missing = "1 of 2 validators are connected, 2 are needed; not connected: 0x[0-9a-f]{40} ";
  await observer.waitForLine(0, new RegExp(`WARN .*no block for \\d+ s, height \\d+: ${missing}`));
  assert.equal(await observer.metric(0, `${PREFIX}_stall_reason{reason="no_quorum"}`), 1);
  assert.equal(await observer.metric(0, `${PREFIX}_stall_reason{reason="none"}`), 0);
  assert.equal(await observer.metric(0, `${PREFIX}_validators_connected`), 1);
  assert(await observer.isServing(0), "five minutes are not over");

  const infoCount = observer.logged(1, / INFO /).length;
  await chain.startNode(1);
  await observer.waitForLine(0, /INFO .*blocks are made again after \d+ s: height \d+/);
  await observer.waitForServing(1, true);
  assert.equal(observer.logged(1, / INFO /).length, infoCount, "node 1 logs warnings only");

  observer.edit(1, "controller-log4rs.yaml", (text) => text.replace("level: warn", "level: loud"));
  await observer.waitForLine(1, /WARN .*the changed log settings are not used/);
  assert.equal(observer.logged(1, / INFO /).length, infoCount, "the old settings are kept");
  observer.edit(1, "controller-log4rs.yaml", (text) => text.replace("level: loud", "level: info"));
  await observer.waitForLine(1, / INFO /, infoCount);

  await chain.killNode(0);
  await observer.waitForServing(1, false);
  assert.equal(await observer.metric(1, `${PREFIX}_healthy`), 0);
  await chain.startNode(0);
  await observer.waitForServing(1, true);
});
