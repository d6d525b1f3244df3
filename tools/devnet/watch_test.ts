import assert from "node:assert/strict";
import { changesBetween, describeChanges, type Sighting } from "./watch.ts";

const RUNNING: Sighting = { node: 1, role: "kms", pid: 10, isRunning: true };
const DEAD: Sighting = { ...RUNNING, isRunning: false };
const STOPPED: Sighting = { ...DEAD, pid: null };
const RESTARTED: Sighting = { ...RUNNING, pid: 11 };

function kinds(before: Sighting, after: Sighting): string[] {
  return changesBetween([before], [after]).map(({ kind, pid }) => `${kind} ${pid}`);
}

Deno.test("changesBetween() tells a death from a stop and a restart", () => {
  assert.deepEqual(kinds(RUNNING, RUNNING), []);
  assert.deepEqual(kinds(RUNNING, DEAD), ["died 10"]);
  assert.deepEqual(kinds(DEAD, DEAD), []);
  assert.deepEqual(kinds(RUNNING, STOPPED), ["stopped 10"]);
  assert.deepEqual(kinds(RUNNING, { ...STOPPED, isRunning: true }), ["stopped 10"]);
  assert.deepEqual(kinds({ ...STOPPED, isRunning: true }, STOPPED), []);
  assert.deepEqual(kinds(RUNNING, RESTARTED), ["stopped 10", "started 11"]);
  assert.deepEqual(kinds(DEAD, RESTARTED), ["started 11"]);
  assert.deepEqual(kinds(STOPPED, RESTARTED), ["started 11"]);
  assert.deepEqual(kinds(DEAD, STOPPED), []);
});

Deno.test("describeChanges() joins the processes of a node", () => {
  const ports = { kms: 5, storage: 3, network: 0, executor: 2, consensus: 1, controller: 4 };
  const nodes = [{ index: 1, path: "nowhere", ports, listenPort: 10, metricsPorts: {} }];
  const lines = describeChanges([
    { kind: "stopped", node: 1, role: "kms", pid: 10 },
    { kind: "stopped", node: 1, role: "storage", pid: 11 },
    { kind: "started", node: 1, role: "kms", pid: 12 },
  ], nodes);
  assert.deepEqual(lines, [
    "node 1: kms (pid 10), storage (pid 11) stopped",
    "node 1: kms (pid 12) started",
  ]);
});
