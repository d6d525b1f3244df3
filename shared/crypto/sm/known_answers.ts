import { type Bytes, concatBytes, equalBytes, fromHex, uintToBytes } from "../../bytes/mod.ts";
import { SM2_CURVE } from "./curve.ts";
import type { Sm2Verifier } from "./verifier.ts";

interface SignedMessage {
  readonly message: Bytes;
  readonly signature: Bytes;
  readonly address: Bytes;
}

/** Signatures that others made. */
export const SIGNED_MESSAGES: readonly SignedMessage[] = [
  {
    // GB/T 32918.5, annex A.2
    message: new TextEncoder().encode("message digest"),
    signature: fromHex(
      "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3" +
        "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa" +
        "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020" +
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
    ),
    address: fromHex("2119e1ecc071c2f3d915245c8d9c5a2cb131a89d"),
  },
  {
    // spec/storage_kms.md, C3: an exchange with the reference kms
    message: new Uint8Array(32).fill(0x11),
    signature: fromHex(
      "3bc3900362f43e0fffa73101aa83e996dee66de6be96b1f12d6334e23dcf4327" +
        "dc72ac897ade4f1eaf93e60de6fde7bf2e61a90e8524f3165cc0c9936d8f9694" +
        "d14e12386fad9f7c752747dd0508ea93b9037deb1ffeba2be04b13e419691d01" +
        "0a7af212156b72765ab7a2a6a54ea78330baba9813fe0127d4120768222d5771",
    ),
    address: fromHex("91ee14120f7045e4f246611b78d18a245059287a"),
  },
  {
    // spec/storage_kms.md, C3: the test vector of the reference's library
    message: new TextEncoder().encode("abcd".repeat(11)),
    signature: fromHex(
      "b027c1d33771a1f693f07dec8d952b7c72afeff08fe3c05358610edbe8a1953e" +
        "99e911d3dc93381ba40c87e5c577ccbb855ea153ce25ef5022618c0af3c3bff3" +
        "0259e738b6e8a699ad38011a85fc59f35a83ed6c287d944e8401c9b6e8793d0a" +
        "71c19ebd9a5750eb4ca1bb68f9b42057c5f25666385197f44544f97e2f4472c1",
    ),
    address: fromHex("9f77eb10732b4ede4eb15451697072017782a0d0"),
  },
];

/** Enough for a verifier to build its table of the key, and to use it. */
const ROUNDS = 3;

/** Throws when a verifier does not accept published signatures, or accepts others. */
export function testVerifier(verifier: Sm2Verifier): void {
  for (let round = 0; round < ROUNDS; round++) {
    for (const { message, signature, address } of SIGNED_MESSAGES) {
      const found = verifier.recover(message, signature);
      if (found === null || !equalBytes(found, address)) {
        throw new Error("The self-test failed: a published signature is refused");
      }
      for (const bad of spoil(signature)) {
        if (verifier.recover(message, bad) !== null) {
          throw new Error("The self-test failed: a wrong signature is accepted");
        }
      }
      if (verifier.recover(message.subarray(1), signature) !== null) {
        throw new Error("The self-test failed: a signature of another message is accepted");
      }
    }
  }
}

/** Signatures of nothing: a bit changed in each part, and numbers that are out of range. */
function spoil(signature: Bytes): Bytes[] {
  const flipped = [0, 31, 32, 63, 64, 95, 96, 127].map((index) => {
    const changed = signature.slice();
    changed[index] = (changed[index] ?? 0) ^ 1;
    return changed;
  });
  const [r, s, publicKey] = [
    signature.subarray(0, 32),
    signature.subarray(32, 64),
    signature.subarray(64),
  ];
  const order = uintToBytes(SM2_CURVE.n, 32);
  const zero = new Uint8Array(32);
  return [
    ...flipped,
    concatBytes(zero, s, publicKey),
    concatBytes(r, zero, publicKey),
    concatBytes(order, s, publicKey),
    concatBytes(r, order, publicKey),
    concatBytes(r, s, zero, zero),
    new Uint8Array(128),
    new Uint8Array(128).fill(0xff),
  ];
}
