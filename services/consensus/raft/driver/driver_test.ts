import assert from "node:assert/strict";
import { DriverGroup } from "../testing/driver_group.ts";
import { validatorsOf } from "../testing/node_group.ts";

const THREE = new Map([[0n, validatorsOf(0, 1, 2)]]);

async function started(): Promise<DriverGroup> {
  const group = new DriverGroup(3, THREE);
  for (const node of group.nodes) await node.start();
  return group;
}

/** Bytes that two crash points are apart: every kind of record is cut somewhere. */
const STRIDE = 23;

Deno.test("the leader is killed while it writes its log, at any place: no vote twice, no block lost or changed", async () => {
  const whole = await started();
  await whole.untilHeight(4);
  await whole.stop();
  const { steps, contents } = whole.at(0).files;
  assert(contents.has("raft-wal-log.backup"), "the log is compacted");
  for (let step = 0; step < steps; step += STRIDE) {
    const group = new DriverGroup(3, THREE);
    const victim = group.at(0);
    victim.files.stepsLeft = step;
    for (const node of group.nodes) await node.start();
    await group.until(() => victim.driver === null, `the crash at step ${step}`);
    const height = victim.controller.blocks.length;
    victim.files.stepsLeft = Infinity;
    await group.clock.advance(300);
    await victim.start();
    await group.untilHeight(height + 2);
    await group.stop();
  }
});

Deno.test("a controller that takes longer than an election costs the leader neither heartbeats nor the block", async () => {
  const group = await started();
  await group.untilHeight(2);
  const [leader] = group.nodes;
  assert(leader !== undefined);
  const { controllerDelay } = leader;
  // twice as long this leader would hand over
  leader.controllerDelay = () => group.clock.sleep(2_400);
  await group.untilHeight(3);
  leader.controllerDelay = controllerDelay;
  await group.untilHeight(6);
  assert(leader.controller.blocks.every((block) => block.startsWith("00")), "it still leads");
  await group.stop();
});

Deno.test("a node whose disk is full drops what it is sent, and follows when there is room", async () => {
  const group = await started();
  await group.untilHeight(2);
  const follower = group.at(1);
  const full = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
  follower.files.writeAt = () => Promise.reject(full);
  await group.clock.advance(20_000);
  assert((follower.driver?.droppedMessages ?? 0) > 0, "few came, none is kept");
  Reflect.deleteProperty(follower.files, "writeAt");
  await group.untilHeight(follower.controller.blocks.length + 3);
  await group.stop();
});
