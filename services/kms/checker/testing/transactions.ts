import fc from "fast-check";
import { RawTransaction } from "../../../../proto/gen/blockchain.ts";
import { hashTransaction, hashUtxoTransaction } from "../../../../shared/block/mod.ts";
import {
  type Bytes,
  concatBytes,
  EMPTY_BYTES,
  fromHex,
  toHex,
  u64be,
} from "../../../../shared/bytes/mod.ts";
import { BinaryWriter, encode } from "../../../../shared/codec/mod.ts";
import type { CryptoSuite, HashFunction } from "../../../../shared/crypto/mod.ts";

/** Signs for an account of a test. */
export interface TestSigner {
  readonly sender: Bytes;
  sign(message: Bytes): Bytes;
}

/** An account that signs each message once: signatures cost more than all else in these tests. */
export function createSigner(suite: CryptoSuite): TestSigner {
  const secretKey = suite.generateSecretKey();
  const publicKey = suite.publicKeyOf(secretKey);
  const signatures = new Map<string, Bytes>();
  return {
    sender: suite.addressOf(publicKey),
    sign(message) {
      const key = toHex(message);
      const signature = signatures.get(key) ?? suite.sign(secretKey, message, publicKey);
      signatures.set(key, signature);
      return signature;
    },
  };
}

/** What is wrong with a transaction; each is a case of spec/storage_kms.md, C3. */
export const FLAWS = [
  "empty",
  "no witness",
  "no transaction",
  "short hash",
  "wrong hash",
  "short signature",
  "wrong signature",
  "wrong sender",
] as const;

/** One of {@linkcode FLAWS}, or none. */
export type Flaw = (typeof FLAWS)[number] | "none";

/** What a transaction is made from. */
export interface TransactionPlan {
  readonly hash: HashFunction;
  readonly signer: TestSigner;
  readonly kind: "normal" | "utxo";
  readonly flaw: Flaw;
  /** Makes the content differ. */
  readonly serial: number;
}

function flipped(bytes: Bytes): Bytes {
  return bytes.map((byte, index) => index === 0 ? byte ^ 1 : byte);
}

/** A transaction that passes, or has one flaw. */
export function makeTransaction(plan: TransactionPlan): RawTransaction {
  const { hash, signer, kind, flaw, serial } = plan;
  if (flaw === "empty") return { tx: undefined };
  const normal = {
    version: 0,
    to: new Uint8Array(20).fill(1),
    nonce: String(serial),
    quota: 3_000_000n,
    validUntilBlock: 95n,
    data: EMPTY_BYTES,
    value: new Uint8Array(32),
    chainId: new Uint8Array(32).fill(7),
  };
  const utxo = {
    version: 0,
    preTxHash: hash(EMPTY_BYTES),
    output: EMPTY_BYTES,
    lockId: BigInt(serial),
  };
  const realHash = kind === "normal"
    ? hashTransaction(hash, normal)
    : hashUtxoTransaction(hash, utxo);
  const realSignature = signer.sign(realHash);
  const transactionHash = flaw === "short hash"
    ? realHash.subarray(1)
    : flaw === "wrong hash"
    ? flipped(realHash)
    : realHash;
  const signature = flaw === "short signature"
    ? realSignature.subarray(1)
    : flaw === "wrong signature"
    ? flipped(realSignature)
    : realSignature;
  const sender = flaw === "wrong sender" ? flipped(signer.sender) : signer.sender;
  const witness = { signature, sender };
  const isContentLeftOut = flaw === "no transaction";
  const isWitnessLeftOut = flaw === "no witness";
  if (kind === "normal") {
    const transaction = isContentLeftOut ? undefined : normal;
    const value = { transaction, transactionHash, witness: isWitnessLeftOut ? undefined : witness };
    return { tx: { $case: "normalTx", value } };
  }
  const transaction = isContentLeftOut ? undefined : utxo;
  const value = { transaction, transactionHash, witnesses: isWitnessLeftOut ? [] : [witness] };
  return { tx: { $case: "utxoTx", value } };
}

/** Transactions most of which pass, in batches of up to `maxLength`. */
export function transactionBatches(
  hash: HashFunction,
  signers: readonly TestSigner[],
  maxLength: number,
): fc.Arbitrary<RawTransaction[]> {
  const plan = fc.record({
    hash: fc.constant(hash),
    signer: fc.constantFrom(...signers),
    kind: fc.constantFrom("normal" as const, "utxo" as const),
    flaw: fc.oneof(
      { weight: 40, arbitrary: fc.constant("none" as const) },
      { weight: 1, arbitrary: fc.constantFrom(...FLAWS) },
    ),
    serial: fc.nat(50),
  });
  return fc.array(plan.map(makeTransaction), { maxLength, size: "max" });
}

/**
 * An encoded `RawTransactions` with one good transaction in as many encodings as wanted, none of
 * which is known from another: fields that nobody knows are skipped.
 */
export function manyOf(suite: CryptoSuite, count: number): Bytes {
  const { hash } = suite;
  const signer = createSigner(suite);
  const raw = makeTransaction({ hash, signer, kind: "normal", flaw: "none", serial: 1 });
  const transaction = encode(RawTransaction, raw);
  const writer = new BinaryWriter();
  for (let serial = 0; serial < count; serial++) {
    writer.uint32(10).bytes(concatBytes(transaction, fromHex("ca3e08"), u64be(BigInt(serial))));
  }
  return writer.finish();
}
