import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import type { Bytes } from "../bytes/mod.ts";
import { constructedField, encodeDer, encodeInteger, encodeOid, sequence, TAG } from "./der.ts";
import { encodeExtensions, encodeName, encodeSigned, subjectAltName } from "./encode.ts";
import { CertificateError } from "./errors.ts";
import { type Extension, EXTENSION_OID } from "./extensions.ts";
import { readBlock } from "./pem.ts";
import { readSigningRequest } from "./signing_request.ts";
import { unknownExtension } from "./testing/forge.ts";
import { readRecordedRequest } from "./testing/recorded.ts";

const { privateKey: KEY, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const PUBLIC_KEY_INFO = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
const NAMES = subjectAltName(["a"]);

interface ForgedRequest {
  readonly version?: bigint;
  readonly extensions?: readonly Extension[];
  /** Attributes besides that for the extensions. */
  readonly others?: readonly Bytes[];
}

/** Signs a request of any content. */
function forgeRequest({ version = 0n, extensions = [NAMES], others = [] }: ForgedRequest): Bytes {
  const wanted = encodeDer(TAG.set, encodeExtensions(extensions));
  const attributes = [...others, sequence(encodeOid("1.2.840.113549.1.9.14"), wanted)];
  const fields = [encodeInteger(version), encodeName("n"), PUBLIC_KEY_INFO];
  return encodeSigned(sequence(...fields, encodeDer(constructedField(0), ...attributes)), KEY);
}

function codeOf(der: Bytes): string {
  try {
    readSigningRequest(der);
    return "read";
  } catch (error) {
    if (error instanceof CertificateError) return error.code;
    throw error;
  }
}

Deno.test("readSigningRequest() takes name, key and subjectAltName, and passes over the rest", () => {
  const text = encodeDer(TAG.set, encodeDer(TAG.utf8String, Uint8Array.of(65)));
  const password = sequence(encodeOid("1.2.840.113549.1.9.7"), text);
  const critical = { ...NAMES, isCritical: true };
  const request = readSigningRequest(forgeRequest({ others: [password], extensions: [critical] }));
  assert.deepEqual(request, {
    subject: encodeName("n"),
    publicKeyInfo: PUBLIC_KEY_INFO,
    subjectAltName: NAMES,
  });
});

Deno.test("readSigningRequest() refuses other versions and other extensions", () => {
  assert.equal(codeOf(forgeRequest({ version: 1n })), "unsupported");
  assert.equal(codeOf(forgeRequest({ extensions: [] })), "missing");
  assert.equal(codeOf(forgeRequest({ extensions: [NAMES, NAMES] })), "unsupported");
  assert.equal(codeOf(forgeRequest({ extensions: [unknownExtension(false)] })), "unsupported");
  assert.equal(
    codeOf(forgeRequest({ extensions: [NAMES, unknownExtension(false)] })),
    "unsupported",
  );
  const value = encodeInteger(1n);
  const damaged = { oid: EXTENSION_OID.subjectAltName, isCritical: false, value };
  assert.equal(codeOf(forgeRequest({ extensions: [damaged] })), "malformed");
});

Deno.test("a damaged request is refused, and throws nothing else", () => {
  const der = readBlock(readRecordedRequest().requestPem, "CERTIFICATE REQUEST");
  assert.equal(codeOf(der), "read");
  const damage = fc.record({ at: fc.nat(der.length - 1), byte: fc.integer({ min: 1, max: 255 }) });
  fc.assert(
    fc.property(damage, ({ at, byte }) => {
      const damaged = der.map((each, index) => index === at ? each ^ byte : each);
      assert.notEqual(codeOf(damaged), "read");
    }),
    { numRuns: 2000 },
  );
});
