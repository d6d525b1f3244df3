import assert from "node:assert/strict";
import { parseDocument } from "../../shared/config/mod.ts";
import { Session } from "./testing/session.ts";

const VECTORS = new URL("../../tests/vectors/cloud_config/", import.meta.url);
const recorded = (name: string) => Deno.readTextFileSync(new URL(name, VECTORS));

/** String value of a key anywhere in a recorded file. */
function valueIn(text: string, key: string): string {
  return new RegExp(`^${key} = '?([^'\n]+)'?$`, "m").exec(text)?.[1] ?? "";
}

/** The chain flags that give a recorded chain its genesis block. */
function genesisFlags(text: string): string[] {
  return ["--timestamp", valueIn(text, "timestamp"), "--chain_id", valueIn(text, "chain_id")];
}

Deno.test("the commands write the files of the recorded one-node chain byte by byte", async () => {
  using session = new Session();
  const config = recorded("single/config.toml");
  const nodeConfig = recorded("single/node_config.toml");
  const account = valueIn(nodeConfig, "account");
  await session.ok("init-chain");
  await session.ok(
    "init-chain-config",
    ...genesisFlags(config),
    "--network_image=network_tls",
    "--consensus_image=consensus_bft",
  );
  await session.ok("set-admin", "--admin", `0x${valueIn(config, "admin")}`);
  await session.ok("append-validator", "--validator", account);
  await session.ok("append-node", "--node", "127.0.0.1:40000:0");
  assert.equal(session.read("test-chain/chain_config.toml"), recorded("single/chain_config.toml"));

  const tls = Object(parseDocument(config, "config.toml").tables["network_tls"]);
  session.write("test-chain/ca_cert/cert.pem", tls.ca_cert);
  Deno.mkdirSync(`${session.path}/test-chain/certs/0`);
  session.write("test-chain/certs/0/cert.pem", tls.cert);
  session.write("test-chain/certs/0/key.pem", tls.priv_key);
  const accountPath = `${session.path}/test-chain/accounts/${account}`;
  Deno.mkdirSync(accountPath);
  Deno.copyFileSync(new URL("single/kms.db", VECTORS), `${accountPath}/kms.db`);
  await session.ok("init-node", "--domain", "0", "--account", account);
  assert.equal(session.read("test-chain-0/node_config.toml"), nodeConfig);
  await session.ok("update-node", "--domain", "0");
  assert.equal(session.read("test-chain-0/config.toml"), config);
  assert.deepEqual(
    Deno.readFileSync(`${session.path}/test-chain-0/kms.db`),
    Deno.readFileSync(new URL("single/kms.db", VECTORS)),
  );
});

Deno.test("the commands write the files of the recorded four-node chain byte by byte", async () => {
  using session = new Session();
  const configs = [0, 1, 2, 3].map((index) => recorded(`raft_p2p/config-${index}.toml`));
  const accounts = configs.map((config) => valueIn(config, "node_addr"));
  const [config = ""] = configs;
  await session.ok("init-chain");
  await session.ok("init-chain-config", ...genesisFlags(config));
  await session.ok("set-admin", "--admin", valueIn(config, "admin"));
  await session.ok("set-validators", "--validators", accounts.join(","));
  const nodes = [0, 1, 2, 3].map((index) => `127.0.0.1:${40000 + index}:${index}`);
  await session.ok("set-nodelist", "--nodelist", nodes.join(","));
  for (const [index, account] of accounts.entries()) {
    const base = 50000 + 1000 * index;
    const ports = ["network", "consensus", "executor", "storage", "controller", "kms"]
      .map((role, offset) => `--${role}-port=${base + offset}`);
    await session.ok(
      "init-node",
      ...["--domain", String(index), "--account", account, ...ports],
      `--network-listen-port=${40000 + index}`,
    );
    await session.ok("update-node", "--domain", String(index), "--is-old");
    assert.equal(session.read(`test-chain-${index}/config.toml`), configs[index]);
  }
});
