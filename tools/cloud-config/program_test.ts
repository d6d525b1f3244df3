import assert from "node:assert/strict";
import { addressesIn, Session } from "./testing/session.ts";

const PRIVKEY = "d8e3c336dd0c656e08e8860fd653e2e4a7ff8a8094ca8a36d4bd04facc0741f6";
const ADDRESS_SM = "f24aeda3a262e81507148d41a9eb9efd1489142c";
const ADDRESS_ETH = "24f6814c089bbb290e3295bf3459302cd6660295";
const ADDRESS = "AbcdefABCDEFabcdefABCDEFabcdefABCDEFabcd";

async function newChain(...flags: string[]): Promise<Session> {
  const session = new Session();
  await session.ok("init-chain");
  await session.ok("init-chain-config", ...flags);
  return session;
}

Deno.test("cloud-config prints version and help, and exits with 2 for a wrong line", async () => {
  using session = new Session();
  assert.deepEqual(await session.run("-V"), { code: 0, out: "cloud-config 6.3.3\n", err: "" });
  const help = await session.run();
  assert.equal(help.code, 2);
  assert.match(help.err, /init-chain-config {4}init chain config\n/);
  for (
    const line of [
      ["no-such-command"],
      ["set-admin"],
      ["init-chain", "--chain_name", "x"],
      ["init-chain-config", "--block-interval", "3"],
      ["init-chain-config", "--block_interval", "4294967296"],
      ["init-chain-config", "--timestamp", "-1"],
      ["init-node", "--domain", "0", "--account", ADDRESS, "--kms-port", "65536"],
      ["init-node", "--domain", "0", "--account", ADDRESS, "--log-level", "loud"],
      ["create-dev", "--peers-count", "65536"],
    ]
  ) {
    const result = await session.run(...line, "--config-dir", session.path);
    assert.equal(result.code, 2, line.join(" "));
    assert.equal(result.out, "");
  }
  assert.deepEqual(session.list("."), []);
});

Deno.test("commands of later versions are refused with the reason", async () => {
  using session = new Session();
  const error = await session.panic("migrate", "-d", "old");
  assert.equal(error, "Error: Cannot run migrate: this version does not read the files of 6.1.0\n");
  assert.match(await session.panic("create-k8s", "--admin", ADDRESS), /one machine only/);
});

Deno.test("init-chain refuses an existing chain and a name that leads elsewhere", async () => {
  using session = new Session();
  await session.ok("init-chain", "--chain-name", "a");
  assert.match(await session.panic("init-chain", "--chain-name", "a"), /DupChainName/);
  for (const name of ["..", "a/b", ""]) {
    assert.match(await session.panic("init-chain", "--chain-name", name), /Error: /, name);
  }
  const deeper = `${session.path}/x/y`;
  assert.equal((await session.run("init-chain", "--config-dir", deeper)).code, 0);
  assert.ok(session.has("x/y/test-chain/certs/.gitkeep"));
});

Deno.test("init-chain-config writes a fresh file with its defaults", async () => {
  using session = await newChain();
  const text = session.read("test-chain/chain_config.toml");
  assert.ok(text.startsWith("node_network_address_list = []\n\n[[micro_service_list]]\n"), text);
  assert.ok(text.includes("image = 'consensus_raft'"));
  assert.ok(text.includes("admin = ''"));
  await session.ok("set-admin", "--admin", ADDRESS);
  await session.ok("init-chain-config");
  assert.equal(session.read("test-chain/chain_config.toml"), text);
  const error = await session.panic("init-chain-config", "--chain-name", "none");
  assert.match(error, /open file\(".*none\/chain_config\.toml"\) failed\./);
});

