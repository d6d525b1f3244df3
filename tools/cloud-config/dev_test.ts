import assert from "node:assert/strict";
import { loadSuite, type SuiteName } from "../../shared/crypto/mod.ts";
import { toHex } from "../../shared/bytes/mod.ts";
import { openKmsDb } from "../../shared/kms_db/mod.ts";
import { devPorts } from "./dev.ts";
import { addressesIn, Session, TEST_TIME_MS } from "./testing/session.ts";

const NODE_FILES = [
  "config.toml",
  "controller-log4rs.yaml",
  "executor-log4rs.yaml",
  "kms-log4rs.yaml",
  "kms.db",
  "network-log4rs.yaml",
  "node_config.toml",
  "storage-log4rs.yaml",
];

/** A configuration with the accounts' addresses replaced by their names. */
function withNames(text: string, addresses: readonly string[]): string {
  return addresses.reduce(
    (named, address, index) => named.replaceAll(address, index === 0 ? "ADMIN" : `A${index - 1}`),
    text,
  );
}

async function accountsOf(session: Session, suiteName: SuiteName, path: string) {
  const suite = await loadSuite(suiteName);
  const db = await openKmsDb({ path: `${session.path}/${path}`, password: "123456", suite });
  const accounts = db.listAccounts();
  db.close();
  return accounts.map(({ keyId, address, description }) => ({
    keyId,
    address: toHex(address),
    description,
  }));
}

Deno.test("create-dev writes the example of the specification", async () => {
  using session = new Session();
  const addresses = addressesIn(await session.ok("create-dev"));
  assert.equal(addresses.length, 5);
  assert.deepEqual(session.list("."), [
    "test-chain",
    ...["0", "1", "2", "3"].map((domain) => `test-chain-${domain}`),
  ]);
  assert.deepEqual(session.list("test-chain"), [
    ".gitignore",
    "accounts",
    "ca_cert",
    "certs",
    "chain_config.toml",
  ]);
  assert.deepEqual(session.list("test-chain-1"), NODE_FILES);
  assert.equal(
    session.read("test-chain/.gitignore"),
    "accounts/*/\nca_cert/key.pem\ncerts/*/key.pem\n",
  );
  assert.equal(
    withNames(session.read("test-chain-1/config.toml"), addresses),
    `[network_p2p]
grpc_port = 51000
port = 40001

[[network_p2p.peers]]
address = '/dns4/127.0.0.1/tcp/40000'

[[network_p2p.peers]]
address = '/dns4/127.0.0.1/tcp/40002'

[[network_p2p.peers]]
address = '/dns4/127.0.0.1/tcp/40003'

[consensus_raft]
controller_port = 51004
grpc_listen_port = 51001
network_port = 51000
node_addr = 'A1'

[executor_evm]
executor_port = 51002

[storage_rocksdb]
kms_port = 51005
storage_port = 51003

[genesis_block]
prevhash = '0x${"0".repeat(64)}'
timestamp = ${TEST_TIME_MS}

[system_config]
admin = 'ADMIN'
block_interval = 3
block_limit = 100
chain_id = '63586a3c0255f337c77a777ff54f0040b8c388da04f23ecee6bfd4953a6512b4'
validators = [
    'A0',
    'A1',
    'A2',
    'A3',
]
version = 0

[controller]
consensus_port = 51001
controller_port = 51004
executor_port = 51002
key_id = 1
kms_port = 51005
network_port = 51000
node_address = 'A1'
package_limit = 30000
storage_port = 51003

[kms_sm]
db_key = '123456'
kms_port = 51005

`,
  );
});

Deno.test("create-dev equals the commands it is made of", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count=2", "--is-bft", "--is-eth", "--chain-name=dev");
  using steps = new Session();
  const chain = ["--chain-name", "dev"];
  const images = ["--consensus_image=consensus_bft", "--kms_image=kms_eth"];
  await steps.ok("init-chain", ...chain);
  await steps.ok("init-chain-config", ...chain, ...images);
  const addresses: string[] = [];
  for (let i = 0; i < 3; i++) {
    addresses.push(...addressesIn(await steps.ok("new-account", ...chain)));
  }
  const [admin = "", ...validators] = addresses;
  await steps.ok("set-admin", ...chain, "--admin", admin);
  await steps.ok("set-validators", ...chain, "--validators", validators.join());
  await steps.ok("set-nodelist", ...chain, "--nodelist", "127.0.0.1:40000:0,127.0.0.1:40001:1");
  for (const [index, account] of validators.entries()) {
    const node = [...chain, "--domain", String(index)];
    const ports = ["network", "consensus", "executor", "storage", "controller", "kms"]
      .map((role, offset) => `--${role}-port=${50000 + 1000 * index + offset}`);
    const listen = `--network-listen-port=${40000 + index}`;
    await steps.ok("init-node", ...node, "--account", account, ...ports, listen);
    await steps.ok("update-node", ...node);
  }
  const files = ["dev/chain_config.toml", "dev-0/config.toml", "dev-1/config.toml"];
  for (const file of [...files, "dev-1/node_config.toml", "dev-0/consensus-log4rs.yaml"]) {
    const unnamed = (text: string) => text.replaceAll(/[0-9a-f]{40}'/g, "ADDRESS'");
    assert.equal(unnamed(session.read(file)), unnamed(steps.read(file)), file);
  }
});

