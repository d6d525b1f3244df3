/** A thread that signs transactions. */

import { RawTransaction } from "../proto/gen/blockchain.ts";
import { assert } from "../shared/assert/mod.ts";
import { hashTransaction } from "../shared/block/mod.ts";
import { EMPTY_BYTES } from "../shared/bytes/mod.ts";
import { encode } from "../shared/codec/mod.ts";
import { type CryptoSuite, loadSuite } from "../shared/crypto/mod.ts";
import { serveWorker } from "../shared/workers/mod.ts";
import type { SignedTransaction, SigningRequest } from "./chain_signing.ts";

const SENDERS = 10;
const QUOTA = 200_000n;
const RECIPIENT = new Uint8Array(20).fill(0x42);

type Sign = (nonce: string) => SignedTransaction;

/** Signs for one sender. */
function signerOf(suite: CryptoSuite, { chainId, validUntilBlock }: SigningRequest): Sign {
  const secretKey = suite.generateSecretKey();
  const sender = suite.addressOf(suite.publicKeyOf(secretKey));
  return (nonce) => {
    const transaction = {
      version: 0,
      to: RECIPIENT,
      nonce,
      quota: QUOTA,
      validUntilBlock,
      data: EMPTY_BYTES,
      value: new Uint8Array(32),
      chainId,
    };
    const transactionHash = hashTransaction(suite.hash, transaction);
    const signature = suite.sign(secretKey, transactionHash);
    const value = { transaction, transactionHash, witness: { signature, sender } };
    const encoded = encode(RawTransaction, { tx: { $case: "normalTx", value } });
    return { encoded, hash: transactionHash, signature };
  };
}

serveWorker<SigningRequest, SignedTransaction[]>(async (request) => {
  const suite = await loadSuite(request.crypto);
  const signers = Array.from({ length: SENDERS }, () => signerOf(suite, request));
  return Array.from({ length: request.count }, (_, index) => {
    const sign = signers[index % SENDERS];
    assert(sign !== undefined, "There is a signer for every index");
    return sign(String(request.firstNonce + index));
  });
});
