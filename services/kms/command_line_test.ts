import assert from "node:assert/strict";
import { runCommand, startCommand } from "./testing/command.ts";

const KEY = "ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690\n";

async function withFolder(config: string, test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/config.toml`, config);
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Stops a service once it accepts calls and gives what it logged to the standard output. */
async function logOfStart(folder: string, args: readonly string[]): Promise<string> {
  const process = startCommand(folder, ["run", ...args]);
  let text = "";
  for await (const chunk of process.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("start grpc server!") && !text.includes("exit by")) process.kill("SIGTERM");
  }
  await process.stderr.cancel();
  assert.equal((await process.status).code, 0, text);
  return text;
}

/** A node's table as cloud-config 6.7 writes it. */
const CRYPTO_TABLE = `[crypto_eth]
crypto_port = 0
domain = "chain-0"
enable_metrics = true
metrics_port = 60005
metrics_buckets = [0.25, 0.5, 1.0]

[crypto_eth.log_config]
max_level = "info"
service_name = "crypto"
`;

Deno.test("kms run -c -p starts from a table of 6.7, without a log4rs file", () =>
  withFolder(CRYPTO_TABLE, async (folder) => {
    await Deno.writeTextFile(`${folder}/private_key`, KEY, { mode: 0o600 });
    await Deno.rename(`${folder}/private_key`, `${folder}/other`);
    const log = await logOfStart(folder, ["-c", "config.toml", "-p", "other"]);
    assert.match(log, /INFO kms - grpc port of this service: 0/);
    assert(!log.includes("WARN"), log);
    const refused = await runCommand(folder, ["run"]);
    assert.equal(refused.code, 101);
    assert.match(refused.out, /ERROR kms - Cannot use "private_key": No such file/);
    const named = await runCommand(folder, ["run", "-p", "other", "-l", "absent.yaml"]);
    assert.deepEqual([named.code, named.out], [1, ""]);
    assert.match(named.err, /Cannot read "absent.yaml"/);
  }));

Deno.test("kms refuses options and commands that the flavour of the table does not have", async () => {
  await withFolder("[kms_sm]\n", async (folder) => {
    const { code, err } = await runCommand(folder, ["run", "--private_key_path", "x"]);
    assert.equal(code, 1);
    assert.equal(err, 'Cannot use the option "private_key_path": [kms_sm] does not have it\n');
  });
  await withFolder("[crypto_sm]\n", async (folder) => {
    const { code, err } = await runCommand(folder, ["migrate"]);
    assert.deepEqual([code, err], [1, 'Cannot run "migrate": [crypto_sm] does not have it\n']);
  });
});
