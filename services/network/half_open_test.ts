import assert from "node:assert/strict";
import { HalfOpen } from "./half_open.ts";

Deno.test("HalfOpen ends the oldest beyond its limit, once", () => {
  const halfOpen = new HalfOpen(2);
  const ended: string[] = [];
  const add = (name: string) => halfOpen.add((reason) => ended.push(`${name}: ${reason}`));
  add("a");
  const done = add("b");
  add("c");
  const why = "more than 2 connections are half-open";
  assert.deepEqual(ended, [`a: ${why}`]);
  done();
  assert.equal(halfOpen.count, 1);
  add("d");
  assert.deepEqual(ended, [`a: ${why}`], "what is open is no longer counted");
  halfOpen.endAll("stop");
  assert.deepEqual(ended.slice(1), ["c: stop", "d: stop"]);
  assert.equal(halfOpen.count, 0);
});
