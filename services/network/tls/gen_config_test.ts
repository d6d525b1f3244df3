import assert from "node:assert/strict";
import { ExitError } from "../../../shared/cli/mod.ts";
import { loadDocument, readTable } from "../../../shared/config/mod.ts";
import { ownProblem, readIdentity } from "../domains/identity.ts";
import { GEN_CONFIG } from "./gen_config.ts";
import { TLS_TABLE } from "./start.ts";

/** Runs the command in a folder of its own and gives what it printed. */
function inFolder(args: readonly string[], check: (printed: string) => void): void {
  const before = Deno.cwd();
  const folder = Deno.makeTempDirSync({ prefix: "gen-config-" });
  Deno.chdir(folder);
  try {
    let printed = "";
    const output = { out: (text: string) => void (printed += text), err: () => {} };
    GEN_CONFIG.run({ args, output });
    check(printed);
  } finally {
    Deno.chdir(before);
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("gen-config writes nodes that know and accept one another", () => {
  inFolder(["3"], (printed) => {
    assert.equal(printed, "Done.\nWARNING: This config is for TEST-ONLY.\n");
    for (const index of [0, 1, 2]) {
      const config = readTable(TLS_TABLE, loadDocument(`peer${index}.toml`));
      assert.equal(config.grpc_port, 50_000 + 1_000 * index);
      assert.equal(config.listen_port, 40_000 + index);
      const domains = config.peers.map(({ domain }) => domain);
      const others = [0, 1, 2].filter((other) => other !== index);
      assert.deepEqual(domains, others.map((other) => `peer${other}.fy`));
      const identity = readIdentity("network_tls", config);
      assert.deepEqual(identity.chain[0].dnsNames, [`peer${index}.fy`]);
      assert.equal(ownProblem(identity, Date.UTC(2030, 0)), null);
    }
    for (const name of ["ca_key.pem", "peer0.toml"]) {
      assert.equal((Deno.statSync(name).mode ?? 0) & 0o777, 0o600);
    }
  });
});

Deno.test("gen-config makes two nodes unless told how many", () => {
  inFolder([], () => {
    const names = [...Deno.readDirSync(".")].map(({ name }) => name).sort();
    assert.deepEqual(names, ["ca_key.pem", "peer0.toml", "peer1.toml"]);
  });
});

Deno.test("gen-config refuses what is no count", () => {
  for (const count of ["-1", "x", "16", "1.5", ""]) {
    assert.throws(() => inFolder([count], () => {}), ExitError, count);
  }
});
