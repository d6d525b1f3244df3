/** What is tried of the calls of the kms, and what each may answer (spec/storage_kms.md, B4, B9). */

import { RawTransaction, RawTransactions } from "../../proto/gen/blockchain.ts";
import { HashResponse, StatusCode as StatusMessage } from "../../proto/gen/common.ts";
import {
  CryptoServiceService,
  SignMessageRequest as SignNodeRequest,
} from "../../proto/gen/crypto.ts";
import {
  GenerateKeyPairRequest,
  GenerateKeyPairResponse,
  GetCryptoInfoResponse,
  HashDataRequest,
  KmsServiceService,
  RecoverSignatureRequest,
  RecoverSignatureResponse,
  SignMessageRequest,
  SignMessageResponse,
  VerifyDataHashRequest,
} from "../../proto/gen/kms.ts";
import { type Bytes, concatBytes, equalBytes, toHex } from "../../shared/bytes/mod.ts";
import type { Random } from "../../shared/clock/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import { mutate } from "../e2e/recordings/garbage.ts";
import type { OracleKey, SuiteOracle } from "./suites.ts";
import { noise, oneOf, pick } from "./target.ts";
import { checkRawTransaction } from "./transactions.ts";
import { type Message, RAW_TRANSACTIONS, type Schema } from "./wire.ts";

/** What the judges of one service share. */
export interface KmsContext {
  readonly oracle: SuiteOracle;
  readonly keys: readonly OracleKey[];
  readonly transactions: readonly RawTransaction[];
  /** The key of the private key file; null for a kms, which has accounts. */
  readonly nodeKey: OracleKey | null;
  /** Addresses of the accounts that the service made, by key id. */
  readonly accounts: Map<bigint, string>;
}

/** What is tried of one call. */
export interface KmsCall {
  readonly schema: Schema;
  /** A request that must not be refused. */
  valid(random: Random): Bytes;
  /** A request that is well-formed and may be wrong. */
  wrong?(random: Random): Bytes;
  code(answer: Bytes): number;
  /** What is wrong with an answer to a well-formed request. */
  judge(request: Message, answer: Bytes, code: number): string | null;
}

/** A call of a service. */
export interface KmsMethod extends KmsCall {
  readonly path: string;
}

/** The calls that need no key: both services answer them alike. */
const PUBLIC_CALLS = {
  getCryptoInfo,
  hashData,
  verifyDataHash,
  recoverSignature,
  checkTransactions,
};

/** Every method of `kms.KmsService`. */
export function kmsMethods(context: KmsContext): KmsMethod[] {
  const calls = { ...PUBLIC_CALLS, generateKeyPair, signMessage: signWithAccount };
  return methodsOf(KmsServiceService, calls, context);
}

/** Every method of `crypto.CryptoService`. */
export function cryptoMethods(context: KmsContext): KmsMethod[] {
  const calls = { ...PUBLIC_CALLS, signMessage: signWithNodeKey };
  return methodsOf(CryptoServiceService, calls, context);
}

function methodsOf<Name extends string>(
  service: Readonly<Record<Name, { readonly path: string }>>,
  calls: Readonly<Record<Name, (context: KmsContext) => KmsCall>>,
  context: KmsContext,
): KmsMethod[] {
  const names = Object.keys(service) as Name[];
  return names.map((name) => ({ path: service[name].path, ...calls[name](context) }));
}

/** Made before all else; it signs for `crypto.CryptoService` of a kms. */
const FIRST_ACCOUNT = 1n;
/** Not fewer than calls that are under way together. */
const NEW_ACCOUNTS_MAX = 64;
const MESSAGE_SIZES = [32, 31, 0, 65] as const;

const statusOf = (bytes: Bytes) => StatusMessage.decode(bytes).code;

function expectCode(code: number, wanted: number): string | null {
  return code === wanted ? null : `code ${code} instead of ${wanted}`;
}

