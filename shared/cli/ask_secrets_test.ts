import assert from "node:assert/strict";
import { askSecrets, ExitError } from "./mod.ts";

/** A terminal at which these texts are typed, one read each. */
function terminalOf(...typed: string[]) {
  const reads = typed.map((text) => new TextEncoder().encode(text));
  const shown: string[] = [];
  const modes: boolean[] = [];
  const terminal = {
    isTerminal: () => true,
    setRaw: (isRaw: boolean) => void modes.push(isRaw),
    read(buffer: Uint8Array) {
      const next = reads.shift();
      if (next !== undefined) buffer.set(next);
      return Promise.resolve(next?.length ?? null);
    },
    write: (text: string) => void shown.push(text),
  };
  return { terminal, shown, modes };
}

Deno.test("askSecrets() takes a line for each question and shows none of it", async () => {
  const { terminal, shown, modes } = terminalOf("sec", "ret\rsecr", "et\n");
  assert.deepEqual(await askSecrets(["New: ", "Again: "], terminal), ["secret", "secret"]);
  assert.equal(shown.join(""), "New: \r\nAgain: \r\n");
  assert.deepEqual(modes, [true, false]);
});

Deno.test("askSecrets() erases whole characters", async () => {
  const { terminal } = terminalOf("ab\x7f钥匙\x7f\x08é!\x7f\x7f\x7f\x7f\x7fx\r");
  assert.deepEqual(await askSecrets(["?"], terminal), ["x"]);
});

Deno.test("askSecrets() ends when the user aborts, types without end or is no user", async () => {
  for (const typed of [["ab\x03"], ["\x04"], []]) {
    const { terminal, modes } = terminalOf(...typed);
    await assert.rejects(
      askSecrets(["?"], terminal),
      (error) => error instanceof ExitError && error.exitCode === 130,
    );
    assert.deepEqual(modes, [true, false]);
  }
  const endless = terminalOf(...Array.from({ length: 17 }, () => "x".repeat(64)));
  await assert.rejects(askSecrets(["?"], endless.terminal), /1024 bytes at most/);
  const piped = { ...terminalOf("x\n").terminal, isTerminal: () => false };
  await assert.rejects(askSecrets(["?"], piped), /must be a terminal/);
});
