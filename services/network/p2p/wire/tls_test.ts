/** spec/network.md, section 3.3, between whole transports. */

import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { parseDocument, readTable } from "../../../../shared/config/mod.ts";
import {
  createCertificateAuthority,
  type Identity,
  issueCertificate,
} from "../../../../shared/x509/mod.ts";
import { testTransportContract } from "../../testing/transport_contract.ts";
import { P2P_TABLE, type P2pConfig } from "../config.ts";
import { openTransport, type TestTransport } from "../testing/open_transport.ts";
import { readTlsSettings } from "../tls_settings.ts";
import { TlsWire } from "./tls.ts";

const AUTHORITY = createCertificateAuthority();

/** Settings as the configuration gives them, from files that are gone when it returns. */
async function configOf(identity: Identity, lines: readonly string[] = []) {
  const folder = await Deno.makeTempDir({ prefix: "p2p-tls-" });
  const files = {
    ca_cert: AUTHORITY.certificatePem,
    server_chain_certs: identity.certificatePem,
    server_key: identity.privateKeyPem,
  };
  const keys = Object.entries(files).map(([name, text]) => {
    Deno.writeTextFileSync(`${folder}/${name}`, text);
    return `${name} = "${folder}/${name}"`;
  });
  const source = ["[network_p2p]", "enable_tls = true", ...keys, ...lines].join("\n");
  const config: P2pConfig = readTable(P2P_TABLE, parseDocument(source, "config.toml"));
  try {
    return readTlsSettings(config);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface TlsOptions {
  readonly domain: string;
  readonly peers?: readonly string[];
  readonly lines?: readonly string[];
  /** Who has issued the certificate, by default the authority that all trust. */
  readonly issuer?: Identity;
}

async function openTls({ domain, peers = [], lines = [], issuer }: TlsOptions) {
  const identity = issueCertificate(issuer ?? AUTHORITY, domain);
  const settings = await configOf(identity, lines);
  return await openTransport({ peers, wire: new TlsWire(settings, SYSTEM_CLOCK) });
}

const addressOf = ({ transport }: TestTransport, domain: string) =>
  `/dns4/127.0.0.1/tcp/${transport.port}/tls/${domain}`;

testTransportContract("P2pTransport with TLS", {
  async open(count) {
    const nodes: TestTransport[] = [];
    while (nodes.length < count) {
      const peers = nodes.map((node, index) => addressOf(node, `node${index}.fy`));
      nodes.push(await openTls({ domain: `node${nodes.length}.fy`, peers }));
    }
    await Promise.all(nodes.map(({ log }) => log.waitFor(/^session \d+ opened/, count - 1)));
    return nodes;
  },
});

Deno.test("TLS: an accepted peer has an empty /tls/ in its address, as upstream", async () => {
  await using a = await openTls({ domain: "a.fy" });
  await using b = await openTls({ domain: "b.fy", peers: [addressOf(a, "a.fy")] });
  await Promise.all([a, b].map(({ log }) => log.waitFor(/^session 1 opened/)));
  assert.match(a.transport.peers()[0]?.multiAddress ?? "", /^\/ip4\/127.0.0.1\/tcp\/\d+\/tls\/$/);
  assert.equal(b.transport.peers()[0]?.multiAddress, addressOf(a, "a.fy"));
});

Deno.test("TLS: a peer of another authority is refused, on both sides", async () => {
  const issuer = createCertificateAuthority();
  await using a = await openTls({ domain: "a.fy" });
  await using stranger = await openTls({ domain: "b.fy", issuer, peers: [addressOf(a, "a.fy")] });
  await a.log.waitFor(/^service error: TlsError/);
  a.transport.dial(addressOf(stranger, "b.fy"));
  await a.log.waitFor(/^service error: DialerError/);
  assert.equal(a.transport.peerCount(), 0n);
  assert.equal(stranger.log.count(/^session \d+ opened/), 0);
});

Deno.test("TLS: authorities that the runtime trusts and the configuration does not are refused", async () => {
  const issuer = createCertificateAuthority();
  const settings = await configOf(issueCertificate(AUTHORITY, "a.fy"));
  const ca = settings.tls.ca + issuer.certificatePem; // as if the runtime had it among its own
  const wire = new TlsWire({ ...settings, tls: { ...settings.tls, ca } }, SYSTEM_CLOCK);
  await using a = await openTransport({ wire });
  await using stranger = await openTls({ domain: "b.fy", issuer, peers: [addressOf(a, "a.fy")] });
  await a.log.waitFor(/^service error: TlsError: .*issuer|^service error: TlsError: .*root/i);
  a.transport.dial(addressOf(stranger, "b.fy"));
  await a.log.waitFor(/^service error: DialerError.*(issuer|root)/i);
  assert.equal(a.transport.peerCount(), 0n);
});

Deno.test("TLS: a peer with another name than the dialled one is refused", async () => {
  await using a = await openTls({ domain: "a.fy" });
  await using b = await openTls({ domain: "b.fy", peers: [addressOf(a, "other.fy")] });
  await b.log.waitFor(/^service error: DialerError.*not valid for name/);
  assert.equal(b.transport.peerCount(), 0n);
});

Deno.test("TLS: an address needs a domain, and a plain node none", async () => {
  await using a = await openTls({ domain: "a.fy" });
  await using plain = await openTransport({});
  for (
    const bad of [
      "/ip4/127.0.0.1/tcp/1",
      "/ip4/127.0.0.1/tcp/1/tls/",
      "/ip4/127.0.0.1/tcp/1/tls/a..b",
    ]
  ) {
    a.transport.dial(bad);
  }
  await a.log.waitFor(/TlsError: the address needs a \/tls\/ component/, 3);
  plain.transport.dial(addressOf(a, "a.fy"));
  await plain.log.waitFor(/TlsError: tls config is not set/);
});

Deno.test("TLS: a plain dialler is refused", async () => {
  await using a = await openTls({ domain: "a.fy" });
  await using plain = await openTransport({ peers: [`/ip4/127.0.0.1/tcp/${a.transport.port}`] });
  await a.log.waitFor(/^service error: TlsError/);
  assert.equal(plain.transport.peerCount(), 0n);
});

Deno.test("TLS: protocols bound the version; ALPN that nobody takes does no harm", async () => {
  await using old = await openTls({ domain: "a.fy", lines: ['protocols = ["1.2"]'] });
  await using both = await openTls({
    domain: "b.fy",
    peers: [addressOf(old, "a.fy")],
    lines: ['protocols = ["1.3", "1.2"]'],
  });
  await both.log.waitFor(/^session 1 opened/);
  await using modern = await openTls({
    domain: "c.fy",
    peers: [addressOf(old, "a.fy")],
    lines: ['protocols = ["1.3"]'],
  });
  await modern.log.waitFor(/^service error: DialerError.*ProtocolVersion/);
});

Deno.test("TLS: both sides come to a suite that is configured, or not together", async () => {
  const only = (suite: string) => [`cypher_suits = ["${suite}"]`];
  const chacha = only("tls13_chacha20_poly1305_sha256");
  await using a = await openTls({ domain: "a.fy", lines: chacha });
  await using b = await openTls({ domain: "b.fy", peers: [addressOf(a, "a.fy")] });
  await b.log.waitFor(/^session 1 opened/);
  const aes = only("TLS13_AES_256_GCM_SHA384");
  await using c = await openTls({ domain: "c.fy", lines: aes, peers: [addressOf(a, "a.fy")] });
  await c.log.waitFor(/^service error: DialerError.*HandshakeFailure/);
  await a.log.waitFor(/TlsError: .*NoCipherSuitesInCommon/);
  assert.equal(a.transport.peerCount(), 1n);
});

Deno.test("readTlsSettings() completes a lone certificate, and no chain", async () => {
  const alone = await configOf(issueCertificate(AUTHORITY, "a.fy"));
  assert.equal(alone.identity.chain.length, 2);
  assert.equal(alone.tls.cert.match(/BEGIN CERTIFICATE/g)?.length, 2);
  const middle = createCertificateAuthority({ parent: AUTHORITY });
  const { certificatePem, privateKeyPem } = issueCertificate(middle, "a.fy");
  const pem = certificatePem + middle.certificatePem;
  const chain = await configOf({ certificatePem: pem, privateKeyPem });
  assert.equal(chain.tls.cert, pem);
});

Deno.test("readTlsSettings() names the key that cannot be used", async () => {
  const identity = issueCertificate(AUTHORITY, "a.fy");
  const other = issueCertificate(AUTHORITY, "b.fy");
  const refuses = (changes: Partial<Identity>, lines: readonly string[], wanted: RegExp) =>
    assert.rejects(configOf({ ...identity, ...changes }, lines), wanted);
  await refuses({ certificatePem: "" }, [], /Cannot use network_p2p.server_chain_certs/);
  await refuses({ privateKeyPem: "rubbish" }, [], /Cannot use network_p2p.server_key/);
  await refuses({ privateKeyPem: other.privateKeyPem }, [], /not the key of server_chain_certs/);
  await refuses({}, ['protocols = ["1.1"]'], /network_p2p.protocols: .* got "1.1"/);
  await refuses({}, ["protocols = []"], /network_p2p.protocols/);
  await refuses({}, ["cypher_suits = []"], /network_p2p.cypher_suits: .* got ""/);
  await refuses({}, ['cypher_suits = ["NULL"]'], /network_p2p.cypher_suits: .* got "NULL"/);
  const config = readTable(P2P_TABLE, parseDocument("[network_p2p]", "config.toml"));
  assert.throws(() => readTlsSettings(config), /enable_tls: it needs network_p2p.ca_cert/);
});
