import assert from "node:assert/strict";
import { runProgram } from "../../shared/cli/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import type { CryptoType } from "./account.ts";
import { DataFolder, suiteNameOf } from "./data_folder.ts";
import { createCldi } from "./program.ts";

const suites = (cryptoType: CryptoType) => loadSuite(suiteNameOf(cryptoType));

/** Runs a line as a fresh process would, on the same data folder. */
type Cldi = (line: string) => Promise<{ code: number; out: string; err: string }>;

async function withCldi(test: (cldi: Cldi, path: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  const path = `${home}/.cloud-cli`;
  const cldi: Cldi = async (line) => {
    const written = { out: "", err: "" };
    const output = {
      out: (text: string) => void (written.out += text),
      err: (text: string) => void (written.err += text),
    };
    const folder = await DataFolder.open(path, suites, output);
    const program = createCldi({ folder, suites, output });
    const code = await runProgram(program, line.split(" "));
    return { code, ...written };
  };
  try {
    await test(cldi, path);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("cldi starts with a default account whose file is private", () =>
  withCldi(async (cldi, path) => {
    const { out } = await cldi("account list");
    const [account, ...others] = JSON.parse(out);
    assert.deepEqual(others, []);
    assert.equal(account.name, "default");
    assert.equal(account.is_locked, false);
    const { mode } = await Deno.stat(`${path}/accounts/default.toml`);
    assert.equal((mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("cldi account prints what the recorded session shows", () =>
  withCldi(async (cldi) => {
    const KEY = "0xd8e3c336dd0c656e08e8860fd653e2e4a7ff8a8094ca8a36d4bd04facc0741f6";
    assert.equal(
      (await cldi(`account import ${KEY} --name imp`)).out,
      `{
  "address": "0xf24aeda3a262e81507148d41a9eb9efd1489142c",
  "pubkey": "0xc3813e5c5f33c099d0c8f31c727972fc937e318088dfe78c7f55b6aa1a82b3d3cba522eaceb8c4527aaa5670eabdb0fca4bdb09ea97f0e7fb617585c2d1347f6"
}
`,
    );
    assert.match(
      (await cldi(`account import ${KEY} --name impeth --crypto ETH`)).out,
      /0x24f6814c089bbb290e3295bf3459302cd6660295/,
    );
    assert.deepEqual(await cldi("account import 0x00 --name bad"), {
      code: 1,
      out: "",
      err:
        "Error: invalid secret key for crypto type SM: length mismatched, expected: `32`, got: `1`\n\n",
    });
    assert.deepEqual(await cldi(`account import ${KEY} --name imp`), {
      code: 1,
      out: "",
      err: "Error: failed to persist temporary file: File exists (os error 17)\n\n" +
        "Caused by:\n    File exists (os error 17)\n\n",
    });
    assert.deepEqual(
      (await cldi("account export nosuch")).err,
      "Error: account `nosuch` not found\n\n",
    );
  }));

Deno.test("cldi account lock and unlock rewrite the file", () =>
  withCldi(async (cldi) => {
    const generated = JSON.parse((await cldi("account generate --name a2 -p pw")).out);
    assert.deepEqual(Object.keys(generated), [
      "crypto_type",
      "address",
      "public_key",
      "encrypted_sk",
    ]);
    assert.equal(
      (await cldi("account export a2")).err,
      "Error: account is locked, please unlock it first\n\n",
    );
    assert.equal((await cldi("account unlock a2 -p no")).code, 1);
    assert.deepEqual(await cldi("account unlock a2 -p pw"), { code: 0, out: "", err: "" });
    assert.equal(JSON.parse((await cldi("account export a2")).out).address, generated.address);
    assert.deepEqual(await cldi("account lock a2 -p pw"), { code: 0, out: "", err: "" });
    assert.equal((await cldi("account export a2")).code, 1);
    assert.match(
      (await cldi("-u a2 get nonce")).err,
      /^Error: cannot get current account `a2` \n\nCaused by:\n {4}account is locked/,
    );
  }));

Deno.test("cldi context saves, chooses and deletes as the recorded session shows", () =>
  withCldi(async (cldi) => {
    const save = "-r 1.2.3.4:50004 -e 1.2.3.4:50002 context save ctx1";
    assert.deepEqual(await cldi(save), { code: 0, out: "", err: "" });
    assert.equal((await cldi("context default ctx1")).code, 0);
    const listed = JSON.parse((await cldi("context list")).out);
    assert.equal(listed.default_context, "ctx1");
    assert.deepEqual(listed.current_context, listed.contexts.ctx1);
    assert.equal((await cldi("context delete ctx1")).code, 0);
    const missing = "The configured default context setting `ctx1` is missing.\n" +
      "Using a local default context..\n";
    assert.deepEqual(await cldi("context rm ctx1"), {
      code: 1,
      out: missing,
      err: "Error: context `ctx1` not found\n\n",
    });
    assert.equal((await cldi("-c nope get version")).err, "Error: context`nope` not found\n\n");
    assert.equal((await cldi("-u no context list")).err, "Error: account `no` not found\n\n");
  }));

Deno.test("cldi refuses a wrong line before it does anything, in the reference's words", () =>
  withCldi(async (cldi) => {
    const usage = (what: string, line: string) =>
      `error: ${what}\n\nUSAGE:\n    ${line}\n\nFor more information try --help\n`;
    const cases: [string, string][] = [
      [
        "account delete a1",
        usage(
          "Found argument 'delete' which wasn't expected, or isn't valid in this context",
          "cldi account <SUBCOMMAND>",
        ),
      ],
      [
        "send",
        usage(
          "The following required arguments were not provided:\n    <to>",
          "cldi send [OPTIONS] <to> [data]",
        ),
      ],
      [
        "--crypto foo get bn",
        "error: \"foo\" isn't a valid value for '--crypto <crypto-type>'\n" +
        "\t[possible values: SM, ETH]\n\nFor more information try --help\n",
      ],
      [
        "get code 0x12",
        "error: Invalid value \"0x12\" for '<addr>': length mismatched, expected: `20`, got: `1`" +
        "\n\nFor more information try --help\n",
      ],
    ];
    for (const [line, err] of cases) assert.deepEqual(await cldi(line), { code: 2, out: "", err });
  }));

Deno.test({
  name: "cldi reports a node that is not there in the form that scripts search",
  sanitizeOps: false, // the gRPC library keeps a timer of the failed connection
  sanitizeResources: false,
  fn: () =>
    withCldi(async (cldi) => {
      const { code, err } = await cldi("-r 127.0.0.1:1 get block-number");
      assert.equal(code, 1);
      assert.match(
        err,
        /^Error: status: Unavailable, message: "error trying to connect: tcp connect error: Connection refused/,
      );
    }),
});
