import assert from "node:assert/strict";
import { Screen } from "./screen.ts";

Deno.test("Screen draws its block in place, cut to the width, below the lines that stay", () => {
  const writes: string[] = [];
  const screen = new Screen({ out: (text) => writes.push(text), err: () => {} }, {
    columns: () => 3,
  });
  screen.say("a");
  screen.show(["1", "2345"]);
  screen.say("b");
  screen.show(["3"]);
  assert.equal(
    writes.join(""),
    "a\n1\n234\n\x1b[2A\x1b[Jb\n1\n234\n\x1b[2A\x1b[J3\n",
  );
});
