import assert from "node:assert/strict";
import { encode } from "../../../../shared/codec/mod.ts";
import { toHex } from "../../../../shared/bytes/mod.ts";
import {
  changeMembers,
  ConfChangeType,
  ConfChangeV2,
  confStateOf,
  differenceTo,
  LEAVE_JOINT,
  type Members,
  membersOf,
} from "./conf_change.ts";
import { bootstrapState } from "./interface.ts";

function votersOnly(...voters: bigint[]): Members {
  return membersOf(bootstrapState(voters).confState);
}

function changed(members: Members, wanted: bigint[]): Members {
  const change = differenceTo(members, wanted);
  assert(change !== null);
  const next = changeMembers(members, change);
  assert(next !== null);
  return next;
}

Deno.test("differenceTo() adds, then removes, and is null when nothing differs", () => {
  const change = differenceTo(votersOnly(1n, 2n), [2n, 3n]);
  assert(change !== null);
  assert.equal(toHex(encode(ConfChangeV2, change)), "12021003" + "120408011001");
  assert.equal(differenceTo(votersOnly(1n, 2n), [2n, 1n]), null);
});

Deno.test("changeMembers() makes a single change at once", () => {
  assert.deepEqual(changed(votersOnly(1n, 2n), [1n, 2n, 3n]), votersOnly(1n, 2n, 3n));
  assert.deepEqual(changed(votersOnly(1n, 2n), [2n]), votersOnly(2n));
});

Deno.test("changeMembers() makes several changes by a joint configuration that is left", () => {
  const joint = changed(votersOnly(1n, 2n, 3n), [4n, 5n, 6n]);
  assert.deepEqual(confStateOf(joint), {
    voters: [4n, 5n, 6n],
    learners: [],
    votersOutgoing: [1n, 2n, 3n],
    learnersNext: [],
    autoLeave: true,
  });
  assert.equal(changeMembers(joint, LEAVE_JOINT)?.voters.size, 3);
  assert.deepEqual(changeMembers(joint, LEAVE_JOINT), votersOnly(4n, 5n, 6n));
});

Deno.test("changeMembers() refuses what does not fit", () => {
  const joint = changed(votersOnly(1n), [1n, 2n, 3n]);
  const add = differenceTo(votersOnly(1n), [1n, 2n]);
  const removal = { changeType: ConfChangeType.REMOVE_NODE, nodeId: 1n };
  assert(add !== null);
  assert.equal(changeMembers(joint, add), null, "a change while joint");
  assert.equal(changeMembers(votersOnly(1n), LEAVE_JOINT), null, "leaving what is not joint");
  const last = ConfChangeV2.fromPartial({ changes: [removal] });
  assert.equal(changeMembers(votersOnly(1n), last), null, "nobody left");
});

Deno.test("changeMembers() keeps the vote of a leaving voter that becomes a learner", () => {
  const changes = [1n, 2n].map((nodeId) => ({
    changeType: nodeId === 1n ? ConfChangeType.ADD_LEARNER_NODE : ConfChangeType.ADD_NODE,
    nodeId,
  }));
  const joint = changeMembers(votersOnly(1n), ConfChangeV2.fromPartial({ changes }));
  assert(joint !== null);
  assert.deepEqual(confStateOf(joint).learnersNext, [1n]);
  const left = changeMembers(joint, LEAVE_JOINT);
  assert(left !== null);
  assert.deepEqual(confStateOf(left), { ...confStateOf(votersOnly(2n)), learners: [1n] });
});

Deno.test("changeMembers() skips a node that nobody can be", () => {
  const changes = [0n, 2n].map((nodeId) => ({ changeType: ConfChangeType.ADD_NODE, nodeId }));
  const joint = changeMembers(votersOnly(1n), ConfChangeV2.fromPartial({ changes }));
  assert.deepEqual(joint && confStateOf(joint).voters, [1n, 2n]);
});
