import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { bytesToUint } from "../bytes/mod.ts";
import { CertificateError } from "./errors.ts";
import {
  createCertificateAuthority,
  createSigningRequest,
  issueCertificate,
  signRequest,
} from "./issue.ts";
import { formatPem, readBlock, readCertificates } from "./pem.ts";
import { openssl } from "./testing/openssl.ts";
import { verifyChain } from "./verify.ts";

const AUTHORITY = createCertificateAuthority();
const [ROOT] = readCertificates(AUTHORITY.certificatePem);
const NOW_MS = Date.UTC(2026, 10, 27);

function check(pem: string, usage: "client" | "server" = "server"): string {
  const chain = readCertificates(pem).map(({ der }) => der);
  const result = verifyChain({ chain, roots: [ROOT], nowMs: NOW_MS, usage });
  return result.kind === "verified" ? result.kind : result.reason;
}

Deno.test("issueCertificate() makes what its authority's root verifies", () => {
  const { certificatePem, privateKeyPem } = issueCertificate(AUTHORITY, "test-chain-0");
  assert.equal(check(certificatePem), "verified");
  assert.deepEqual(readCertificates(certificatePem)[0].dnsNames, ["test-chain-0"]);
  assert.match(privateKeyPem, /^-----BEGIN PRIVATE KEY-----\r\n(.{64}\r\n){2}.{1,64}\r\n-----END/);
  assert.notEqual(privateKeyPem, issueCertificate(AUTHORITY, "test-chain-0").privateKeyPem);
});

Deno.test("issueCertificate() makes expired and restricted ones, and chains, for tests", () => {
  const expired = { notAfterMs: NOW_MS - 1000 };
  assert.equal(check(issueCertificate(AUTHORITY, "a", expired).certificatePem), "expired");
  const client = issueCertificate(AUTHORITY, "a", { usages: ["client"] }).certificatePem;
  assert.equal(check(client, "client"), "verified");
  assert.equal(check(client, "server"), "usage");
  const parent = createCertificateAuthority({ parent: AUTHORITY, pathLengthMax: 0 });
  const leaf = issueCertificate(parent, "a");
  assert.equal(check(leaf.certificatePem + parent.certificatePem), "verified");
  const lower = createCertificateAuthority({ parent });
  const below = issueCertificate(lower, "a").certificatePem;
  assert.equal(check(below + lower.certificatePem + parent.certificatePem), "path-too-long");
});

Deno.test("serial number and key identifier are made of the hash of the public key", () => {
  const [{ der, publicKeyInfo }] = readCertificates(AUTHORITY.certificatePem);
  const hash = createHash("sha256").update(publicKeyInfo.slice(-65)).digest();
  const serial = bytesToUint(hash.subarray(0, 8).toReversed());
  const digits = serial.toString(16);
  assert.ok(der.toHex().includes(digits.padStart(digits.length + digits.length % 2, "0")));
  assert.ok(der.toHex().includes(`04160414${hash.subarray(0, 20).toString("hex")}`));
});

Deno.test("signRequest() refuses a request that its key did not sign", () => {
  const { requestPem } = createSigningRequest("a");
  const der = readBlock(requestPem, "CERTIFICATE REQUEST").slice();
  const at = der.toHex().indexOf("8201" + "61") / 2 + 2;
  der[at] = "b".charCodeAt(0);
  assert.throws(
    () => signRequest(AUTHORITY, formatPem("CERTIFICATE REQUEST", der)),
    new CertificateError(
      "unsigned",
      "Cannot use the signing request: it must be signed with the key that it is for",
    ),
  );
});

Deno.test("signRequest() refuses an authority whose key is not its own", () => {
  const { privateKeyPem } = createCertificateAuthority();
  const { requestPem } = createSigningRequest("a");
  assert.throws(
    () => signRequest({ ...AUTHORITY, privateKeyPem }, requestPem),
    /Cannot use the authority: its key must be that of its certificate/,
  );
  const { privateKey } = generateKeyPairSync("ed25519");
  const other = String(privateKey.export({ format: "pem", type: "pkcs8" }));
  assert.throws(
    () => signRequest({ ...AUTHORITY, privateKeyPem: other }, requestPem),
    /Cannot use the authority: its key must be of ECDSA, got ed25519/,
  );
});

Deno.test("openssl reads our certificates and requests, if it is there", async () => {
  const { certificatePem } = issueCertificate(AUTHORITY, "test-chain-0");
  const text = await openssl(["x509", "-noout", "-text"], certificatePem);
  if (text === null) return;
  assert.match(text, /Issuer: CN = rcgen self signed cert/);
  assert.match(text, /Not Before: Jan {2}1 00:00:00 1975 GMT/);
  assert.match(text, /Not After : Jan {2}1 00:00:00 4096 GMT/);
  assert.match(text, /DNS:test-chain-0/);
  const authority = await openssl(["x509", "-noout", "-text"], AUTHORITY.certificatePem);
  assert.match(authority ?? "", /X509v3 Basic Constraints: critical\s+CA:TRUE\n/);
  const { requestPem } = createSigningRequest("a.b");
  const request = await openssl(["req", "-noout", "-verify", "-text"], requestPem);
  assert.match(request ?? "", /Version: 1 \(0x0\)[\s\S]*DNS:a\.b/);
});

/** A request made by openssl for `CN=x`, with these extensions. */
function foreignRequest(...extensions: string[]): Promise<string | null> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-keyout", "/dev/null"];
  const wanted = extensions.flatMap((extension) => ["-addext", extension]);
  return openssl(["req", "-new", "-nodes", ...key, "-subj", "/CN=x", ...wanted]);
}

Deno.test("signRequest() signs a request of openssl: its name, key and domains", async () => {
  const request = await foreignRequest("subjectAltName=DNS:a,DNS:b.c,IP:127.0.0.1");
  if (request === null) return;
  const certificatePem = signRequest(AUTHORITY, `text before\n${request}`);
  assert.equal(check(certificatePem), "verified");
  assert.deepEqual(readCertificates(certificatePem)[0].dnsNames, ["a", "b.c"]);
  const text = await openssl(["x509", "-noout", "-text"], certificatePem);
  assert.match(text ?? "", /Subject: CN = x\n[\s\S]*IP Address:127\.0\.0\.1/);
});

Deno.test("signRequest() refuses requests for other extensions, or for no domain", async () => {
  const more = await foreignRequest("subjectAltName=DNS:a", "keyUsage=digitalSignature");
  const none = await foreignRequest();
  if (more === null || none === null) return;
  assert.throws(() => signRequest(AUTHORITY, more), /subjectAltName only, got 2\.5\.29\.15$/);
  assert.throws(() => signRequest(AUTHORITY, none), /subjectAltName only, got none$/);
});
