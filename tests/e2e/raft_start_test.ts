import assert from "node:assert/strict";
import { dirname } from "node:path";
import { run } from "./executables.ts";

/** Runs the executable in the folder of a raft node, which may hold some files more. */
async function inFolder(
  keys: string,
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
) {
  const cwd = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(`${cwd}/${name}`), { recursive: true });
      await Deno.writeTextFile(`${cwd}/${name}`, text);
    }
    const table = `[consensus_raft]\nnode_addr = "0x${"ab".repeat(20)}"\n${keys}\n`;
    await Deno.writeTextFile(`${cwd}/config.toml`, table);
    return await run("consensus", args, { cwd });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** Starts a raft node to no end: it must refuse. */
function start(keys: string, ...args: readonly string[]) {
  return inFolder(keys, ["run", ...args]);
}

Deno.test("bin/consensus says on stderr why a raft node cannot start, though it logs to a file", async () => {
  const { code, stderr } = await start("heartbeat_tick = 60");
  assert.equal(code, 1);
  assert.match(stderr, /ERROR .*consensus_raft\.election_tick: it must be greater than .*, got 50/);
});

Deno.test("bin/consensus refuses a damaged raft log by a line that says where, and no stack", async () => {
  const files = { "raft-data-dir/raft-wal-log.active": "no log at all" };
  const { code, stdout } = await inFolder("", ["run", "--stdout"], files);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /ERROR .*raft-wal-log\.active` is corrupt from byte 0 of 13: see "A damaged log"/,
  );
  assert.doesNotMatch(stdout, /^ {4}at /m);
});

Deno.test("bin/consensus refuses log options that contradict each other as a wrong usage", async () => {
  for (const other of [["-d", "elsewhere"], ["-f", "name"], ["-l", "consensus-log4rs.yaml"]]) {
    const { code, stderr } = await run("consensus", ["run", "-c", "missing", "--stdout", ...other]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: The argument '--stdout' cannot be used with '--log/);
  }
});

Deno.test("bin/consensus logs where its command line says, though a log4rs file is there", async () => {
  const { stdout } = await inFolder(
    "heartbeat_tick = 60",
    ["run", "--stdout"],
    { "consensus-log4rs.yaml": "refresh_rate: nonsense" },
  );
  assert.match(stdout, /consensus_raft\.election_tick: it must be greater than/);
});

Deno.test("bin/consensus presents itself as consensus_raft beside the configuration of one", async () => {
  const version = "consensus_raft 6.3.3\n";
  assert.deepEqual(await inFolder("", ["-V"]), { code: 0, stdout: version, stderr: "" });
  const nothing = { code: 0, stdout: "no subcommand provided\n", stderr: "" };
  assert.deepEqual(await inFolder("", []), nothing);
  const { stdout } = await inFolder("", ["git"]);
  assert.match(stdout, /^homepage: .*\/consensus_raft$/m);
});
