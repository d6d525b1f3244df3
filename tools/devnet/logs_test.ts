import assert from "node:assert/strict";
import { Tail } from "./logs.ts";

Deno.test("Tail.read() begins with the last lines and goes on behind a rotation", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/x.log`;
    const tail = new Tail(path, "x: ");
    assert.equal(tail.read(), "");
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} é`);
    Deno.writeTextFileSync(path, `${lines.join("\n")}\n`);
    const shown = tail.read().split("\n");
    assert.equal(shown.length, 51);
    assert.equal(shown[0], "x: line 19950 é");
    assert.equal(tail.read(), "");
    Deno.writeTextFileSync(path, "more\nhalf", { append: true });
    assert.equal(tail.read(), "x: more\n");
    Deno.renameSync(path, `${path}.1`);
    assert.equal(tail.read(), "");
    Deno.writeTextFileSync(path, "new\n");
    assert.equal(tail.read(), "x: new\n");
    Deno.writeTextFileSync(path, "a\n");
    assert.equal(tail.read(), "x: a\n");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
