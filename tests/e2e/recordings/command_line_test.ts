import assert from "node:assert/strict";
import { type Outcome, run } from "../executables.ts";
import { logSettings, withFolder } from "./player.ts";

/** What the executables of the reference answer (the specs' sections on their command lines). */
interface Role {
  readonly role: string;
  readonly version: string;
  readonly homepage: string;
  /** The table that must be in config.toml, and a port in it. */
  readonly table: string;
  readonly portKey: string;
  /** Whether no command at all is no error and prints nothing. */
  readonly isQuietWithoutCommand?: boolean;
}

const HOME = "https://github.com/cita-cloud";

const ROLES: readonly Role[] = [
  {
    role: "network",
    version: "network 6.3.3",
    homepage: `${HOME}/network_p2p`,
    table: "network_p2p",
    portKey: "grpc_port",
  },
  {
    role: "consensus",
    version: "consensus 6.3.3",
    homepage: `${HOME}/consensus_bft`,
    table: "consensus_bft",
    portKey: "consensus_port",
  },
  {
    role: "executor",
    version: "CITA-CLOUD EVM EXECUTOR 6.3.3",
    homepage: `${HOME}/executor_evm`,
    table: "executor_evm",
    portKey: "executor_port",
    isQuietWithoutCommand: true,
  },
  {
    role: "storage",
    version: "storage 6.3.3",
    homepage: `${HOME}/storage_rocksdb`,
    table: "storage_rocksdb",
    portKey: "storage_port",
  },
  {
    role: "controller",
    version: "controller 6.3.3",
    homepage: `${HOME}/controller`,
    table: "controller",
    portKey: "controller_port",
  },
  {
    role: "kms",
    version: "kms 6.3.3",
    homepage: `${HOME}/kms_sm`,
    table: "kms_sm",
    portKey: "kms_port",
  },
];

const SUCCESS = 0;
const FAILURE = 1;
const USAGE_ERROR = 2;

/** The error must be one line on the standard error stream that has all these parts. */
function assertFailure(outcome: Outcome, parts: readonly string[]): void {
  assert.equal(outcome.code, FAILURE, outcome.stderr);
  assert.equal(outcome.stdout, "");
  assert.equal(outcome.stderr.trimEnd().split("\n").length, 1, outcome.stderr);
  for (const part of parts) assert(outcome.stderr.includes(part), `${part}: ${outcome.stderr}`);
}

for (const { role, version, homepage, isQuietWithoutCommand = false } of ROLES) {
  Deno.test(`bin/${role} tells of itself and refuses wrong command lines`, async () => {
    const [help, versionOutput, git, none, flag, command, runFlag, noValue] = await Promise.all([
      run(role, ["--help"]),
      run(role, ["-V"]),
      run(role, ["git"]),
      run(role, []),
      run(role, ["--nope"]),
      run(role, ["frobnicate"]),
      run(role, ["run", "--nope"]),
      run(role, ["run", "-c"]),
    ]);
    assert.equal(help.code, SUCCESS);
    assert(help.stdout.startsWith(`${version}\n`), help.stdout);
    for (const part of ["USAGE:", "run ", "git ", "help "]) {
      assert(help.stdout.includes(part), part);
    }
    assert.deepEqual(versionOutput, { code: SUCCESS, stdout: `${version}\n`, stderr: "" });
    assert.match(git.stdout, /^git version: \S.*\nhomepage: \S+\n$/);
    assert(git.stdout.endsWith(`homepage: ${homepage}\n`), git.stdout);
    if (isQuietWithoutCommand) {
      assert.deepEqual(none, { code: SUCCESS, stdout: "", stderr: "" });
    } else {
      assert.deepEqual([none.code, none.stdout], [USAGE_ERROR, ""]);
      assert(none.stderr.includes("USAGE:"), none.stderr);
    }
    const refused = [[flag, "'--nope'"], [command, "'frobnicate'"], [runFlag, "'--nope'"]] as const;
    for (const [outcome, argument] of refused) {
      assert.deepEqual([outcome.code, outcome.stdout], [USAGE_ERROR, ""]);
      assert(outcome.stderr.startsWith(`error: Found argument ${argument}`), outcome.stderr);
    }
    assert.equal(noValue.code, USAGE_ERROR);
    assert.match(noValue.stderr, /'--config <\w+>' requires a value/);
  });
}

for (const { role, table, portKey } of ROLES) {
  Deno.test(`bin/${role} names the file and the field that it cannot use`, async () => {
    await withFolder(async (cwd) => {
      const logFile = `${role}-log4rs.yaml`;
      await Deno.writeTextFile(`${cwd}/${logFile}`, logSettings(role));
      await Deno.writeTextFile(`${cwd}/broken.yaml`, "appenders: [");
      const runWith = async (source: string, log = logFile) => {
        await Deno.writeTextFile(`${cwd}/config.toml`, source);
        return await run(role, ["run", "-l", log], { cwd });
      };
      const field = `${table}.${portKey} of "config.toml"`;
      const address = `node_address = "${"ab".repeat(20)}"\nport = 1\n`;
      assertFailure(await run(role, ["run", "-c", "missing.toml"], { cwd }), ['"missing.toml"']);
      assertFailure(await runWith("[other]\n"), ['"config.toml"', `[${table}]`]);
      assertFailure(await runWith("[a\n"), ['"config.toml"', "line 1"]);
      const inTable = (value: string) => `[${table}]\n${portKey} = ${value}\n${address}`;
      assertFailure(await runWith(inTable("70000")), [field, "0..65535", "70000"]);
      assertFailure(await runWith(inTable('"x"')), [field, "integer", '"x"']);
      assertFailure(await runWith(inTable("0"), "missing.yaml"), ['"missing.yaml"']);
      assertFailure(await runWith(inTable("0"), "broken.yaml"), ['"broken.yaml"']);
    });
  });
}

Deno.test("bin/kms refuses a key database of another password", async () => {
  await withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/kms-log4rs.yaml`, logSettings("kms"));
    const database = new URL("../../vectors/kms/kms_sm.db", import.meta.url);
    await Deno.copyFile(database, `${cwd}/kms.db`);
    await Deno.writeTextFile(`${cwd}/config.toml`, '[kms_sm]\nkms_port = 0\ndb_key = "wrong"\n');
    const { code } = await run("kms", ["run"], { cwd });
    assert.equal(code, 101); // as the reference, which panics
    const log = await Deno.readTextFile(`${cwd}/kms.log`);
    assert.match(log, /"kms\.db".*password mismatch!/);
    assert(!log.includes("wrong"), "a password is not logged");
  });
});
