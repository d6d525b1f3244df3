import { KmsServiceService } from "../../proto/gen/kms.ts";
import { ADDRESS_SIZE, HASH_SIZE } from "../../shared/block/mod.ts";
import { type Bytes, equalBytes } from "../../shared/bytes/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import { type KeyPair, type KmsDb, KmsDbError } from "../../shared/kms_db/mod.ts";
import { type Handlers, rawRequest, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import { type CheckDeps, checkTransactionsHandler } from "./check_call.ts";

/** What the handlers work with. */
export interface KmsDeps extends CheckDeps {
  readonly suite: CryptoSuite;
  readonly db: KmsDb;
}

/** `kms.KmsService`; batches of transactions are taken as they come, to be decoded elsewhere. */
export const KMS_SERVICE = rawRequest(KmsServiceService, "checkTransactions");

const SUCCESS = { code: StatusCode.Success };

/** gRPC face of `kms.KmsService` (spec/storage_kms.md, B4): maps outcomes to codes. */
export function kmsHandlers(deps: KmsDeps): Handlers<typeof KMS_SERVICE> {
  const { suite, db, log } = deps;
  return {
    getCryptoInfo: () =>
      Promise.resolve({
        status: SUCCESS,
        name: suite.name,
        hashLen: HASH_SIZE,
        signatureLen: suite.signatureSize,
        addressLen: ADDRESS_SIZE,
      }),

    generateKeyPair({ Description }) {
      try {
        const { keyId, address } = db.insertAccount(suite.generateSecretKey(), Description);
        return Promise.resolve({ keyId, address });
      } catch (cause) {
        log.warn("generate_key_pair failed", { cause });
        const name = statusName(StatusCode.InsertAccountError);
        throw new RpcError(RpcCode.InvalidArgument, name, { cause });
      }
    },

    hashData: ({ data }) => Promise.resolve({ status: SUCCESS, hash: { hash: suite.hash(data) } }),

    verifyDataHash: ({ data, hash }) => Promise.resolve({ code: checkHash(suite, data, hash) }),

    signMessage: ({ keyId, msg }) => {
      const signature = signMessage(deps, keyId, msg);
      return Promise.resolve(
        typeof signature === "number"
          ? { status: { code: signature }, signature: new Uint8Array(suite.signatureSize) }
          : { status: SUCCESS, signature },
      );
    },

    recoverSignature({ msg, signature }) {
      const recovery = suite.recover(msg, signature);
      return Promise.resolve(
        recovery.kind === "signer"
          ? { status: SUCCESS, address: recovery.address }
          : { status: { code: recovery.code }, address: new Uint8Array(ADDRESS_SIZE) },
      );
    },

    checkTransactions: checkTransactionsHandler(deps),
  };
}

function checkHash(suite: CryptoSuite, data: Bytes, hash: Bytes): StatusCode {
  if (hash.length !== HASH_SIZE) return StatusCode.HashLenError;
  return equalBytes(suite.hash(data), hash) ? StatusCode.Success : StatusCode.HashCheckError;
}

/** Signs with a stored key; the code when that is not possible. */
function signMessage(deps: KmsDeps, keyId: bigint, message: Bytes): Bytes | StatusCode {
  const keyPair = findKeyPair(deps, keyId);
  if (typeof keyPair === "number") return keyPair;
  if (!deps.suite.canSign(message)) return StatusCode.SignError;
  return deps.suite.sign(keyPair.secretKey, message, keyPair.publicKey);
}

function findKeyPair({ db, log }: KmsDeps, keyId: bigint): KeyPair | StatusCode {
  const refuse = (code: StatusCode, fields?: { readonly cause: unknown }): StatusCode => {
    log.warn(`sign_message get account(id: ${keyId}) failed: ${statusName(code)}`, fields);
    return code;
  };
  try {
    return db.findKeyPair(keyId) ?? refuse(StatusCode.NotFoundAccount);
  } catch (cause) {
    const isDamaged = cause instanceof KmsDbError;
    const code = isDamaged ? StatusCode.ConstructKeyPairError : StatusCode.NotFoundAccount;
    return refuse(code, { cause });
  }
}
