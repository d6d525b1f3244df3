import type { RawTransaction, Witness } from "../../../proto/gen/blockchain.ts";
import { HASH_SIZE, hashTransaction, hashUtxoTransaction } from "../../../shared/block/mod.ts";
import { type Bytes, equalBytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";

/** What the hash and signature of a transaction must look like. */
export interface DigestRules {
  readonly hash: HashFunction;
  /** 128 for sm, 65 for eth. */
  readonly signatureSize: number;
}

/**
 * Hash and signature length of a transaction sent alone (spec/controller.md, 8.1, rows 11 to 13);
 * who signed it is for the kms to find out. The fields were checked before.
 */
export function checkDigest(raw: RawTransaction, { hash, signatureSize }: DigestRules): StatusCode {
  const claimed = raw.tx?.value.transactionHash;
  if (claimed === undefined) return StatusCode.NoTransaction;
  if (claimed.length !== HASH_SIZE) return StatusCode.HashLenError;
  const actual = hashOf(raw, hash);
  if (actual === null) return StatusCode.NoneTransaction;
  if (!equalBytes(actual, claimed)) return StatusCode.HashCheckError;
  const witness = witnessOf(raw);
  if (witness === undefined) return StatusCode.NoneWitness;
  return witness.signature.length === signatureSize ? StatusCode.Success : StatusCode.SigLenError;
}

function hashOf({ tx }: RawTransaction, hash: HashFunction): Bytes | null {
  if (tx?.value.transaction === undefined) return null;
  return tx.$case === "normalTx"
    ? hashTransaction(hash, tx.value.transaction)
    : hashUtxoTransaction(hash, tx.value.transaction);
}

function witnessOf({ tx }: RawTransaction): Witness | undefined {
  return tx?.$case === "normalTx" ? tx.value.witness : tx?.value.witnesses[0];
}
