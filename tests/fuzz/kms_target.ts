import { KmsServiceService } from "../../proto/gen/kms.ts";
import { type Bytes, toHex } from "../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../shared/clock/mod.ts";
import { cryptoMethods, type KmsContext, type KmsMethod, kmsMethods } from "./kms_calls.ts";
import { type OracleKey, type SuiteOracle, suiteOracle } from "./suites.ts";
import { mutant, oneOf, type Target, type Trial } from "./target.ts";
import { makeTransaction } from "./transactions.ts";
import { decodeStrictly } from "./wire.ts";

const KEYS = 5;
const TRANSACTIONS = 60;

/** A kms of 6.3 with accounts: it serves both services. */
export function kmsTarget(suite: "sm" | "eth"): Target {
  const context = makeContext(suiteOracle(suite), null);
  const methods = [...kmsMethods(context), ...cryptoMethods(context)];
  const generateKeyPair = find(methods, KmsServiceService.generateKeyPair.path);
  const name = `kms_${suite}`;
  return {
    name,
    config: (port) => `[${name}]\nkms_port = ${port}\n`,
    first: (random) => trial(generateKeyPair, generateKeyPair.valid(random), true),
    ...tryMethods(methods),
  };
}

const KEY_FILE = "node_key";

/** A crypto service of 6.5 with the key of a node in a file. */
export function cryptoTarget(suite: "sm" | "eth"): Target {
  const oracle = suiteOracle(suite);
  const nodeKey = oracle.key(65n);
  const name = `crypto_${suite}`;
  return {
    name,
    config: (port) => `[${name}]\ncrypto_port = ${port}\n`,
    args: ["-p", KEY_FILE],
    files: { [KEY_FILE]: toHex(nodeKey.secretKey) },
    ...tryMethods(cryptoMethods(makeContext(oracle, nodeKey))),
  };
}

function makeContext(oracle: SuiteOracle, nodeKey: OracleKey | null): KmsContext {
  const random = seededRandom(1);
  const keys = Array.from({ length: KEYS }, (_, index) => oracle.key(BigInt(index + 2)));
  const transactions = Array.from(
    { length: TRANSACTIONS },
    (_, index) => makeTransaction(oracle, oneOf(random, [keys[0], ...keys]), index),
  );
  return { oracle, keys, transactions, nodeKey, accounts: new Map() };
}

/** What both have in common; every answer 0 is computed or verified again. */
function tryMethods(methods: readonly KmsMethod[]) {
  return {
    role: "kms",
    methods: methods.map(({ path }) => path),
    close: () => Promise.resolve(),
    nextTrial: (path: string, random: Random) => nextTrial(find(methods, path), random),
  };
}

function find(methods: readonly KmsMethod[], path: string): KmsMethod {
  const found = methods.find((method) => method.path === path);
  if (found === undefined) throw new Error(`Cannot try ${path}: it has no model`);
  return found;
}

function nextTrial(method: KmsMethod, random: Random): Trial {
  const isWrong = method.wrong !== undefined && random() < 0.4;
  const sample = isWrong ? method.wrong?.(random) : method.valid(random);
  const { bytes: request, isValid } = mutant(random, sample ?? new Uint8Array());
  return trial(method, request, isValid && !isWrong);
}

function trial(method: KmsMethod, request: Bytes, isValid: boolean): Trial {
  const decoded = decodeStrictly(method.schema, request);
  return {
    method: method.path,
    request,
    isMalformed: decoded === null,
    places: () => [],
    judge(answer) {
      const code = method.code(answer);
      if (isValid && code !== 0) return `a valid request was answered with ${code}`;
      if (decoded === null || decoded.isAmbiguous) return null;
      return method.judge(decoded, answer, code);
    },
    outcome: (answer) => String(method.code(answer)),
  };
}
