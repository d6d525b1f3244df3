import assert from "node:assert/strict";
import {
  createProgram,
  ExitError,
  Option,
  type Program,
  runProgram,
  unsignedInteger,
} from "./mod.ts";

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function sampleProgram(write: { out(text: string): void; err(text: string): void }): Program {
  const program = createProgram({
    name: "sample",
    about: "A sample of a program",
    versionText: "sample 6.3.3",
    output: write,
  });
  const run = program.command("run").description("run this service");
  run.option("-c, --config <path>", "path of the config file", "config.toml");
  run.option("--port <port>", "port to listen on", unsignedInteger(65535), 50000);
  run.addOption(new Option("--crypto <type>", "suite").choices(["sm", "eth"]));
  run.action((flags: { config: string; port: number }) => {
    program.output.out(`${flags.config} ${flags.port}\n`);
  });
  program.command("send").argument("<to>", "receiver").requiredOption("--value <v>", "amount")
    .action(() => {
      throw new ExitError(101, "wrong address, please check!");
    });
  return program;
}

async function runSample(...argv: string[]): Promise<Result> {
  let out = "";
  let err = "";
  const program = sampleProgram({
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  const code = await runProgram(program, argv);
  return { code, out, err };
}

Deno.test("runProgram() gives the action its options, both spellings of a value", async () => {
  assert.deepEqual(await runSample("run"), { code: 0, out: "config.toml 50000\n", err: "" });
  assert.equal((await runSample("run", "-c", "a", "--port=7")).out, "a 7\n");
});

Deno.test("runProgram() prints version and help on stdout with exit code 0", async () => {
  assert.deepEqual(await runSample("-V"), { code: 0, out: "sample 6.3.3\n", err: "" });
  const help = await runSample("run", "--help");
  assert.equal(help.code, 0);
  assert.equal(
    help.out,
    `sample-run 
run this service

USAGE:
    sample run [OPTIONS]

OPTIONS:
    -c, --config <path>    path of the config file [default: config.toml]
        --port <port>      port to listen on [default: 50000]
        --crypto <type>    suite [possible values: sm, eth]
    -h, --help             Print help information
`,
  );
});

Deno.test("runProgram() without a subcommand prints the help on stderr with exit code 2", async () => {
  const result = await runSample();
  assert.equal(result.code, 2);
  assert.equal(result.out, "");
  assert.match(
    result.err,
    /^sample 6\.3\.3\nA sample of a program\n\nUSAGE:\n {4}sample <SUBCOMMAND>/,
  );
  assert.match(result.err, /SUBCOMMANDS:\n {4}run {5}run this service\n/);
});

Deno.test("runProgram() reports a wrong command line on stderr with exit code 2", async () => {
  const cases: [string[], string][] = [
    [["run", "--prt", "1"], "error: Found argument '--prt' which wasn't expected"],
    [["run", "-V"], "error: Found argument '-V' which wasn't expected"],
    [["run", "extra"], "error: Found argument 'extra' which wasn't expected"],
    [["nothing-like-it"], "error: Found argument 'nothing-like-it' which wasn't expected"],
    [["rum"], "error: The subcommand 'rum' wasn't recognized\n\n\tDid you mean 'run'?"],
    [
      ["run", "--port", "65536"],
      "error: Invalid value \"65536\" for '--port <port>': number too large",
    ],
    [["run", "--port", "x"], "error: Invalid value \"x\" for '--port <port>': invalid digit found"],
    [
      ["run", "--port", "-1"],
      "error: Invalid value \"-1\" for '--port <port>': invalid digit found",
    ],
    [
      ["run", "--crypto", "rsa"],
      "error: \"rsa\" isn't a valid value for '--crypto <type>'\n\t[possible",
    ],
    [
      ["run", "--port"],
      "error: The argument '--port <port>' requires a value but none was supplied",
    ],
    [
      ["run", "-c", "a", "-c", "b"],
      "error: The argument '--config <path>' was provided more than once",
    ],
    [
      ["send"],
      "error: The following required arguments were not provided:\n    --value <v>\n    <to>\n",
    ],
    [
      ["send", "--value=1"],
      "error: The following required arguments were not provided:\n    <to>\n",
    ],
  ];
  for (const [argv, expected] of cases) {
    const result = await runSample(...argv);
    assert.equal(result.code, 2, argv.join(" "));
    assert.equal(result.out, "");
    assert.ok(result.err.startsWith(expected), result.err);
    assert.ok(result.err.endsWith("\nFor more information try --help\n"), result.err);
  }
});

Deno.test("runProgram() turns an ExitError into its message and exit code", async () => {
  const result = await runSample("send", "--value=1", "me");
  assert.deepEqual(result, { code: 101, out: "", err: "wrong address, please check!\n" });
});
