import assert from "node:assert/strict";
import { parseDocument } from "../../shared/config/mod.ts";
import {
  createCertificateAuthority,
  matchesDomain,
  readCertificates,
  readPrivateKey,
  verifyChain,
} from "../../shared/x509/mod.ts";
import { Session, TEST_TIME_MS } from "./testing/session.ts";

const NODE_FILES = ["cert.pem", "csr.pem", "key.pem"];

/** A node's table of its network service. */
function networkTable(session: Session, { node, table }: { node: string; table: string }) {
  const { tables } = parseDocument(session.read(`${node}/config.toml`), "config.toml");
  const { ca_cert, cert, priv_key, peers = [] } = Object(tables[table]);
  const names: string[] = Object(peers).map(({ domain }: { domain: string }) => domain);
  return { caCert: String(ca_cert), cert: String(cert), privKey: String(priv_key), names };
}

/** Why a peer does not trust a certificate, or the names it is for. */
function namesOf(cert: string, caCert: string): readonly string[] | string {
  const result = verifyChain({
    chain: readCertificates(cert).map(({ der }) => der),
    roots: readCertificates(caCert),
    nowMs: TEST_TIME_MS,
    usage: "server",
  });
  return result.kind === "verified" ? result.leaf.dnsNames : result.reason;
}

function modeOf(session: Session, path: string): number {
  return (Deno.statSync(`${session.path}/${path}`).mode ?? 0) & 0o777;
}

for (const [flag, table] of [["--is-tls", "network_tls"], ["--is-quic", "network_quic"]] as const) {
  Deno.test(`create-dev ${flag} certifies each node, and all of them know each other`, async () => {
    using session = new Session();
    await session.ok("create-dev", "--peers-count=3", "--chain-name=c", flag);
    assert.deepEqual(session.list("c/ca_cert"), [".gitkeep", "cert.pem", "key.pem"]);
    assert.match(session.read("c/chain_config.toml"), new RegExp(`image = '${table}'`));
    const nodes = ["c-0", "c-1", "c-2"];
    const tables = nodes.map((node) => networkTable(session, { node, table }));
    for (const [index, { cert, caCert, privKey, names }] of tables.entries()) {
      assert.deepEqual(session.list(`c/certs/${index}`), NODE_FILES);
      assert.deepEqual(namesOf(cert, caCert), [nodes[index]]);
      assert.equal(`\n${session.read(`c/certs/${index}/key.pem`)}`.trim(), privKey.trim());
      assert.equal(readPrivateKey(privKey).asymmetricKeyType, "ec");
      assert.deepEqual(names, nodes.toSpliced(index, 1));
      for (const name of names) assert.ok(nodes.some((node) => matchesDomain(node, name)));
    }
    assert.equal(new Set(tables.map(({ cert }) => cert)).size, 3);
    for (const path of ["c/ca_cert/key.pem", "c/certs/2/key.pem", "c-2/config.toml"]) {
      assert.equal(modeOf(session, path), 0o600, path);
    }
    assert.equal(modeOf(session, "c/certs/2/cert.pem"), 0o644);
  });
}

Deno.test("create-dev --is-tls writes the section of the specification", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count=2", "--is-tls");
  const body = String.raw`([A-Za-z0-9+/=]{1,64}\\r\n)+`;
  const pem = (label: string) =>
    `"""\n-----BEGIN ${label}-----\\\\r\n${body}-----END ${label}-----`;
  const lines = [
    String.raw`^\[network_tls\]`,
    `ca_cert = ${pem("CERTIFICATE")}\\\\r\n"""`,
    `cert = ${pem("CERTIFICATE")}\\\\r\n"""`,
    "grpc_port = 51000",
    "listen_port = 40001",
    `priv_key = ${pem("PRIVATE KEY")}\\\\r\n"""`,
    "reconnect_timeout = 5\n",
    String.raw`\[\[network_tls\.peers\]\]`,
    "domain = 'test-chain-0'",
    String.raw`host = '127\.0\.0\.1'`,
    "port = 40000\n",
    String.raw`\[consensus_raft\]`,
  ];
  assert.match(session.read("test-chain-1/config.toml"), new RegExp(lines.join("\n")));
});

