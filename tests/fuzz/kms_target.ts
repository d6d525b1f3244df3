import { RawTransaction, RawTransactions } from "../../proto/gen/blockchain.ts";
import { HashResponse, StatusCode as StatusMessage } from "../../proto/gen/common.ts";
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
import { type Bytes, equalBytes, toHex } from "../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../shared/clock/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import { mutate } from "../e2e/recordings/garbage.ts";
import { type OracleKey, type SuiteOracle, suiteOracle } from "./suites.ts";
import { type Answer, judgeStatus, mutant, noise, oneOf, pick, type Target } from "./target.ts";
import { checkRawTransaction, makeTransaction } from "./transactions.ts";
import { decodeStrictly, type Message, RAW_TRANSACTIONS, type Schema } from "./wire.ts";

/** What the judges of one suite share. */
interface KmsContext {
  readonly oracle: SuiteOracle;
  readonly keys: readonly OracleKey[];
  readonly transactions: readonly RawTransaction[];
  /** Addresses of the accounts that the service made, by key id. */
  readonly accounts: Map<bigint, string>;
}

/** What is tried of one method. */
interface KmsMethod {
  readonly path: string;
  readonly schema: Schema;
  /** A request that must not be refused. */
  valid(random: Random): Bytes;
  /** A request that is well-formed and may be wrong. */
  wrong?(random: Random): Bytes;
  code(answer: Bytes): number;
  /** What is wrong with an answer to a well-formed request. */
  judge(request: Message, answer: Bytes, code: number): string | null;
}

const KEYS = 5;
const TRANSACTIONS = 60;

/** A kms of one suite; every answer 0 is computed or verified again. */
export function kmsTarget(suite: "sm" | "eth"): Target {
  const oracle = suiteOracle(suite);
  const random = seededRandom(1);
  const keys = Array.from({ length: KEYS }, (_, index) => oracle.key(BigInt(index + 2)));
  const transactions = Array.from(
    { length: TRANSACTIONS },
    (_, index) => makeTransaction(oracle, oneOf(random, [keys[0], ...keys]), index),
  );
  const context: KmsContext = { oracle, keys, transactions, accounts: new Map() };
  const methods = [
    getCryptoInfo(context),
    generateKeyPair(context),
    hashData(context),
    verifyDataHash(context),
    signMessage(context),
    recoverSignature(context),
    checkTransactions(context),
  ];
  const name = `kms_${suite}`;
  return {
    name,
    role: "kms",
    methods: methods.map(({ path }) => path),
    config: (port) => `[${name}]\nkms_port = ${port}\n`,
    close: () => Promise.resolve(),
    nextTrial(path, random) {
      const method = methods.find((method) => method.path === path);
      if (method === undefined) throw new Error(`Cannot try ${path}: it has no model`);
      const isWrong = method.wrong !== undefined && random() < 0.4;
      const sample = isWrong ? method.wrong?.(random) : method.valid(random);
      const { bytes: request, isValid } = mutant(random, sample ?? new Uint8Array());
      const decoded = decodeStrictly(method.schema, request);
      const judge = (answer: Answer): string | null => {
        if ("status" in answer) return judgeStatus(answer, decoded === null);
        const code = method.code(answer.bytes);
        if (decoded === null) return code === 0 ? "a malformed request was answered with 0" : null;
        if (isValid && !isWrong && code !== 0) return `a valid request was answered with ${code}`;
        return decoded.isAmbiguous ? null : method.judge(decoded, answer.bytes, code);
      };
      return {
        method: path,
        request,
        places: () => [],
        judge,
        outcome: (answer) =>
          "status" in answer ? `grpc ${answer.status}` : String(method.code(answer.bytes)),
      };
    },
  };
}

const statusOf = (bytes: Bytes) => StatusMessage.decode(bytes).code;

function expectCode(code: number, wanted: number): string | null {
  return code === wanted ? null : `code ${code} instead of ${wanted}`;
}

function getCryptoInfo({ oracle }: KmsContext): KmsMethod {
  return {
    path: KmsServiceService.getCryptoInfo.path,
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

function generateKeyPair({ accounts }: KmsContext): KmsMethod {
  return {
    path: KmsServiceService.generateKeyPair.path,
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

function hashData({ oracle }: KmsContext): KmsMethod {
  return {
    path: KmsServiceService.hashData.path,
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

function verifyDataHash({ oracle }: KmsContext): KmsMethod {
  return {
    path: KmsServiceService.verifyDataHash.path,
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

function signMessage({ oracle, accounts }: KmsContext): KmsMethod {
  const path = KmsServiceService.signMessage.path;
  const knownId = (random: Random) => [...accounts.keys()][pick(random, accounts.size)] ?? null;
  return {
    path,
    schema: { 1: "u64", 2: "bytes" },
    valid(random) {
      const keyId = knownId(random);
      const msg = noise(random, 32);
      // before the first account there is nothing to sign with
      return keyId === null ? Uint8Array.of(0xff) : encode(SignMessageRequest, { keyId, msg });
    },
    wrong: (random) =>
      encode(SignMessageRequest, {
        keyId: oneOf(random, [0n, 1n << 62n, (1n << 64n) - 1n, knownId(random) ?? 7n]),
        msg: noise(random, oneOf(random, [32, 31, 0, 65])),
      }),
    code: (answer) => SignMessageResponse.decode(answer).status?.code ?? -1,
    judge(request, answer, code) {
      const { signature } = SignMessageResponse.decode(answer);
      if (signature.length !== oracle.signatureSize) return `${signature.length} bytes`;
      const msg = request.bytes(2);
      if (code !== 0) {
        if (signature.some((byte) => byte !== 0)) return "a refusal with a signature";
        const isUnknown = !accounts.has(request.uint(1));
        const isUnfit = oracle.name === "eth" && msg.length !== 32;
        return isUnknown || isUnfit ? null : `code ${code} for a known key`;
      }
      const signer = oracle.recover(msg, signature);
      const account = accounts.get(request.uint(1));
      // an account that is being made may be used before its id has arrived here
      if (signer === null) return "a signature that is none";
      return account === undefined || account === toHex(signer) ? null : "another account signed";
    },
  };
}

function recoverSignature({ oracle, keys }: KmsContext): KmsMethod {
  const make = (random: Random) => {
    const msg = noise(random, 32);
    return { msg, signature: oneOf(random, [keys[0], ...keys])?.sign(msg) ?? new Uint8Array() };
  };
  return {
    path: KmsServiceService.recoverSignature.path,
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

function checkTransactions({ oracle, transactions }: KmsContext): KmsMethod {
  const some = (random: Random) =>
    Array.from({ length: pick(random, 6) }, () => transactions[pick(random, TRANSACTIONS)])
      .filter((transaction) => transaction !== undefined);
  return {
    path: KmsServiceService.checkTransactions.path,
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
      return oneOf(random, [join(before, after), join(after, before)]);
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

function join(left: Bytes, right: Bytes): Bytes {
  return Uint8Array.of(...left, ...right);
}
