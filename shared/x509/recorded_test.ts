import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import type { Certificate } from "./certificate.ts";
import { toHex } from "../bytes/mod.ts";
import { encodeName, subjectAltName } from "./encode.ts";
import { createCertificateAuthority, signRequest } from "./issue.ts";
import { formatPem, readBlock, readCertificates, readPrivateKey } from "./pem.ts";
import { encodeSigningRequest, readSigningRequest } from "./signing_request.ts";
import { readRecordedNode, readRecordedRequest } from "./testing/recorded.ts";
import { verifyChain } from "./verify.ts";

const RECORDED = readRecordedNode();
const [AUTHORITY] = readCertificates(RECORDED.authorityPem);
const [NODE] = readCertificates(RECORDED.certificatePem);
const NOW_MS = Date.UTC(2026, 10, 27);

/** What was signed of a certificate, as hex. */
const signedHex = ({ signed }: Certificate) => toHex(signed.content);

Deno.test("the recorded chain is trusted, though its issuer and subject have one name", () => {
  assert.deepEqual(NODE.issuer, NODE.subject);
  assert.deepEqual(NODE.dnsNames, ["single-0"]);
  assert.ok(AUTHORITY.isAuthority && !NODE.isAuthority);
  assert.equal(AUTHORITY.pathLengthMax, null);
  assert.equal(NODE.notBeforeMs, Date.UTC(1975, 0));
  assert.equal(NODE.notAfterMs, Date.UTC(4096, 0));
  for (const usage of ["client", "server"] as const) {
    const check = { chain: [NODE.der], roots: [AUTHORITY], nowMs: NOW_MS, usage };
    assert.equal(verifyChain(check).kind, "verified");
  }
  const [other] = readCertificates(createCertificateAuthority().certificatePem);
  const check = { chain: [NODE.der], roots: [other], nowMs: NOW_MS, usage: "client" } as const;
  const result = verifyChain(check);
  assert.ok(result.kind === "refused" && result.reason === "unknown-issuer");
});

Deno.test("the recorded PEM texts are read, and written again byte by byte", () => {
  const written = (label: string, der: Uint8Array) => formatPem(label, der).trim();
  assert.equal(written("CERTIFICATE", NODE.der), RECORDED.certificatePem.trim());
  const key = readPrivateKey(RECORDED.privateKeyPem);
  const der = new Uint8Array(key.export({ format: "der", type: "pkcs8" }));
  assert.equal(written("PRIVATE KEY", der), RECORDED.privateKeyPem.trim());
  const publicKeyInfo = createPublicKey(key).export({ format: "der", type: "spki" });
  assert.deepEqual(new Uint8Array(publicKeyInfo), new Uint8Array(NODE.publicKeyInfo));
});

Deno.test("signRequest() signs the same bytes for the recorded key as cloud-config 6.3.3", () => {
  const content = {
    subject: encodeName("rcgen self signed cert"),
    publicKeyInfo: NODE.publicKeyInfo,
    subjectAltName: subjectAltName(["single-0"]),
  };
  const request = encodeSigningRequest(content, readPrivateKey(RECORDED.privateKeyPem));
  const pem = signRequest(
    createCertificateAuthority(),
    formatPem("CERTIFICATE REQUEST", request),
  );
  const [certificate] = readCertificates(pem);
  assert.equal(signedHex(certificate), signedHex(NODE));
});

Deno.test("a recorded signing request is read, and written again up to its signature", () => {
  const { requestPem, privateKeyPem } = readRecordedRequest();
  const der = readBlock(requestPem, "CERTIFICATE REQUEST");
  const content = readSigningRequest(der);
  const written = encodeSigningRequest(content, readPrivateKey(privateKeyPem));
  const signatureStart = toHex(der).indexOf("300a06082a8648ce3d040302") / 2;
  // the outer length depends on that of the signature, which is another each time
  assert.deepEqual(written.subarray(4, signatureStart), der.subarray(4, signatureStart));
  const [certificate] = readCertificates(signRequest(createCertificateAuthority(), requestPem));
  assert.deepEqual(certificate.dnsNames, ["test-chain-7"]);
});

Deno.test("createCertificateAuthority() differs from the recorded one in what its key makes", () => {
  const [certificate] = readCertificates(createCertificateAuthority().certificatePem);
  /** The certificate with key, its identifier and serial number blanked. */
  const blanked = (each: Certificate) =>
    signedHex(each)
      .replace(toHex(each.publicKeyInfo), "KEY")
      .replace(/0603551d0e04160414[0-9a-f]{40}/, "IDENTIFIER")
      .replace(/^3082....a003020102020.[0-9a-f]{14,18}300a06082a86/, "SERIAL");
  assert.equal(blanked(certificate), blanked(AUTHORITY));
  assert.match(blanked(certificate), /^SERIAL.*KEY.*IDENTIFIER.*$/);
});
