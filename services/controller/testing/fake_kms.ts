import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { hashTransaction, hashUtxoTransaction } from "../../../shared/block/mod.ts";
import { type Bytes, concatBytes, EMPTY_BYTES, equalBytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { CryptoInfo, KmsPort, KmsResult } from "../ports.ts";

const SIGNATURE_SIZE = 128;

/** A signature that anyone can make: the address, and a hash that binds it to the message. */
export function fakeSignature(hash: HashFunction, address: Bytes, message: Bytes): Bytes {
  const signature = new Uint8Array(SIGNATURE_SIZE);
  signature.set(address, 0);
  signature.set(hash(concatBytes(address, message)), address.length);
  return signature;
}

/** A kms whose signatures cost nothing. */
export class FakeKms implements KmsPort {
  readonly #hash: HashFunction;
  readonly #address: Bytes;
  /** Answers 300 while true. */
  isAway = false;
  /** Number of transactions in each call of {@linkcode FakeKms.checkTransactions}. */
  readonly checkedCounts: number[] = [];

  constructor(hash: HashFunction, address: Bytes) {
    this.#hash = hash;
    this.#address = address;
  }

  cryptoInfo(): Promise<CryptoInfo> {
    const code = this.isAway ? StatusCode.KmsServerNotReady : StatusCode.Success;
    return Promise.resolve({ code, name: "sm", signatureSize: SIGNATURE_SIZE });
  }

  sign(message: Bytes): Promise<KmsResult> {
    if (this.isAway) return Promise.resolve(AWAY);
    const bytes = fakeSignature(this.#hash, this.#address, message);
    return Promise.resolve({ code: StatusCode.Success, bytes });
  }

  recover(message: Bytes, signature: Bytes): Promise<KmsResult> {
    return Promise.resolve(this.isAway ? AWAY : this.#recover(message, signature));
  }

  #recover(message: Bytes, signature: Bytes): KmsResult {
    const refuse = (code: StatusCode) => ({ code, bytes: EMPTY_BYTES });
    if (signature.length !== SIGNATURE_SIZE) return refuse(StatusCode.SigLenError);
    const address = signature.slice(0, 20);
    const isGood = equalBytes(signature, fakeSignature(this.#hash, address, message));
    if (!isGood) return refuse(StatusCode.SigCheckError);
    return { code: StatusCode.Success, bytes: address };
  }

  checkTransactions(transactions: readonly RawTransaction[]): Promise<StatusCode> {
    if (this.isAway) return Promise.resolve(StatusCode.KmsServerNotReady);
    this.checkedCounts.push(transactions.length);
    for (const raw of transactions) {
      const code = this.#check(raw);
      if (code !== StatusCode.Success) return Promise.resolve(code);
    }
    return Promise.resolve(StatusCode.Success);
  }

  #check({ tx }: RawTransaction): StatusCode {
    if (tx === undefined) return StatusCode.NoneRawTx;
    if (tx.$case === "utxoTx" && tx.value.witnesses.length !== 1) return StatusCode.InvalidWitness;
    const witness = tx.$case === "normalTx" ? tx.value.witness : tx.value.witnesses[0];
    if (witness === undefined) return StatusCode.NoneWitness;
    if (tx.value.transaction === undefined) {
      return tx.$case === "normalTx" ? StatusCode.NoneTransaction : StatusCode.NoneUtxo;
    }
    const { transactionHash } = tx.value;
    if (transactionHash.length !== 32) return StatusCode.HashLenError;
    const actual = tx.$case === "normalTx"
      ? tx.value.transaction && hashTransaction(this.#hash, tx.value.transaction)
      : tx.value.transaction && hashUtxoTransaction(this.#hash, tx.value.transaction);
    if (actual === undefined || !equalBytes(actual, transactionHash)) {
      return StatusCode.HashCheckError;
    }
    const signer = this.#recover(transactionHash, witness.signature);
    if (signer.code !== StatusCode.Success) return signer.code;
    return equalBytes(signer.bytes, witness.sender) ? StatusCode.Success : StatusCode.SigCheckError;
  }
}

const AWAY: KmsResult = { code: StatusCode.KmsServerNotReady, bytes: EMPTY_BYTES };
