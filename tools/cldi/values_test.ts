import assert from "node:assert/strict";
import { toHex } from "../../shared/bytes/mod.ts";
import { formatSortedJson } from "./json.ts";
import {
  parseAddress,
  parseBlockName,
  parseData,
  parsePosition,
  parseServiceAddress,
  parseValue,
  resolvePosition,
  splitServiceAddress,
} from "./values.ts";

const resolve = (text: string, current = 100n) =>
  resolvePosition(parsePosition(text), () => Promise.resolve(current));

Deno.test("resolvePosition() gives the recorded heights", async () => {
  const cases: [string, bigint][] = [
    ["+1", 101n],
    ["-1", 99n],
    ["+0", 100n],
    ["-0", 100n],
    ["0", 0n],
    ["-100", 0n],
    ["-101", 0n],
    ["++5", 105n],
    ["+18446744073709551615", 18446744073709551615n],
  ];
  for (const [text, height] of cases) assert.equal(await resolve(text), height, text);
  assert.throws(() => parsePosition("x"), /invalid digit found in string/);
  assert.throws(() => parsePosition("+"), /cannot parse integer from empty string/);
  assert.throws(() => parsePosition("18446744073709551616"), /number too large/);
});

Deno.test("resolvePosition() asks for the height only when it is relative", async () => {
  const fail = () => Promise.reject(new Error("asked"));
  assert.equal(await resolvePosition(parsePosition("7"), fail), 7n);
  await assert.rejects(resolvePosition(parsePosition("+7"), fail), /asked/);
});

Deno.test("parseData() and parseAddress() name what is wrong", () => {
  assert.equal(toHex(parseData("0xABcd")), "abcd");
  assert.equal(parseData("0x").length, 0);
  for (const wrong of ["0x1", "zz", "0X12"]) {
    assert.throws(() => parseData(wrong), /invalid hex input/, wrong);
  }
  assert.throws(() => parseAddress("0x12"), /length mismatched, expected: `20`, got: `1`/);
});

Deno.test("parseValue() is hexadecimal whatever the prefix", () => {
  assert.equal(toHex(parseValue("ff")), "ff".padStart(64, "0"));
  assert.equal(toHex(parseValue("0x10")), "10".padStart(64, "0"));
  assert.equal(toHex(parseValue("0x")), "0".repeat(64));
  assert.throws(() => parseValue("1".repeat(65)), /too long/);
  assert.throws(() => parseValue("z1"), /Invalid character 'z' at position 62/);
});

Deno.test("parseBlockName() tells heights from hashes", () => {
  assert.deepEqual(parseBlockName("12"), { kind: "height", height: 12n });
  assert.equal(parseBlockName(`0x${"ab".repeat(32)}`).kind, "hash");
  assert.throws(() => parseBlockName("x"), /please prefix it with `0x`/);
});

Deno.test("parseServiceAddress() takes hosts with or without port only", () => {
  assert.deepEqual(splitServiceAddress("localhost:50004"), { host: "localhost", port: 50004 });
  assert.deepEqual(splitServiceAddress("[::1]:1"), { host: "[::1]", port: 1 });
  assert.throws(() => parseServiceAddress(""), /empty string/);
  assert.throws(() => parseServiceAddress("a b"), /invalid uri character/);
  for (const wrong of ["http://a:1", "a:99999", "a:1/x"]) {
    assert.throws(() => parseServiceAddress(wrong), /invalid format/, wrong);
  }
});

Deno.test("formatSortedJson() sorts keys, keeps lists and prints integers bare", () => {
  assert.equal(
    formatSortedJson({ b: [2n ** 64n - 1n, true], a: {}, c: [], d: "x" }),
    `{\n  "a": {},\n  "b": [\n    18446744073709551615,\n    true\n  ],\n  "c": [],\n  "d": "x"\n}`,
  );
});