Deno.test("init-chain-config stores every flag", async () => {
  using session = await newChain(
    "--timestamp=7",
    "--prevhash=0x01",
    "--version=1",
    "--chain_id=ab",
    "--block_interval=5",
    "--block_limit=9223372036854775807",
    "--network_image=n",
    "--kms_tag=t",
  );
  const text = session.read("test-chain/chain_config.toml");
  for (
    const line of [
      "timestamp = 7",
      "prevhash = '0x01'",
      "version = 1",
      "chain_id = 'ab'",
      "block_interval = 5",
      "block_limit = 9223372036854775807",
      "image = 'n'",
      "tag = 't'",
    ]
  ) assert.ok(text.includes(`\n${line}\n`), line);
});

Deno.test("set-admin and the validator commands check the length and keep the case", async () => {
  using session = await newChain();
  await session.ok("set-admin", "--admin", `0x${ADDRESS}`);
  await session.ok("set-validators", "--validators", `${ADDRESS},0x${ADDRESS}`);
  await session.ok("append-validator", "--validator", ADDRESS_SM);
  const text = session.read("test-chain/chain_config.toml");
  assert.ok(text.includes(`admin = '${ADDRESS}'`));
  assert.ok(
    text.includes(
      `validators = [\n    '${ADDRESS}',\n    '${ADDRESS}',\n    '${ADDRESS_SM}',\n]`,
    ),
  );
  for (const [command, flag] of [["set-admin", "admin"], ["append-validator", "validator"]]) {
    const error = await session.panic(command ?? "", `--${flag}`, "0x12");
    assert.match(error, /wrong address, please check!.*got "0x12"/);
  }
  const trailing = await session.panic("set-validators", "--validators", `${ADDRESS},`);
  assert.match(trailing, /wrong address, please check!/);
  assert.equal(session.read("test-chain/chain_config.toml"), text);
});