for (const [suite, flags] of [["sm", []], ["eth", ["--is-eth"]]] as const) {
  Deno.test(`create-dev gives each node its own key store of ${suite}`, async () => {
    using session = new Session();
    const out = await session.ok("create-dev", "--peers-count", "1", ...flags);
    const [admin = "", node = ""] = addressesIn(out);
    assert.match(session.read("test-chain/chain_config.toml"), new RegExp(`kms_${suite}`));
    for (
      const [path, address] of [
        [`test-chain/accounts/${admin}/kms.db`, admin],
        [`test-chain/accounts/${node}/kms.db`, node],
        ["test-chain-0/kms.db", node],
      ] as const
    ) {
      assert.deepEqual(await accountsOf(session, suite, path), [
        { keyId: 1n, address, description: "create by cmd" },
      ]);
      assert.equal((Deno.statSync(`${session.path}/${path}`).mode ?? 0) & 0o777, 0o600);
    }
    assert.equal(session.read(`test-chain/accounts/${node}/key_id`), "1");
    assert.deepEqual(session.list("test-chain/accounts"), [".gitkeep", admin, node].sort());
  });
}

Deno.test("create-dev keeps secrets to their owner", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count", "1");
  for (const file of ["config.toml", "node_config.toml", "kms.db"]) {
    const { mode } = Deno.statSync(`${session.path}/test-chain-0/${file}`);
    assert.equal((mode ?? 0) & 0o777, 0o600, file);
  }
});

Deno.test("create-dev refuses what it cannot make before it writes anything", async () => {
  using session = new Session();
  const name = "--chain-name=a b";
  assert.match(
    await session.panic("create-dev", "--is-tls", name),
    /^Error: Cannot make a certificate for "a b-0"/,
  );
  assert.equal((await session.run("create-dev", "--is-tls", "--is-quic")).code, 2);
  assert.match(await session.panic("create-dev", "--peers-count=17"), /node 16 its ports/);
  assert.match(await session.panic("create-dev", "--base-port=63000"), /node 3 its ports/);
  assert.deepEqual(session.list("."), []);
  await session.ok("create-dev", "--peers-count=0");
  assert.match(await session.panic("create-dev"), /DupChainName/);
});

Deno.test("create-dev writes the log level into the log files", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count=1", "--log-level=debug", "--is-bft");
  const yaml = session.read("test-chain-0/consensus-log4rs.yaml");
  assert.match(yaml, /^ {2}level: debug$/m);
  assert.match(yaml, /^ {4}path: "logs\/consensus-service\.log"$/m);
});

Deno.test("devPorts() keeps the reference layout unless a base port is given", () => {
  const { listen, grpc } = devPorts(2, undefined);
  assert.equal(listen, 40002);
  assert.equal(grpc.network_port, 52000);
  assert.equal(grpc.kms_port, 52005);
  const moved = devPorts(2, 21000);
  assert.equal(moved.listen, 23010);
  assert.equal(moved.grpc.controller_port, 23004);
});

Deno.test("append-dev adds a node that is no validator, delete-dev removes the last", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count=2", "--is-bft");
  const before = ["0", "1"].map((domain) => session.read(`test-chain-${domain}/config.toml`));
  session.write("test-chain-0/kms-log4rs.yaml", "kept");
  const [address = ""] = addressesIn(await session.ok("append-dev"));
  assert.match(
    session.read("test-chain-0/config.toml"),
    /address = '\/dns4\/127\.0\.0\.1\/tcp\/40002'/,
  );
  assert.match(session.read("test-chain-2/config.toml"), new RegExp(`= '0x${address}'`));
  assert.ok(session.has(`test-chain/accounts/${address}/kms.db`));
  const chain = session.read("test-chain/chain_config.toml");
  assert.ok(!chain.includes(address));
  assert.match(chain, /domain = '2'/);

  await session.ok("delete-dev");
  assert.ok(!session.has("test-chain-2"));
  assert.ok(!session.has(`test-chain/accounts/${address}`));
  for (const domain of ["0", "1"]) {
    const config = session.read(`test-chain-${domain}/config.toml`);
    assert.equal(config, before[Number(domain)]);
  }
  assert.equal(session.read("test-chain-0/kms-log4rs.yaml"), "kept");
});

Deno.test("delete-dev of an empty chain and append-dev over a node change nothing", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count=3");
  await session.ok("delete-node", "--domain", "0");
  assert.match(await session.panic("append-dev"), /Cannot append node "2": it must be new/);
  await session.ok("create-dev", "--peers-count=0", "--chain-name", "empty");
  const error = await session.panic("delete-dev", "--chain-name", "empty");
  assert.match(error, /Can't found node that want to delete!/);
});
