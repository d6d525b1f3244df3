import assert from "node:assert/strict";
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { fromHex } from "../bytes/mod.ts";
import { isSignedBy } from "./signature.ts";

const CONTENT = Uint8Array.of(1, 2, 3);

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function isAccepted(pair: Pair, signature: Uint8Array, algorithmHex: string): boolean {
  const publicKeyInfo = new Uint8Array(pair.publicKey.export({ format: "der", type: "spki" }));
  const signed = { content: CONTENT, algorithm: fromHex(algorithmHex), signature };
  assert.ok(!isSignedBy({ ...signed, content: Uint8Array.of(1, 2) }, publicKeyInfo));
  return isSignedBy(signed, publicKeyInfo);
}

const ECDSA = { sha256: "06082a8648ce3d040302", sha384: "06082a8648ce3d040303" } as const;
const RSA_SHA256 = "06092a864886f70d01010b0500";
const RSA_SHA1 = "06092a864886f70d0101050500";
const PSS_SHA256 = "06092a864886f70d01010a3034a00f300d06096086480165030402010500" +
  "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120";

Deno.test("isSignedBy() knows ECDSA of P-256 and P-384 with both hashes, and no other curve", () => {
  for (const hash of ["sha256", "sha384"] as const) {
    for (const namedCurve of ["prime256v1", "secp384r1"]) {
      const pair = generateKeyPairSync("ec", { namedCurve });
      const signature = sign(hash, CONTENT, pair.privateKey);
      assert.ok(isAccepted(pair, signature, ECDSA[hash]), `${hash} ${namedCurve}`);
      const other = hash === "sha256" ? "sha384" : "sha256";
      assert.ok(!isAccepted(pair, signature, ECDSA[other]));
    }
  }
  const pair = generateKeyPairSync("ec", { namedCurve: "secp224r1" });
  assert.ok(!isAccepted(pair, sign("sha256", CONTENT, pair.privateKey), ECDSA.sha256));
});

Deno.test("isSignedBy() knows Ed25519", () => {
  const pair = generateKeyPairSync("ed25519");
  const signature = sign(null, CONTENT, pair.privateKey);
  assert.ok(isAccepted(pair, signature, "06032b6570"));
  assert.ok(!isAccepted(pair, signature, ECDSA.sha256));
});

Deno.test("isSignedBy() knows RSA of 2048 bits and more, but not SHA-1", () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  assert.ok(isAccepted(pair, sign("sha256", CONTENT, pair.privateKey), RSA_SHA256));
  assert.ok(!isAccepted(pair, sign("sha1", CONTENT, pair.privateKey), RSA_SHA1));
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const pss = sign("sha256", CONTENT, { key: pair.privateKey, ...padding });
  assert.ok(isAccepted(pair, pss, PSS_SHA256));
  assert.ok(!isAccepted(pair, pss, RSA_SHA256));
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
  assert.ok(!isAccepted(short, sign("sha256", CONTENT, short.privateKey), RSA_SHA256));
});

Deno.test("isSignedBy() refuses keys and signatures that are none", () => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const publicKeyInfo = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
  const signed = { content: CONTENT, algorithm: fromHex(ECDSA.sha256) };
  for (const text of ["", "00", "3000", "3006020100020100", "3006020101020101"]) {
    assert.ok(!isSignedBy({ ...signed, signature: fromHex(text) }, publicKeyInfo), text);
  }
  const offCurve = publicKeyInfo.with(60, (publicKeyInfo[60] ?? 0) ^ 1);
  for (const key of [new Uint8Array(0), publicKeyInfo.subarray(1), offCurve]) {
    assert.ok(!isSignedBy({ ...signed, signature: fromHex("3006020101020101") }, key));
  }
});
