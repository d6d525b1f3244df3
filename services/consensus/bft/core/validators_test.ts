import assert from "node:assert/strict";
import {
  isQuorum,
  leaderOf,
  NO_AUTHORITIES,
  quorumSize,
  signersAt,
  withValidators,
} from "./validators.ts";

Deno.test("isQuorum() and quorumSize() want more than two thirds", () => {
  const wanted = new Map([[1, 1], [2, 2], [3, 3], [4, 3], [5, 4], [6, 5], [7, 5], [10, 7]]);
  for (const [total, count] of wanted) {
    assert.equal(quorumSize(total), count);
    assert(isQuorum(count, total) && !isQuorum(count - 1, total));
  }
});

Deno.test("leaderOf() goes round the list with height and round", () => {
  const validators = ["a", "b", "c", "d"];
  const leader = (height: bigint, round: bigint) => leaderOf(validators, { height, round });
  assert.equal(leader(4n, 0n), "a");
  assert.equal(leader(4n, 1n), "b");
  assert.equal(leader(7n, 1n), "a");
  assert.equal(leader(2n ** 64n - 1n, 2n ** 64n - 1n), "c");
  assert.equal(leaderOf([], { height: 1n, round: 0n }), null);
});

Deno.test("withValidators() keeps the list before the last change, order counts", () => {
  const first = withValidators(NO_AUTHORITIES, { height: 0n, validators: ["a", "b"] });
  assert.deepEqual(first, { current: ["a", "b"], previous: [], changedAt: 0n });
  assert.equal(withValidators(first, { height: 5n, validators: ["a", "b"] }), first);
  const second = withValidators(first, { height: 7n, validators: ["b", "a"] });
  assert.deepEqual(second, { current: ["b", "a"], previous: ["a", "b"], changedAt: 7n });
});

Deno.test("withValidators() of a chain that was rolled back behind the change forgets it", () => {
  const changed = { current: ["b"], previous: ["a"], changedAt: 7n };
  const back = { height: 5n, validators: ["a"] };
  assert.deepEqual(withValidators(changed, back), { current: ["a"], previous: [], changedAt: 5n });
  const same = { height: 5n, validators: ["b"] };
  assert.deepEqual(withValidators(changed, same), { current: ["b"], previous: [], changedAt: 5n });
});

Deno.test("signersAt() takes the previous list up to the change, never an empty one", () => {
  const changed = { current: ["b"], previous: ["a"], changedAt: 7n };
  assert.deepEqual(signersAt(changed, 7n), ["a"]);
  assert.deepEqual(signersAt(changed, 8n), ["b"]);
  assert.deepEqual(signersAt({ ...changed, previous: [] }, 7n), ["b"]);
});
