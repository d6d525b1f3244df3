import assert from "node:assert/strict";
import { Step, ZERO_HASH } from "./messages.ts";
import { VoteSet } from "./vote_set.ts";

const X = "11".repeat(32);
const Y = "22".repeat(32);

function vote(hash: string | null) {
  const signature = new Uint8Array([1]);
  return { vote: { height: 1n, round: 0n, step: Step.Prevote, hash }, signature };
}

Deno.test("VoteSet.add() counts the first vote of a sender and gives it back to what contradicts it", () => {
  const set = new VoteSet();
  assert.equal(set.add("b", vote(X)), null);
  assert.equal(set.add("b", vote(X)), null);
  assert.deepEqual(set.add("b", vote(Y)), vote(X));
  assert.equal(set.countOf(X), 1);
  assert.equal(set.countOf(Y), 0);
});

Deno.test("VoteSet.bestBlock() leaves out votes for no block, however encoded", () => {
  const set = new VoteSet();
  set.add("a", vote(null));
  set.add("b", vote(ZERO_HASH));
  assert.equal(set.bestBlock(), null);
  assert.equal(set.countOf(ZERO_HASH), 2);
  set.add("c", vote(Y));
  set.add("d", vote(X));
  assert.deepEqual(set.bestBlock(), { hash: X, count: 1 });
});

Deno.test("VoteSet.entriesFor() orders by sender", () => {
  const set = new VoteSet();
  for (const sender of ["c", "a", "d", "b"]) set.add(sender, vote(sender === "d" ? Y : X));
  assert.deepEqual(set.entriesFor(X).map(([sender]) => sender), ["a", "b", "c"]);
});