Deno.test("append-dev certifies the new node by the same authority, delete-dev removes it", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count=1", "--is-tls");
  const before = session.read("test-chain/certs/0/cert.pem");
  await session.ok("append-dev");
  const table = "network_tls";
  const first = networkTable(session, { node: "test-chain-0", table });
  const second = networkTable(session, { node: "test-chain-1", table });
  assert.deepEqual(namesOf(second.cert, first.caCert), ["test-chain-1"]);
  assert.deepEqual([first.names, second.names], [["test-chain-1"], ["test-chain-0"]]);
  assert.equal(session.read("test-chain/certs/0/cert.pem"), before);

  await session.ok("delete-dev");
  assert.ok(!session.has("test-chain/certs/1"));
  assert.deepEqual(networkTable(session, { node: "test-chain-0", table }).names, []);
});

Deno.test("create-ca, create-csr and sign-csr make them step by step, again where they are", async () => {
  using session = new Session();
  await session.ok("init-chain");
  await session.ok("create-ca");
  await session.ok("create-csr", "--domain=a.b");
  assert.deepEqual(session.list("test-chain/certs/a.b"), ["csr.pem", "key.pem"]);
  await session.ok("sign-csr", "--domain=a.b");
  const cert = session.read("test-chain/certs/a.b/cert.pem");
  const caCert = () => session.read("test-chain/ca_cert/cert.pem");
  assert.deepEqual(namesOf(cert, caCert()), ["test-chain-a.b"]);
  assert.match(cert, /^-----BEGIN CERTIFICATE-----\r\n(.{64}\r\n)+.{1,64}\r\n-----END/);

  await session.ok("create-ca");
  assert.equal(namesOf(cert, caCert()), "unknown-issuer");
  await session.ok("sign-csr", "--domain=a.b");
  assert.deepEqual(namesOf(session.read("test-chain/certs/a.b/cert.pem"), caCert()), [
    "test-chain-a.b",
  ]);
});

Deno.test("the commands for certificates say what is missing or wrong", async () => {
  using session = new Session();
  assert.match(await session.panic("create-ca"), /^Error: open file\(".*\/key\.pem"\) failed\. /);
  await session.ok("init-chain");
  const sign = () => session.panic("sign-csr", "--domain=0");
  assert.match(await sign(), /^Error: Cannot read ".*\/ca_cert\/cert\.pem": No such file/);
  await session.ok("create-ca");
  assert.match(await sign(), /^Error: Cannot read ".*\/certs\/0\/csr\.pem": No such file/);
  await session.ok("create-csr", "--domain=0");
  session.write("test-chain/certs/0/csr.pem", caFile(session));
  assert.match(await sign(), /^Error: Cannot sign ".*csr\.pem": .* got "BEGIN CERTIFICATE"\n$/);
  await session.ok("create-csr", "--domain=0");
  session.write("test-chain/ca_cert/key.pem", createCertificateAuthority().privateKeyPem);
  assert.match(await sign(), /Cannot use the authority: its key must be that of its certificate/);
  for (const domain of ["a b", "x/../y", "..", "é", "-"]) {
    assert.match(await session.panic("create-csr", "--domain", domain), /^Error: Cannot /, domain);
  }
  for (const line of [["create-csr"], ["sign-csr"], ["create-ca", "--domain=0"]]) {
    assert.equal((await session.run(...line)).code, 2, line.join(" "));
  }
});

const caFile = (session: Session) => session.read("test-chain/ca_cert/cert.pem");

Deno.test("update-node of a chain with network_tls needs the node's certificate", async () => {
  using session = new Session();
  await session.ok("create-dev", "--peers-count=1", "--is-tls");
  Deno.removeSync(`${session.path}/test-chain/certs/0/cert.pem`);
  const error = await session.panic("update-node", "--domain=0");
  assert.match(error, /^Error: Cannot read ".*\/certs\/0\/cert\.pem": No such file/);
});
