/** Signed transactions, made and checked without the code of the project (storage_kms.md, B5). */

import type { RawTransaction } from "../../proto/gen/blockchain.ts";
import { Transaction, UtxoTransaction } from "../../proto/gen/blockchain.ts";
import { equalBytes, toHex } from "../../shared/bytes/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import type { OracleKey, SuiteOracle } from "./suites.ts";
import { encodeCanonically, Message, TRANSACTION, UTXO_TRANSACTION } from "./wire.ts";

/** A transaction that every check lets pass; one of three changes the system configuration. */
export function makeTransaction(
  oracle: SuiteOracle,
  key: OracleKey | undefined,
  serial: number,
): RawTransaction {
  if (key === undefined) throw new Error("Cannot make a transaction without a key");
  if (serial % 3 === 0) {
    const output = new Uint8Array(serial).fill(1);
    const transaction = { version: 0, preTxHash: new Uint8Array(33), output, lockId: 1003n };
    const transactionHash = oracle.hash(encode(UtxoTransaction, transaction));
    const witness = { signature: key.sign(transactionHash), sender: key.address };
    const value = { transaction, transactionHash, witnesses: [witness] };
    return { tx: { $case: "utxoTx", value } };
  }
  const transaction = {
    version: 0,
    to: new Uint8Array(20).fill(serial),
    nonce: String(serial),
    quota: 200_000n,
    validUntilBlock: 95n,
    data: new Uint8Array(serial),
    value: new Uint8Array(32),
    chainId: new Uint8Array(32).fill(7),
  };
  const transactionHash = oracle.hash(encode(Transaction, transaction));
  const witness = { signature: key.sign(transactionHash), sender: key.address };
  return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness } } };
}

/** The code for one transaction; null when it can be read in two ways. */
export function checkRawTransaction(oracle: SuiteOracle, raw: Message): number | null {
  const [normal, utxo] = [raw.message(1), raw.message(2)];
  if (raw.isAmbiguous || normal !== null && utxo !== null) return null;
  if (normal !== null) {
    const witness = normal.message(3);
    const transaction = normal.message(1);
    if (witness === null) return 116;
    if (transaction === null) return 117;
    return checkSigned(oracle, {
      signed: normal,
      witness,
      encoded: encodeCanonically(TRANSACTION, transaction),
    });
  }
  if (utxo === null) return 119;
  const [witness, ...others] = utxo.each(3);
  const transaction = utxo.message(1);
  if (!(witness instanceof Message) || others.length > 0) return 148;
  if (transaction === null) return 118;
  const encoded = encodeCanonically(UTXO_TRANSACTION, transaction);
  return checkSigned(oracle, { signed: utxo, witness, encoded });
}

/** Verification on noble is slow, and the transactions of a run come again and again. */
const signers = new Map<string, string | null>();

function checkSigned(
  oracle: SuiteOracle,
  { signed, witness, encoded }: {
    readonly signed: Message;
    readonly witness: Message;
    readonly encoded: Uint8Array;
  },
): number {
  const hash = signed.bytes(2);
  if (hash.length !== 32) return 136;
  if (!equalBytes(oracle.hash(encoded), hash)) return 135;
  const signature = witness.bytes(1);
  if (signature.length !== oracle.signatureSize) return 137;
  const id = `${toHex(hash)} ${toHex(signature)}`;
  if (!signers.has(id)) {
    const address = oracle.recover(hash, signature);
    signers.set(id, address === null ? null : toHex(address));
  }
  return signers.get(id) === toHex(witness.bytes(2)) ? 0 : 138;
}
