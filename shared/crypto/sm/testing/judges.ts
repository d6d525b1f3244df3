import { sm2 } from "sm-crypto";
import { type Bytes, bytesToUint, toHex, uintToBytes } from "../../../bytes/mod.ts";
import { loadSm3 } from "../../hash/mod.ts";
import { createDigest } from "../digest.ts";
import { createNobleVerifier } from "../verifier.ts";
import { loadWasmVerifier } from "../wasm/verifier.ts";
import type { Sm2Case } from "./cases.ts";

/** Says whether a signature is valid. */
export type Judge = (subject: Sm2Case["subject"], signature: Bytes) => boolean;

/** The module that is under test. */
export async function createWasmJudge(): Promise<Judge> {
  const verifier = await loadWasmVerifier();
  return (subject, signature) =>
    ("message" in subject
      ? verifier.recover(subject.message, signature)
      : verifier.recoverFromDigest(subject.e, signature)) !== null;
}

/** The implementation on noble. */
export async function createNobleJudge(): Promise<Judge> {
  const hash = await loadSm3();
  const digest = createDigest(hash);
  const verifier = createNobleVerifier(hash, (_, message) => bytesToUint(message));
  return (subject, signature) => {
    const e = "message" in subject ? digest(signature.subarray(64), subject.message) : subject.e;
    return verifier.recover(uintToBytes(e, 32), signature) !== null;
  };
}

/**
 * Kinds of cases on which sm-crypto is no oracle: it reduces the coordinates of a key modulo p,
 * where GB/T 32918.1 wants numbers below p. It checks the ranges of r and s as we do, unlike the
 * reference kms (spec/storage_kms.md, B3).
 */
export const NOT_FOR_SM_CRYPTO: readonly string[] = ["coordinate at or above p"];

/** The package sm-crypto; some 50 cases per second. */
export const SM_CRYPTO_JUDGE: Judge = (subject, signature) => {
  const rs = toHex(signature.subarray(0, 64));
  const publicKey = `04${toHex(signature.subarray(64))}`;
  const isMessage = "message" in subject;
  const bytes = isMessage ? subject.message : uintToBytes(subject.e, 32);
  try {
    return sm2.doVerifySignature([...bytes], rs, publicKey, { hash: isMessage });
  } catch (error) {
    // it has no x for the point at infinity
    if (error instanceof TypeError) return false;
    throw error;
  }
};