Deno.test("the node list commands replace, append and delete, sorted or not", async () => {
  using session = await newChain();
  await session.ok("set-nodelist", "--nodelist", "a:1:9,b:2:10,c:3:2:ignored");
  await session.ok("append-node", "--node", "d:65535:9");
  await session.ok("delete-node", "--domain", "10");
  const text = session.read("test-chain/chain_config.toml");
  const domains = [...text.matchAll(/^domain = '(.*)'$/gm)].map(([, domain]) => domain);
  assert.deepEqual(domains, ["9", "2", "9"]);
  for (const node of ["a:1", "a:65536:0", "a:x:0", "a::0", "a:1:b/c"]) {
    assert.match(await session.panic("append-node", "--node", node), /^Error: Cannot /, node);
  }
  const error = await session.panic("delete-node", "--domain", "10");
  assert.match(error, /Can't found node that want to delete!/);
  assert.equal(session.read("test-chain/chain_config.toml"), text);
});

Deno.test("import-account takes a key twice, in the chain's crypto", async () => {
  for (const [image, address] of [["kms_sm", ADDRESS_SM], ["kms_eth", ADDRESS_ETH]]) {
    using session = await newChain(`--kms_image=${image}`);
    const first = await session.ok("import-account", "--privkey", `0x${PRIVKEY}`);
    assert.equal(first, `key_id:1, address:${address}\n`);
    const second = await session.ok("import-account", "--privkey", PRIVKEY);
    assert.equal(second, `key_id:2, address:${address}\n`);
    assert.equal(session.read(`test-chain/accounts/${address}/key_id`), "2");
    const wrong = ["--privkey", PRIVKEY, "--kms-password", "x"];
    assert.match(await session.panic("import-account", ...wrong), /password mismatch!/);
  }
});

Deno.test("import-account refuses what is no secret key", async () => {
  using session = await newChain();
  const bad = ["xyz", "abc", "00".repeat(32), "ff".repeat(32), PRIVKEY.slice(2), ""];
  for (const privkey of bad) {
    const error = await session.panic("import-account", "--privkey", privkey);
    assert.match(error, /cannot import account: .*--privkey must be/, privkey);
  }
  using other = await newChain("--kms_image=crypto_sm");
  assert.match(await other.panic("import-account", "--privkey", PRIVKEY), /unknown kms type/);
  assert.equal(addressesIn(await other.ok("new-account")).length, 1);
});

Deno.test("new-account goes on with a key store that a crash left behind", async () => {
  using session = await newChain();
  const [address = ""] = addressesIn(await session.ok("new-account"));
  const accounts = `${session.path}/test-chain/accounts`;
  Deno.renameSync(`${accounts}/${address}/kms.db`, `${accounts}/kms.db`);
  const wrong = await session.panic("new-account", "--kms-password=other");
  assert.match(wrong, /password mismatch!/);
  assert.match(await session.ok("new-account"), /^key_id:2, address:[0-9a-f]{40}\n$/);
  assert.match(await session.panic("new-account", "--chain-name=x"), /Error while loading config/);
});

Deno.test("init-node stores its flags without looking at the chain", async () => {
  using session = new Session();
  await session.ok(
    "init-node",
    ...["--domain=a", `--account=0x${ADDRESS}`, "--kms-password=it's", "--key-id=2"],
    ...["--network-port=1", "--consensus-port=2", "--executor-port=3", "--storage-port=4"],
    ...["--controller-port=5", "--kms-port=6", "--network-listen-port=7"],
    ...["--package-limit=8", "--log-level=WARN"],
  );
  assert.equal(
    session.read("test-chain-a/node_config.toml"),
    `account = '${ADDRESS}'
db_key = '''it's'''
key_id = 2
log_level = 'WARN'
network_listen_port = 7
package_limit = 8

[grpc_ports]
consensus_port = 2
controller_port = 5
executor_port = 3
kms_port = 6
network_port = 1
storage_port = 4

`,
  );
  const large = ["--domain=a", `--account=${ADDRESS}`, `--key-id=${2n ** 64n - 1n}`];
  assert.match(await session.panic("init-node", ...large), /Cannot write key_id/);
});

Deno.test("update-node names the kind of service that is missing and keeps the file", async () => {
  using session = await newChain("--consensus_image=consensus_bft");
  const [account = ""] = addressesIn(await session.ok("new-account"));
  await session.ok("init-node", "--domain=0", "--account", account);
  await session.ok("update-node", "--domain=0", "--is-stdout", "--config-name=mine.toml");
  const config = session.read("test-chain-0/mine.toml");
  assert.ok(session.has("test-chain-0/consensus-log4rs.yaml"));
  for (const kind of ["network", "consensus", "executor", "storage", "controller", "kms"]) {
    await session.ok("init-chain-config", `--${kind}_image=other`);
    const error = await session.panic("update-node", "--domain=0", "--config-name=mine.toml");
    assert.match(error, new RegExp(`Error: unsupport ${kind} service`));
  }
  assert.equal(session.read("test-chain-0/mine.toml"), config);
});

Deno.test("update-node reports missing and damaged files", async () => {
  using session = await newChain();
  assert.match(await session.panic("update-node", "--domain=0"), /Error while loading config: \[/);
  await session.ok("init-node", "--domain=0", `--account=${ADDRESS}`);
  assert.match(await session.panic("update-node", "--domain=0"), /Cannot copy ".*kms\.db"/);
  session.write("test-chain-0/node_config.toml", "account = 1\n");
  const error = await session.panic("update-node", "--domain=0");
  assert.match(error, /node_config\.account of ".*": it must be a string, got 1/);
  session.write("test-chain/chain_config.toml", "stage = 'x'\n");
  const missing = await session.panic("update-node", "--domain=0");
  assert.match(missing, /micro_service_list of ".*": it must be there/);
});

Deno.test("delete-chain removes the nodes' folders, then the chain", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count=2");
  Deno.removeSync(`${session.path}/test-chain-1`, { recursive: true });
  assert.match(await session.panic("delete-chain"), /test-chain-1/);
  assert.ok(session.has("test-chain/chain_config.toml"));
  await session.ok("delete-node", "--domain=1");
  Deno.mkdirSync(`${session.path}/test-chain-0`);
  await session.ok("delete-chain");
  assert.deepEqual(session.list("."), []);
});
