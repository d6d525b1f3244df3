import assert from "node:assert/strict";
import type { RawTransaction, Witness } from "../../proto/gen/blockchain.ts";
import { type Bytes, concatBytes, fromHex } from "../../shared/bytes/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { checkTransaction, checkTransactions } from "./check_transactions.ts";

const eth = await loadSuite("eth");
const sm = await loadSuite("sm");

// the transactions of spec/storage_kms.md, C3
const TRANSACTION = {
  version: 0,
  to: new Uint8Array(20).fill(1),
  nonce: "12345",
  quota: 3_000_000n,
  validUntilBlock: 95n,
  data: fromHex("abcd"),
  value: new Uint8Array(32),
  chainId: fromHex("63586a3c0255f337c77a777ff54f0040b8c388da04f23ecee6bfd4953a6512b4"),
};
const UTXO = {
  version: 0,
  preTxHash: new Uint8Array(32),
  output: new Uint8Array(20).fill(2),
  lockId: 1002n,
};
const ETH_HASH = fromHex("b89e7eff6b01597e70a78d65bccd2f92d534b75a07b281cc12f17f3359d9a940");
const ETH_WITNESS: Witness = {
  signature: fromHex(
    "d998725f626fcd28273644b3af2368201a1bd2276418194589c55d6c4b6538d2" +
      "65fc16efbb6ff91a038c459b5fa5129c7b672986527098a50f78befe8a890f5a01",
  ),
  sender: fromHex("9ab7994b45ccba88b4dc4ee07f5ef7fddc088888"),
};
const SM_PUBLIC_KEY = fromHex(
  "d14e12386fad9f7c752747dd0508ea93b9037deb1ffeba2be04b13e419691d01" +
    "0a7af212156b72765ab7a2a6a54ea78330baba9813fe0127d4120768222d5771",
);
const SM_ADDRESS = fromHex("91ee14120f7045e4f246611b78d18a245059287a");
const SM_UTXO_HASH = fromHex("4bfaa9aef70e5bd2833ad550190969c56a78cdda1e331ec866174c400cac6faa");
const SM_UTXO_WITNESS: Witness = {
  signature: concatBytes(
    fromHex(
      "d35e010937d39b638ccef90488f2e0e8611c8255163e7948850fec39037a39d7" +
        "c86b06d7265ed6159526f26e2a7e5eb3685b4a566c3899c32d777ece4f893bde",
    ),
    SM_PUBLIC_KEY,
  ),
  sender: SM_ADDRESS,
};

type NormalFields = Partial<{
  transaction: typeof TRANSACTION | undefined;
  transactionHash: Bytes;
  witness: Witness | undefined;
}>;

function normal(fields: NormalFields = {}): RawTransaction {
  const value = {
    transaction: TRANSACTION,
    transactionHash: ETH_HASH,
    witness: ETH_WITNESS,
    ...fields,
  };
  return { tx: { $case: "normalTx", value } };
}

type UtxoFields = Partial<{
  transaction: typeof UTXO | undefined;
  transactionHash: Bytes;
  witnesses: Witness[];
}>;

function utxo(fields: UtxoFields = {}): RawTransaction {
  const value = {
    transaction: UTXO,
    transactionHash: SM_UTXO_HASH,
    witnesses: [SM_UTXO_WITNESS],
    ...fields,
  };
  return { tx: { $case: "utxoTx", value } };
}

const short = (bytes: Bytes) => bytes.subarray(1);
const checkEth = (raw: RawTransaction) => checkTransaction(eth, raw);
const checkSm = (raw: RawTransaction) => checkTransaction(sm, raw);
const WRONG_HASH = new Uint8Array(32);
const WRONG_SIGNATURE = { ...ETH_WITNESS, signature: new Uint8Array(65) };
const SHORT_SIGNATURE = { ...ETH_WITNESS, signature: short(ETH_WITNESS.signature) };

Deno.test("checkTransaction() passes good transactions of both kinds", () => {
  assert.equal(checkEth(normal()), StatusCode.Success);
  assert.equal(checkSm(utxo()), StatusCode.Success);
});

Deno.test("checkTransaction() reports the first failing check of a normal transaction", () => {
  const nothing = { transaction: undefined, witness: undefined, transactionHash: WRONG_HASH };
  assert.equal(checkEth(normal(nothing)), StatusCode.NoneWitness);
  assert.equal(
    checkEth(normal({ ...nothing, witness: SHORT_SIGNATURE })),
    StatusCode.NoneTransaction,
  );
  const shortHash = { transactionHash: short(ETH_HASH), witness: SHORT_SIGNATURE };
  assert.equal(checkEth(normal(shortHash)), StatusCode.HashLenError);
  const wrongHash = { transactionHash: WRONG_HASH, witness: SHORT_SIGNATURE };
  assert.equal(checkEth(normal(wrongHash)), StatusCode.HashCheckError);
  const changed = { transaction: { ...TRANSACTION, quota: 1n } };
  assert.equal(checkEth(normal(changed)), StatusCode.HashCheckError);
  assert.equal(checkEth(normal({ witness: SHORT_SIGNATURE })), StatusCode.SigLenError);
  assert.equal(checkEth(normal({ witness: WRONG_SIGNATURE })), StatusCode.SigCheckError);
  for (const sender of [new Uint8Array(20), new Uint8Array(), short(ETH_WITNESS.sender)]) {
    const witness = { ...ETH_WITNESS, sender };
    assert.equal(checkEth(normal({ witness })), StatusCode.SigCheckError);
  }
});

Deno.test("checkTransaction() reports the first failing check of a utxo transaction", () => {
  const none = { transaction: undefined, witnesses: [] };
  assert.equal(checkSm(utxo(none)), StatusCode.InvalidWitness);
  const two = [SM_UTXO_WITNESS, SM_UTXO_WITNESS];
  assert.equal(checkSm(utxo({ witnesses: two })), StatusCode.InvalidWitness);
  assert.equal(checkSm(utxo({ transaction: undefined })), StatusCode.NoneUtxo);
  assert.equal(checkSm(utxo({ transactionHash: new Uint8Array(33) })), StatusCode.HashLenError);
  assert.equal(checkSm(utxo({ transactionHash: WRONG_HASH })), StatusCode.HashCheckError);
  assert.equal(checkSm(utxo({ witnesses: [ETH_WITNESS] })), StatusCode.SigLenError);
  const sender = new Uint8Array(20);
  assert.equal(
    checkSm(utxo({ witnesses: [{ ...SM_UTXO_WITNESS, sender }] })),
    StatusCode.SigCheckError,
  );
});

Deno.test("checkTransaction() refuses a transaction of neither kind", () => {
  assert.equal(checkEth({ tx: undefined }), StatusCode.NoneRawTx);
});

Deno.test("checkTransactions() reports the first refusal with the claimed hash", () => {
  assert.equal(checkTransactions(eth, []), null);
  assert.equal(checkTransactions(eth, [normal(), normal()]), null);
  const batch = [normal(), normal({ transactionHash: WRONG_HASH }), normal({ witness: undefined })];
  assert.deepEqual(checkTransactions(eth, batch), {
    position: 1,
    code: StatusCode.HashCheckError,
    transactionHash: WRONG_HASH,
  });
  assert.deepEqual(checkTransactions(eth, [{ tx: undefined }]), {
    position: 0,
    code: StatusCode.NoneRawTx,
    transactionHash: new Uint8Array(),
  });
});
