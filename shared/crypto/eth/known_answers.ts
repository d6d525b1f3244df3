import { type Bytes, concatBytes, equalBytes, fromHex, uintToBytes } from "../../bytes/mod.ts";
import type { Secp256k1Engine } from "./engine.ts";

// spec/storage_kms.md, C2 and C3: RFC 6979 leaves one signature for a key and a digest
const SECRET_KEY = fromHex("ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690");
const PUBLIC_KEY = fromHex(
  "20a784c4e9a77e01667b6677b068aa8b1cbb550424af5694d1ed888c7cec7eed" +
    "1d298eb31cc8cc4fed44d63ed0a03a351e9ce05eecb5195f2eeccbdaa9d18f5f",
);
const DIGEST = fromHex("706b3416b3719437a4d84d09368727d5e260cf2c408e1095e31ccec801a9c5a9");
const SIGNATURE = fromHex(
  "9e41021538d26c79ff37f38bcc2d3cb203c0e4e64add1b85a86abb17da54ad8a" +
    "38ecf1fb56478a9c770a69a41504421ce2d6ea299ac49fcbae8d43f9905ec5f600",
);
/** Order of secp256k1 (SEC 2). */
const ORDER = uintToBytes(
  0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  32,
);

/** Throws when an engine does not derive, sign and recover as published. */
export function testEngine(engine: Secp256k1Engine): void {
  expect(equalBytes(engine.publicKeyOf(SECRET_KEY), PUBLIC_KEY), "derives another public key");
  expect(equalBytes(engine.sign(SECRET_KEY, DIGEST), SIGNATURE), "makes another signature");
  const recovered = engine.recover(DIGEST, SIGNATURE);
  expect(recovered !== null && equalBytes(recovered, PUBLIC_KEY), "recovers another signer");
  expect(engine.isSecretKey(SECRET_KEY), "refuses a secret key");
  expect(!engine.isSecretKey(ORDER) && !engine.isSecretKey(ZERO), "accepts no secret key as one");
  for (const bad of outOfRange(SIGNATURE)) {
    expect(engine.recover(DIGEST, bad) === null, "finds a signer of a malformed signature");
  }
}

const ZERO = new Uint8Array(32);

function outOfRange(signature: Bytes): Bytes[] {
  const [r, s, v] = [signature.subarray(0, 32), signature.subarray(32, 64), signature.subarray(64)];
  return [
    concatBytes(ZERO, s, v),
    concatBytes(r, ZERO, v),
    concatBytes(ORDER, s, v),
    concatBytes(r, ORDER, v),
    // r + n is above the prime, so that no point has it
    concatBytes(r, s, Uint8Array.of(2)),
  ];
}

function expect(holds: boolean, fault: string): void {
  if (!holds) throw new Error(`The self-test failed: it ${fault}`);
}
