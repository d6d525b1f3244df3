import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "../bytes/mod.ts";
import { parseCertificate } from "./certificate.ts";
import { sequence } from "./der.ts";
import { CertificateError } from "./errors.ts";
import { EXTENSION_OID } from "./extensions.ts";
import { readCertificates } from "./pem.ts";
import { AUTHORITY, forge, keyUsage, NODE, unknownExtension } from "./testing/forge.ts";
import { readRecordedNode } from "./testing/recorded.ts";
import { verifyChain } from "./verify.ts";

const RECORDED = readRecordedNode();
const [ROOT] = readCertificates(RECORDED.authorityPem);
const [{ der: DER }] = readCertificates(RECORDED.certificatePem);
const NOW_MS = Date.UTC(2026, 10, 27);

/** The certificate with some hex of it replaced by as many or other bytes. */
function changed(from: string, to: string): Bytes {
  const hex = DER.toHex();
  assert.ok(hex.includes(from), from);
  return Uint8Array.fromHex(hex.replace(from, to));
}

function codeOf(der: Bytes): string {
  try {
    parseCertificate(der);
    return "read";
  } catch (error) {
    if (error instanceof CertificateError) return error.code;
    throw error;
  }
}

Deno.test("parseCertificate() refuses other versions than 3", () => {
  assert.equal(codeOf(changed("a003020102", "a003020101")), "unsupported");
  assert.equal(codeOf(changed("a003020102", "a003020100")), "unsupported");
});

Deno.test("parseCertificate() refuses critical unknown extensions and any name constraints", () => {
  assert.throws(() => forge({ extensions: [...NODE, unknownExtension(true)] }), /1\.2\.3\.4/);
  assert.ok(forge({ extensions: [...NODE, unknownExtension(false)] }));
  for (const isCritical of [true, false]) {
    const constraints = { oid: EXTENSION_OID.nameConstraints, isCritical, value: sequence() };
    assert.throws(() => forge({ extensions: [...AUTHORITY, constraints] }), /2\.5\.29\.30/);
  }
});

Deno.test("parseCertificate() refuses an extension that comes twice", () => {
  assert.throws(() => forge({ extensions: [...NODE, ...NODE] }), /2\.5\.29\.17: it must come once/);
});

Deno.test("parseCertificate() refuses a keyUsage that is no bit string", () => {
  for (const bits of ["0804", "ff04"]) {
    assert.throws(
      () => forge({ extensions: [...AUTHORITY, keyUsage(bits)] }),
      /keyUsage: \d+ bits/,
    );
  }
});

Deno.test("parseCertificate() refuses times that are none", () => {
  const hexOf = (text: string) => new TextEncoder().encode(text).toHex();
  const begin = "750101000000Z";
  const wrong = ["751301000000Z", "750230000000Z", "750101240000Z", "750101006000Z"];
  for (const text of [...wrong, "750101000060Z", "750101000000+", "75 101000000Z"]) {
    assert.equal(codeOf(changed(hexOf(begin), hexOf(text))), "malformed", text);
  }
});

Deno.test("parseCertificate() refuses two different signature algorithms", () => {
  const der = DER.slice();
  const at = DER.toHex().lastIndexOf("2a8648ce3d040302") / 2;
  der[at + 7] = 3;
  assert.equal(codeOf(der), "malformed");
});

Deno.test("parseCertificate() refuses bytes behind the certificate and lengths not shortest", () => {
  assert.equal(codeOf(Uint8Array.of(...DER, 0)), "malformed");
  assert.equal(codeOf(changed("a003020102", "a08103020102")), "malformed");
  assert.equal(codeOf(new Uint8Array(0)), "malformed");
});

Deno.test("a damaged certificate is refused, never trusted, and throws nothing else", () => {
  const size = DER.length;
  const damage = fc.oneof(
    fc.record({ at: fc.nat(size - 1), byte: fc.integer({ min: 1, max: 255 }) })
      .map(({ at, byte }) => DER.map((each, index) => index === at ? each ^ byte : each)),
    fc.nat(size - 1).map((end) => DER.subarray(0, end)),
    fc.record({ at: fc.nat(size), more: fc.uint8Array({ minLength: 1, maxLength: 9 }) })
      .map(({ at, more }) => Uint8Array.of(...DER.subarray(0, at), ...more, ...DER.subarray(at))),
    fc.uint8Array({ maxLength: 64 }),
  );
  fc.assert(
    fc.property(damage, (der) => {
      const check = { chain: [der], roots: [ROOT], nowMs: NOW_MS, usage: "server" } as const;
      assert.equal(verifyChain(check).kind, "refused");
    }),
    { numRuns: 3000 },
  );
});
