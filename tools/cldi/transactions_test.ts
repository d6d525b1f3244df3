import assert from "node:assert/strict";
import { UtxoTransaction } from "../../proto/gen/blockchain.ts";
import { fromHex, toHex } from "../../shared/bytes/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import { accountOf, type CryptoType } from "./account.ts";
import { suiteNameOf } from "./data_folder.ts";
import { signTransaction, signUtxoTransaction } from "./transactions.ts";

const SECRET_KEY = fromHex("1427b86a4856cf8dbe5e4eb4ab8ab7f1cdf3c7d85e8bb29f07d47e30b43fe72e");

/** Spec/cldi.md, section 7, first and second vector. */
const TRANSACTION = {
  version: 0,
  to: fromHex("0000000000000000000000000000000000000001"),
  nonce: "643164006682692392",
  quota: 100n,
  validUntilBlock: 195n,
  data: fromHex("1234"),
  value: fromHex("05".padStart(64, "0")),
  chainId: new Uint8Array(32).fill(0x63),
};
const UTXO: UtxoTransaction = {
  version: 0,
  preTxHash: new Uint8Array(33),
  output: fromHex("0102030405060708090a0b0c0d0e0f1011121314"),
  lockId: 1002n,
};
const HASHES = {
  SM: [
    "5a80268a7067aaebea53fb97bb0d124bfd574a6923a43b6f897689ccd1bfff81",
    "59241ba771ee25cc565aaa5befbc749e461e5134e57eb22d10c520c05e336e22",
  ],
  ETH: [
    "4285cffd6552052438138a6bbd901aa5b498bf12b2c88510c0c60f13f574dc28",
    "003740f232e189f6bc3e9664e1cafbc3940a3377bb6f605b1f65d052a24bff37",
  ],
} as const;

for (const cryptoType of ["SM", "ETH"] as const satisfies readonly CryptoType[]) {
  Deno.test(`a signed transaction has the recorded hash and the account's signature, ${cryptoType}`, async () => {
    const suite = await loadSuite(suiteNameOf(cryptoType));
    const account = accountOf(cryptoType, suite, SECRET_KEY);
    const normal = signTransaction(suite, account, TRANSACTION);
    assert(normal.tx?.$case === "normalTx");
    const utxo = signUtxoTransaction(suite, account, UTXO);
    assert(utxo.tx?.$case === "utxoTx");
    assert.equal(utxo.tx.value.witnesses.length, 1);
    const signed = [
      { hash: normal.tx.value.transactionHash, witness: normal.tx.value.witness },
      { hash: utxo.tx.value.transactionHash, witness: utxo.tx.value.witnesses[0] },
    ];
    assert.deepEqual(signed.map(({ hash }) => toHex(hash)), HASHES[cryptoType]);
    for (const { hash, witness } of signed) {
      assert(witness);
      assert.deepEqual(witness.sender, account.address);
      // the signature is over the hash itself: the reference's eth client hashes once more
      const recovery = suite.recover(hash, witness.signature);
      assert.deepEqual(recovery, { kind: "signer", address: account.address });
    }
  });
}

Deno.test("UtxoTransaction is encoded as recorded", () => {
  assert.equal(
    toHex(encode(UtxoTransaction, UTXO)),
    `1221${"00".repeat(33)}1a140102030405060708090a0b0c0d0e0f101112131420ea07`,
  );
});