function getCryptoInfo({ oracle }: KmsContext): KmsCall {
  return {
    schema: {},
    valid: () => new Uint8Array(),
    code: (answer) => GetCryptoInfoResponse.decode(answer).status?.code ?? -1,
    judge(_request, answer) {
      const { name, hashLen, signatureLen, addressLen } = GetCryptoInfoResponse.decode(answer);
      const found = [name, hashLen, signatureLen, addressLen].join();
      const wanted = [oracle.name, 32, oracle.signatureSize, 20].join();
      return found === wanted ? null : `answered ${found}`;
    },
  };
}

function generateKeyPair({ accounts }: KmsContext): KmsCall {
  return {
    schema: { 1: "string" },
    valid: (random) =>
      encode(GenerateKeyPairRequest, { Description: "x".repeat(pick(random, 200)) }),
    code: () => 0,
    judge(_request, answer) {
      const { keyId, address } = GenerateKeyPairResponse.decode(answer);
      if (address.length !== 20) return `an address of ${address.length} bytes`;
      if (accounts.has(keyId)) return `the key id ${keyId} was given before`;
      accounts.set(keyId, toHex(address));
      return null;
    },
  };
}

function hashData({ oracle }: KmsContext): KmsCall {
  return {
    schema: { 1: "bytes" },
    valid: (random) => encode(HashDataRequest, { data: noise(random, pick(random, 300)) }),
    code: (answer) => HashResponse.decode(answer).status?.code ?? -1,
    judge(request, answer, code) {
      const { hash } = HashResponse.decode(answer);
      const isRight = equalBytes(hash?.hash ?? new Uint8Array(), oracle.hash(request.bytes(1)));
      return expectCode(code, 0) ?? (isRight ? null : "a wrong hash");
    },
  };
}

function verifyDataHash({ oracle }: KmsContext): KmsCall {
  return {
    schema: { 1: "bytes", 2: "bytes" },
    valid(random) {
      const data = noise(random, pick(random, 100));
      return encode(VerifyDataHashRequest, { data, hash: oracle.hash(data) });
    },
    wrong: (random) =>
      encode(VerifyDataHashRequest, {
        data: noise(random, 10),
        hash: noise(random, oneOf(random, [32, 32, 31, 0])),
      }),
    code: statusOf,
    judge(request, _answer, code) {
      const hash = request.bytes(2);
      if (hash.length !== 32) return expectCode(code, 136);
      return expectCode(code, equalBytes(oracle.hash(request.bytes(1)), hash) ? 0 : 135);
    },
  };
}

/** `SignMessage` with an account; of 6.3 are the numbers of NotFoundAccount and SignError. */
function signWithAccount({ oracle, accounts }: KmsContext): KmsCall {
  const knownId = (random: Random) =>
    [...accounts.keys()][pick(random, accounts.size)] ?? FIRST_ACCOUNT;
  return {
    schema: { 1: "u64", 2: "bytes" },
    valid: (random) =>
      encode(SignMessageRequest, { keyId: knownId(random), msg: noise(random, 32) }),
    wrong: (random) =>
      encode(SignMessageRequest, {
        keyId: oneOf(random, [0n, 1n << 62n, (1n << 64n) - 1n, knownId(random)]),
        msg: noise(random, oneOf(random, MESSAGE_SIZES)),
      }),
    code: signCode,
    judge(request, answer, code) {
      const keyId = request.uint(1);
      const signer = accounts.get(keyId) ?? null;
      const isNew = keyId > 0n && Math.abs(Number(keyId) - accounts.size) <= NEW_ACCOUNTS_MAX;
      // it may be made by a call that is under way, and nobody can tell which came first
      if (isNew && (signer === null || code === 302)) return null;
      return judgeSigned(oracle, { msg: request.bytes(2), signer, noKey: 302, unfit: 305 }, answer);
    },
  };
}

