import assert from "node:assert/strict";
import { isQuorum, quorumIndex, voteResult } from "./quorum.ts";

function halves(voters: readonly bigint[], votersOutgoing: readonly bigint[] = []) {
  return { voters: new Set(voters), votersOutgoing: new Set(votersOutgoing) };
}

Deno.test("isQuorum() wants more than half: 2 of 3, 3 of 4, 3 of 5", () => {
  const first = (count: bigint) => (id: bigint) => id <= count;
  for (const [size, needed] of [[1, 1], [2, 2], [3, 2], [4, 3], [5, 3]] as const) {
    const voters = halves(Array.from({ length: size }, (_, index) => BigInt(index + 1)));
    assert(isQuorum(voters, first(BigInt(needed))), `${needed} of ${size}`);
    assert(!isQuorum(voters, first(BigInt(needed - 1))), `${needed - 1} of ${size}`);
  }
});

Deno.test("isQuorum() of a joint configuration wants a majority of both halves", () => {
  const joint = halves([4n, 5n, 6n], [1n, 2n, 3n]);
  assert(!isQuorum(joint, (id) => id >= 3n));
  assert(!isQuorum(joint, (id) => id <= 4n));
  assert(isQuorum(joint, (id) => id >= 2n && id <= 5n));
});

Deno.test("quorumIndex() is what a majority of each half has", () => {
  const matched = (id: bigint) => [0n, 9n, 8n, 3n, 7n, 2n, 2n][Number(id)] ?? 0n;
  assert.equal(quorumIndex(halves([1n]), matched), 9n);
  assert.equal(quorumIndex(halves([1n, 2n]), matched), 8n);
  assert.equal(quorumIndex(halves([1n, 2n, 3n]), matched), 8n);
  assert.equal(quorumIndex(halves([1n, 2n, 3n, 4n]), matched), 7n);
  assert.equal(quorumIndex(halves([4n, 5n, 6n], [1n, 2n, 3n]), matched), 2n);
  assert.equal(quorumIndex(halves([1n, 2n, 3n], [4n, 5n, 6n]), matched), 2n);
});

Deno.test("voteResult() is lost once those who have not voted cannot turn it", () => {
  const voters = halves([1n, 2n, 3n]);
  assert.equal(voteResult(voters, new Map([[1n, true]])), "pending");
  assert.equal(voteResult(voters, new Map([[1n, true], [2n, false]])), "pending");
  assert.equal(voteResult(voters, new Map([[1n, true], [2n, true]])), "won");
  assert.equal(voteResult(voters, new Map([[1n, true], [2n, false], [3n, false]])), "lost");
  const joint = halves([1n, 2n, 3n], [4n]);
  assert.equal(voteResult(joint, new Map([[1n, true], [2n, true]])), "pending");
  assert.equal(voteResult(joint, new Map([[1n, true], [2n, true], [4n, false]])), "lost");
});
