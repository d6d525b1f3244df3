import assert from "node:assert/strict";
import { run } from "./executables.ts";

/** Starts a raft node in a folder of its own, to no end: it must refuse. */
async function start(keys: string, args: readonly string[] = []) {
  const cwd = await Deno.makeTempDir();
  try {
    const table = `[consensus_raft]\nnode_addr = "0x${"ab".repeat(20)}"\n${keys}\n`;
    await Deno.writeTextFile(`${cwd}/config.toml`, table);
    return await run("consensus", ["run", ...args], { cwd });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

Deno.test("bin/consensus says on stderr why a raft node cannot start, though it logs to a file", async () => {
  const { code, stderr } = await start("heartbeat_tick = 60");
  assert.equal(code, 1);
  assert.match(stderr, /ERROR .*consensus_raft\.election_tick: it must be greater than .*, got 50/);
});

Deno.test("bin/consensus refuses log options that contradict each other as a wrong usage", async () => {
  const { code, stderr } = await start("", ["--stdout", "-d", "elsewhere"]);
  assert.equal(code, 2);
  assert.match(stderr, /--stdout.*choose one/);
});
