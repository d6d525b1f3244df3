import assert from "node:assert/strict";
import { type Draft, entryOf, EntryType, messageOf, MessageType } from "../core/messages.ts";
import { idOf, NodeGroup, validatorsOf } from "../testing/node_group.ts";

const THREE = new Map([[0n, validatorsOf(0, 1, 2)]]);

/** A group with blocks, and what node 1 knows. */
function started() {
  const group = NodeGroup.started(3, THREE);
  group.untilHeight(2, [0, 1, 2]);
  group.run(500);
  const victim = group.at(1);
  const view = () => victim.node?.raft ?? assert.fail();
  return { group, victim, view };
}

Deno.test("a message with the last term of all, of whomever, costs a group nothing", () => {
  for (const from of [idOf(0), 77n]) {
    const { group, victim, view } = started();
    const { term } = view();
    const draft: Draft = { msgType: MessageType.REQUEST_VOTE, to: idOf(1), from };
    const message = messageOf({ ...draft, term: 2n ** 64n - 1n });
    for (let count = 0; count < 9; count++) victim.feed({ kind: "message", message });
    const warnings = () =>
      victim.lines.filter((line) => /^drop a raft message .*numbers$/.test(line));
    assert.equal(warnings().length, 1);
    group.run(5_000);
    assert.equal(view().term, term);
    victim.feed({ kind: "message", message });
    assert.equal(warnings().length, 2, "once in a while");
    group.untilHeight(8, [0, 1, 2]);
  }
});

Deno.test("an append far ahead of the log is refused, so that the leader begins where it must", () => {
  const { group, victim, view } = started();
  const { term, log: { lastIndex }, leader } = view();
  const index = lastIndex + 1_000n;
  const entries = [{
    ...entryOf(EntryType.ENTRY_NORMAL, new Uint8Array(0)),
    index: index + 1n,
    term,
  }];
  const append = { msgType: MessageType.APPEND, to: idOf(1), from: leader, term, entries };
  const hints: bigint[] = [];
  group.accepts = ({ from, reject, rejectHint }) => {
    if (from === idOf(1) && reject) hints.push(rejectHint);
    return false;
  };
  victim.feed({ kind: "message", message: messageOf({ ...append, index, logTerm: term }) });
  group.run(20);
  assert.deepEqual(hints, [lastIndex]);
});

Deno.test("a follower takes as many of an append's entries as can wait, and tells the leader how far it is", () => {
  const { group, victim, view } = started();
  const { term, log: { lastIndex: index }, leader } = view();
  const entries = Array.from({ length: 11_000 }, (_, position) => ({
    ...entryOf(EntryType.ENTRY_NORMAL, new Uint8Array(0)),
    index: index + BigInt(position) + 1n,
    term,
  }));
  const commit = index + 11_000n;
  const append = { msgType: MessageType.APPEND, to: idOf(1), from: leader, term, entries, commit };
  const answers: bigint[] = [];
  group.accepts = ({ from, msgType, index }) => {
    if (from === idOf(1) && msgType === MessageType.APPEND_RESPONSE) answers.push(index);
    return false;
  };
  victim.feed({ kind: "message", message: messageOf({ ...append, index, logTerm: term }) });
  group.run(20);
  assert.equal(view().log.lastIndex, index + 64n);
  assert.equal(view().applied, index + 64n);
  assert.deepEqual(answers, [index + 64n]);
});