/** `SignMessage` with the key of the node; 6.5 has numbers of its own (spec/storage_kms.md, B9). */
function signWithNodeKey({ oracle, nodeKey, accounts }: KmsContext): KmsCall {
  return {
    // field 1 was the key id, and is of no account now
    schema: { 2: "bytes" },
    valid: (random) => encode(SignNodeRequest, { msg: noise(random, 32) }),
    wrong(random) {
      const msg = noise(random, oneOf(random, MESSAGE_SIZES));
      return encode(SignMessageRequest, { keyId: BigInt(pick(random, 9)), msg });
    },
    code: signCode,
    judge(request, answer) {
      const signer = nodeKey === null
        ? accounts.get(FIRST_ACCOUNT) ?? null
        : toHex(nodeKey.address);
      return judgeSigned(oracle, { msg: request.bytes(2), signer, noKey: 303, unfit: 304 }, answer);
    },
  };
}

const signCode = (answer: Bytes) => SignMessageResponse.decode(answer).status?.code ?? -1;

interface Signing {
  readonly msg: Bytes;
  /** Address of the key, null when there is none. */
  readonly signer: string | null;
  /** The codes without a key, and for a message that the suite does not sign. */
  readonly noKey: number;
  readonly unfit: number;
}

function judgeSigned(
  oracle: SuiteOracle,
  { msg, signer, noKey, unfit }: Signing,
  answer: Bytes,
): string | null {
  const { signature } = SignMessageResponse.decode(answer);
  if (signature.length !== oracle.signatureSize) return `${signature.length} bytes`;
  const isUnfit = oracle.name === "eth" && msg.length !== 32;
  const wanted = signer === null ? noKey : isUnfit ? unfit : 0;
  const problem = expectCode(signCode(answer), wanted);
  if (problem !== null) return problem;
  if (wanted !== 0) {
    return signature.some((byte) => byte !== 0) ? "a refusal with a signature" : null;
  }
  const found = oracle.recover(msg, signature);
  if (found === null) return "a signature that is none";
  return toHex(found) === signer ? null : `${toHex(found)} signed instead of ${signer}`;
}

function recoverSignature({ oracle, keys }: KmsContext): KmsCall {
  const make = (random: Random) => {
    const msg = noise(random, 32);
    return { msg, signature: oneOf(random, [keys[0], ...keys])?.sign(msg) ?? new Uint8Array() };
  };
  return {
    schema: { 1: "bytes", 2: "bytes" },
    valid: (random) => encode(RecoverSignatureRequest, make(random)),
    wrong(random) {
      const { msg, signature } = make(random);
      const tampered = mutate(random, [oneOf(random, [signature, signature, msg])]);
      return encode(RecoverSignatureRequest, { msg, signature: tampered });
    },
    code: (answer) => RecoverSignatureResponse.decode(answer).status?.code ?? -1,
    judge(request, answer, code) {
      const { address } = RecoverSignatureResponse.decode(answer);
      const signature = request.bytes(2);
      if (signature.length !== oracle.signatureSize) return expectCode(code, 137);
      const signer = oracle.recover(request.bytes(1), signature);
      const wanted = signer ?? new Uint8Array(20);
      return expectCode(code, signer === null ? 138 : 0) ??
        (equalBytes(address, wanted) ? null : `the address ${toHex(address)}`);
    },
  };
}

function checkTransactions({ oracle, transactions }: KmsContext): KmsCall {
  const some = (random: Random) =>
    Array.from({ length: pick(random, 6) }, () => transactions[pick(random, transactions.length)])
      .filter((transaction) => transaction !== undefined);
  return {
    schema: RAW_TRANSACTIONS,
    valid: (random) => encode(RawTransactions, { body: some(random) }),
    wrong(random) {
      const body = some(random);
      const [victim] = body;
      if (victim === undefined) return new Uint8Array();
      const bytes = mutate(random, [encode(RawTransaction, victim)]);
      // the field that holds a damaged transaction is whole
      const before = encode(RawTransactions, { body: body.slice(1) });
      const after = encode(HashDataRequest, { data: bytes });
      return oneOf(random, [concatBytes(before, after), concatBytes(after, before)]);
    },
    code: statusOf,
    judge(request, _answer, code) {
      for (const raw of request.each(1)) {
        const wanted = checkRawTransaction(oracle, raw as Message);
        if (wanted === null) return null;
        if (wanted !== 0) return expectCode(code, wanted);
      }
      return expectCode(code, 0);
    },
  };
}
