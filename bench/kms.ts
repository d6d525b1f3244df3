/**
 * What the kms does all day, on one core and without gRPC: hash, sign, recover and batches of
 * transactions for both suites. The baselines are the same operations of noble in the same run; SM2
 * is held against NIST P-256, the curve of the same size that noble brings.
 *
 * @module
 */

import { p256 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { RawTransaction } from "../proto/gen/blockchain.ts";
import { hashTransaction } from "../shared/block/mod.ts";
import { type Bytes, u64be } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { type CryptoSuite, loadSuite, type SuiteName } from "../shared/crypto/mod.ts";
import { checkTransactions } from "../services/kms/check_transactions.ts";
import { type Figure, printFigures } from "./table.ts";

const MEASURE_MS = 600;
/** Tables are built and code is compiled before the time counts. */
const WARM_UP_RUNS = 20;
const BATCH_SIZE = 1_000;
const BATCH_SENDERS = 20;

/** Runs per second of one core. */
function rate(run: (index: number) => void): number {
  for (let i = 0; i < WARM_UP_RUNS; i++) run(i);
  const startMs = SYSTEM_CLOCK.monotonicMs();
  let runs = 0;
  let elapsedMs = 0;
  while (elapsedMs < MEASURE_MS) {
    run(runs++);
    elapsedMs = SYSTEM_CLOCK.monotonicMs() - startMs;
  }
  return runs * 1000 / elapsedMs;
}

interface Baseline {
  readonly curve: string;
  readonly hash: number;
  readonly sign: number;
  readonly recover: number;
}

const DIGEST = new Uint8Array(32).fill(0x11);
/** About the size of an encoded transaction. */
const TRANSACTION_SIZE = 130;

function hashBaseline(): number {
  const data = new Uint8Array(TRANSACTION_SIZE);
  return rate(() => keccak_256(data));
}

function smBaseline(): Baseline {
  const { secretKey, publicKey } = p256.keygen();
  const signature = p256.sign(DIGEST, secretKey, { prehash: false });
  return {
    curve: "P-256",
    hash: hashBaseline(),
    sign: rate(() => p256.sign(DIGEST, secretKey, { prehash: false })),
    recover: rate(() => p256.verify(signature, DIGEST, publicKey, { prehash: false })),
  };
}

function ethBaseline(): Baseline {
  const { secretKey } = secp256k1.keygen();
  const options = { prehash: false, format: "recovered" } as const;
  const signature = secp256k1.sign(DIGEST, secretKey, options);
  return {
    curve: "secp256k1",
    hash: hashBaseline(),
    sign: rate(() => secp256k1.sign(DIGEST, secretKey, options)),
    recover: rate(() => secp256k1.recoverPublicKey(signature, DIGEST, { prehash: false })),
  };
}

/** Signatures of the same message by as many keys as there are indexes: none is seen twice. */
function signaturesOfNewKeys(suite: CryptoSuite, count: number): Bytes[] {
  return Array.from({ length: count }, () => suite.sign(suite.generateSecretKey(), DIGEST));
}

function signedTransactions(suite: CryptoSuite): RawTransaction[] {
  const keys = Array.from({ length: BATCH_SENDERS }, () => {
    const secretKey = suite.generateSecretKey();
    return { secretKey, publicKey: suite.publicKeyOf(secretKey) };
  });
  const each = BATCH_SIZE / BATCH_SENDERS;
  return keys.flatMap((key, sender) =>
    Array.from({ length: each }, (_, index) => signTransaction(suite, key, sender * each + index))
  );
}

interface Keys {
  readonly secretKey: Bytes;
  readonly publicKey: Bytes;
}

function signTransaction(suite: CryptoSuite, keys: Keys, index: number): RawTransaction {
  const transaction = {
    version: 0,
    to: new Uint8Array(20),
    nonce: String(index),
    quota: 200_000n,
    validUntilBlock: 100n,
    data: u64be(BigInt(index)),
    value: new Uint8Array(32),
    chainId: DIGEST,
  };
  const transactionHash = hashTransaction(suite.hash, transaction);
  const signature = suite.sign(keys.secretKey, transactionHash, keys.publicKey);
  const witness = { signature, sender: suite.addressOf(keys.publicKey) };
  return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness } } };
}

/** Transactions per second of a batch in which every sender comes many times. */
function batchRate(suite: CryptoSuite): number {
  const transactions = signedTransactions(suite);
  const startMs = SYSTEM_CLOCK.monotonicMs();
  const refusal = checkTransactions(suite, transactions);
  if (refusal !== null) throw new Error(`Cannot go on: transaction ${refusal.position} is refused`);
  return BATCH_SIZE * 1000 / (SYSTEM_CLOCK.monotonicMs() - startMs);
}

async function benchSuite(name: SuiteName, baseline: Baseline): Promise<void> {
  const suite = await loadSuite(name);
  const secretKey = suite.generateSecretKey();
  const publicKey = suite.publicKeyOf(secretKey);
  const signature = suite.sign(secretKey, DIGEST);
  const fresh = signaturesOfNewKeys(suite, 1_000);
  const data = new Uint8Array(TRANSACTION_SIZE);
  const figure = (operation: string, value: number, base: number): Figure => (
    { name: operation, value, unit: "/s", ratio: value / base }
  );
  const noble = (operation: string, value: number): Figure =>
    figure(`  ${operation}`, value, value);
  const newKey = rate((i) => suite.recover(DIGEST, fresh[i % fresh.length] ?? signature));
  printFigures(`kms_${name} (${suite.implementation}), one core`, [
    figure(`hash ${TRANSACTION_SIZE} bytes`, rate(() => suite.hash(data)), baseline.hash),
    noble("noble keccak-256", baseline.hash),
    figure("sign", rate(() => suite.sign(secretKey, DIGEST, publicKey)), baseline.sign),
    noble(`noble ${baseline.curve} sign`, baseline.sign),
    figure("recover, new key", newKey, baseline.recover),
    figure("recover, known key", rate(() => suite.recover(DIGEST, signature)), baseline.recover),
    figure(
      `check a batch of ${BATCH_SIZE} by ${BATCH_SENDERS} senders`,
      batchRate(suite),
      baseline.recover,
    ),
    noble(`noble ${baseline.curve} ${name === "sm" ? "verify" : "recover"}`, baseline.recover),
  ]);
}

await benchSuite("sm", smBaseline());
await benchSuite("eth", ethBaseline());
