import assert from "node:assert/strict";
import { type DevNode, ROLES } from "./chain.ts";
import { bestHeight, renderLine, renderTable } from "./render.ts";
import type { ChainTip } from "./probe.ts";
import type { NodeStatus, ProcessStatus } from "./status.ts";

function nodeAt(index: number): DevNode {
  const ports = { kms: 5, storage: 3, network: 0, executor: 2, consensus: 1, controller: 4 };
  return { index, path: `chain-${index}`, ports, listenPort: 10, metricsPorts: { controller: 14 } };
}

function statusOf(
  index: number,
  tip: ChainTip | null,
  change: (running: ProcessStatus) => ProcessStatus = (same) => same,
): NodeStatus {
  const processes = ROLES.map((role) =>
    change({ role, pid: 100 + index, isRunning: true, rssKib: 1024 * (index + 1) })
  );
  return { node: nodeAt(index), processes, tip };
}

const TIP: ChainTip = { height: 1234n, hash: "0x", round: 0n, txs: 6000, peers: 3n, stall: "none" };

const STATUSES: readonly NodeStatus[] = [
  statusOf(0, TIP),
  statusOf(1, { ...TIP, height: 99n, round: null, stall: "no_quorum" }),
  statusOf(2, null, (running) => ({ ...running, pid: null, isRunning: false, rssKib: 0 })),
  statusOf(
    3,
    TIP,
    (running) =>
      running.role === "kms" || running.role === "storage"
        ? { ...running, isRunning: false, rssKib: 0, pid: running.role === "kms" ? 7 : null }
        : running,
  ),
];

Deno.test("renderTable() puts numbers below each other and the state last", () => {
  assert.equal(
    renderTable(STATUSES).join("\n"),
    `node  height  round  peers   txs  rss MiB  state
   0    1234      0      3  6000        6  running
   1      99      -      3  6000       12  running, no blocks: no_quorum
   2       -      -      -     -        0  stopped
   3    1234      0      3  6000       16  kms died, storage stopped`,
  );
});

Deno.test("renderLine() says everything in one line", () => {
  assert.equal(
    renderLine(STATUSES),
    "height 1234 99 - 1234, round 0 - - 0, peers 3 3 - 3, txs 6000 6000 - 6000, rss 34 MiB, " +
      "node 1 running, no blocks: no_quorum, node 2 stopped, node 3 kms died, storage stopped",
  );
});

Deno.test("bestHeight() is the highest of those that answer", () => {
  assert.equal(bestHeight(STATUSES), 1234n);
  assert.equal(bestHeight(STATUSES.slice(2, 3)), null);
});
