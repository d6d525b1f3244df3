import assert from "node:assert/strict";
import { isDnsName, matchesDomain } from "./domain.ts";

Deno.test("isDnsName() takes ASCII names, with case, underscores and a last dot", () => {
  const long = `${"a".repeat(63)}.`.repeat(3);
  for (
    const name of [
      "a",
      "test-chain-0",
      "A.b_c.d1",
      "1.a",
      "a.",
      "xn--x",
      `${long}${"b".repeat(61)}`,
    ]
  ) {
    assert.ok(isDnsName(name), name);
  }
  const wrong = [
    "",
    ".",
    "a..b",
    ".a",
    "a..",
    "-a",
    "a-",
    "a-.b",
    "a b",
    "é",
    "*.a.b",
    "a/b",
    "a:1",
  ];
  const numbers = ["1", "127.0.0.1", "a.1", "a.1.", "::1"];
  const tooLong = ["a".repeat(64), `${long}${"b".repeat(62)}`];
  for (const name of [...wrong, ...numbers, ...tooLong]) assert.ok(!isDnsName(name), name);
});

Deno.test("matchesDomain() compares whole names without case", () => {
  const same = [["a", "a"], ["aB.c", "Ab.C"], ["a.b", "a.b."], ["test-chain-1", "test-chain-1"]];
  for (const [presented = "", domain = ""] of same) assert.ok(matchesDomain(presented, domain));
  const other = [["a", "b"], ["a.b", "b"], ["b", "a.b"], ["a.", "a."], ["a.", "a"], ["", ""]];
  for (const [presented = "", domain = ""] of other) {
    assert.ok(!matchesDomain(presented, domain), `${presented} ${domain}`);
  }
});

Deno.test("matchesDomain() lets a wildcard stand for one label with two behind it", () => {
  assert.ok(matchesDomain("*.b.c", "a.b.c"));
  assert.ok(matchesDomain("*.B.c", "x-y.b.C."));
  for (
    const [presented, domain] of [
      ["*.b.c", "b.c"],
      ["*.b.c", "x.a.b.c"],
      ["*.b.c", ".b.c"],
      ["*.c", "b.c"],
      ["*", "a"],
      ["a*.b.c", "ax.b.c"],
      ["a.*.c", "a.b.c"],
      ["*.*.c", "a.b.c"],
      ["*.b.c", "*.b.c"],
      ["*.b.c.", "a.b.c"],
    ] as const
  ) {
    assert.ok(!matchesDomain(presented, domain), `${presented} ${domain}`);
  }
});

Deno.test("matchesDomain() never matches an address", () => {
  assert.ok(!matchesDomain("127.0.0.1", "127.0.0.1"));
  assert.ok(!matchesDomain("*.0.0.1", "127.0.0.1"));
});
