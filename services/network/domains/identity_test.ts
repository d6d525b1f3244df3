import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { ConfigError } from "../../../shared/config/mod.ts";
import { createCertificateAuthority, issueCertificate } from "../../../shared/x509/mod.ts";
import { checkPeer, type IdentityConfig, ownProblem, readIdentity } from "./identity.ts";
import { identityKeys, identityOf, TEST_AUTHORITY } from "./testing/certificates.ts";

const NOW_MS = Date.UTC(2026, 10, 27);
const DAY_MS = 86_400_000;

function assertRefused(changes: Partial<IdentityConfig>, reason: RegExp): void {
  const config = { ...identityKeys("a.test"), ...changes };
  assert.throws(
    () => readIdentity("network_tls", config),
    (error) => error instanceof ConfigError && reason.test(error.message),
    String(reason),
  );
}

Deno.test("readIdentity() names the key that is missing or no PEM", () => {
  const { cert, priv_key } = identityKeys("a.test");
  for (const key of ["ca_cert", "cert", "priv_key"]) {
    for (const bad of ["", "rubbish", "/etc/certs/ca.pem"]) {
      assertRefused(
        { [key]: bad },
        new RegExp(`^Cannot use network_tls.${key}: .*got no PEM block`),
      );
    }
  }
  assertRefused({ cert: priv_key }, /^Cannot use network_tls.cert: .*must have a block/);
  assertRefused({ priv_key: cert }, /^Cannot use network_tls.priv_key: .*must have a block/);
  const broken = cert.replace(/-----\r\n.{20}/, "-----\r\nAAAAAAAAAAAAAAAAAAAA");
  assertRefused({ cert: broken }, /^Cannot use network_tls.cert: /);
  const cut = priv_key.replace(/\r\n.{30}/, "\r\n");
  assertRefused({ priv_key: cut }, /^Cannot use network_tls.priv_key: /);
});

Deno.test("readIdentity() takes keys in PKCS#8 only, and tells no secret", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const sec1 = String(privateKey.export({ type: "sec1", format: "pem" }));
  assertRefused({ priv_key: sec1 }, /must have a block "BEGIN PRIVATE KEY", got "BEGIN EC PRIV/);
  const secret = identityKeys("a.test").priv_key.slice(60, 80);
  assertRefused({ priv_key: `-----BEGIN X-----\n${secret}\n` }, new RegExp(`^((?!${secret}).)*$`));
});

Deno.test("readIdentity() refuses a key that is not that of the certificate", () => {
  const { priv_key } = identityKeys("a.test");
  assertRefused(
    { priv_key },
    /^Cannot use network_tls.priv_key: it must be the key of network_tls/,
  );
});

Deno.test("readIdentity() takes lines that end with LF, CR LF or CR CR LF", () => {
  const keys = identityKeys("a.test");
  for (const end of ["\n", "\r\n", "\r\r\n"]) {
    const written = Object.entries(keys).map(([key, pem]) => [key, pem.replaceAll(/\r?\n/g, end)]);
    const config = { ...keys, ...Object.fromEntries(written) };
    const { chain: [leaf], roots } = readIdentity("network_tls", config);
    assert.deepEqual([leaf.dnsNames, roots.length], [["a.test"], 1]);
  }
});

Deno.test("readIdentity() takes several roots, and a chain", () => {
  const other = createCertificateAuthority();
  const intermediate = createCertificateAuthority({ parent: other });
  const { ca_cert, cert, priv_key } = identityKeys("a.test", intermediate);
  const config = {
    ca_cert: TEST_AUTHORITY.certificatePem + other.certificatePem,
    cert: cert + ca_cert,
    priv_key,
  };
  const identity = readIdentity("network_tls", config);
  assert.deepEqual([identity.roots.length, identity.chain.length], [2, 2]);
  assert.equal(ownProblem(identity, NOW_MS), null);
});

Deno.test("ownProblem() says why peers will refuse this node", () => {
  assert.equal(ownProblem(identityOf("a.test"), NOW_MS), null);
  const foreign = {
    ...identityKeys("a.test"),
    ca_cert: createCertificateAuthority().certificatePem,
  };
  const problemOf = (config: IdentityConfig, nowMs = NOW_MS) =>
    ownProblem(readIdentity("network_tls", config), nowMs) ?? "none";
  assert.notEqual(problemOf(foreign), "none");
  const limited = (options: Parameters<typeof issueCertificate>[2]) => {
    const issued = issueCertificate(TEST_AUTHORITY, "a.test", options);
    const { certificatePem: cert, privateKeyPem: priv_key } = issued;
    return { ca_cert: TEST_AUTHORITY.certificatePem, cert, priv_key };
  };
  const day = limited({ notBeforeMs: NOW_MS, notAfterMs: NOW_MS + DAY_MS });
  assert.equal(problemOf(day), "none");
  assert.match(problemOf(day, NOW_MS + 2 * DAY_MS), /there must be certificates that /);
  assert.match(problemOf(day, NOW_MS - DAY_MS), /there must be certificates that have begun/);
  assert.equal(problemOf(limited({ usages: ["server", "client"] })), "none");
  for (const usage of ["server", "client"] as const) {
    assert.notEqual(problemOf(limited({ usages: [usage] })), "none", "it must serve both sides");
  }
});

Deno.test("checkPeer() asks for the authority, and the domain of whom it dialled", () => {
  const own = identityOf("a.test");
  const check = (chain: readonly Uint8Array[], domain: string | null) =>
    checkPeer(own, { chain, usage: "server", domain, nowMs: NOW_MS });
  const peer = [identityOf("b.test").chain[0].der];
  assert.deepEqual(check(peer, null), ["b.test"]);
  assert.deepEqual(check(peer, "b.test"), ["b.test"]);
  assert.deepEqual(check(peer, "c.test"), {
    refusal: 'the certificate is not valid for "c.test"',
  });
  const stranger = [identityOf("b.test", createCertificateAuthority()).chain[0].der];
  for (const chain of [stranger, [], [new Uint8Array([1, 2, 3])]]) {
    assert("refusal" in check(chain, "b.test"));
    assert("refusal" in check(chain, null));
  }
});
