import { StatusCode as StatusMessage } from "../../proto/gen/common.ts";
import { Block } from "../../proto/gen/blockchain.ts";
import { Content, ExtKey, StorageServiceService, Value } from "../../proto/gen/storage.ts";
import { serveFakeKms } from "../../services/storage/testing/fake_kms.ts";
import { type Bytes, equalBytes, toHex, u64be } from "../../shared/bytes/mod.ts";
import type { Random } from "../../shared/clock/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import { mutate } from "../e2e/recordings/garbage.ts";
import { mutant, noise, oneOf, pick, type Target } from "./target.ts";
import { StorageModel } from "./storage_model.ts";
import { decodeStrictly, type Schema } from "./wire.ts";

const STORE = StorageServiceService.store.path;
const LOAD = StorageServiceService.load.path;
const DELETE = StorageServiceService.delete.path;

const CONTENT: Schema = { 1: "u32", 2: "bytes", 3: "bytes" };

/** Few keys, so that loads find something. */
const KEYS = 25;
const HASH_REGIONS = [1, 7, 8, 9];

function keyOf(random: Random, region: number): Bytes {
  const key = new Uint8Array(HASH_REGIONS.includes(region) ? 32 : 8);
  key.set(u64be(BigInt(pick(random, KEYS))));
  return random() < 0.03 ? noise(random, pick(random, 40)) : key;
}

function valueOf(random: Random, region: number): Bytes {
  if (region === 11) return blockOf(random);
  if (region === 4 || region === 6) return noise(random, 32);
  if (region === 7 || region === 8) return noise(random, 8);
  if (random() < 0.02) return new Uint8Array(200_000).fill(pick(random, 256));
  return noise(random, pick(random, 120));
}

function hashOf(random: Random): Bytes {
  const hash = new Uint8Array(32);
  hash.set(u64be(BigInt(pick(random, KEYS))));
  return random() < 0.03 ? noise(random, pick(random, 40)) : hash;
}

/** Blocks with all that may be missing, and damaged ones. */
function blockOf(random: Random): Bytes {
  const body = Array.from({ length: pick(random, 4) }, () => {
    const value = { transactionHash: hashOf(random), transaction: undefined };
    if (random() < 0.03) return { tx: undefined };
    return random() < 0.7
      ? { tx: { $case: "normalTx" as const, value: { ...value, witness: undefined } } }
      : { tx: { $case: "utxoTx" as const, value: { ...value, witnesses: [] } } };
  });
  const header = {
    prevhash: noise(random, 32),
    timestamp: BigInt(pick(random, 2 ** 30)),
    height: BigInt(pick(random, KEYS)),
    transactionsRoot: noise(random, 32),
    proposer: noise(random, 20),
  };
  const block = encode(Block, {
    version: pick(random, 2),
    header: random() < 0.03 ? undefined : header,
    body: random() < 0.03 ? undefined : { body },
    proof: noise(random, pick(random, 30)),
  });
  return random() < 0.3 ? mutate(random, [block]) : block;
}

/** What the fake kms answers: the end of the header and its length. */
function hashHeader(header: Bytes): Bytes {
  const hash = new Uint8Array(32);
  hash.set(header.subarray(-31));
  hash[31] = header.length;
  return hash;
}

/** The storage of a flavour with a model of everything that was stored; the flavours differ in a code. */
export async function storageTarget(
  name: string,
  deleteFullBlockCode: StatusCode,
): Promise<Target> {
  const kms = await serveFakeKms();
  const model = new StorageModel({ headerHash: hashHeader, deleteFullBlockCode });
  return {
    name,
    role: "storage",
    methods: [STORE, LOAD, DELETE],
    config: (port) => `[${name}]\nstorage_port = ${port}\nkms_port = ${kms.port}\n`,
    close: () => kms.close(),
    nextTrial(method, random) {
      const region = random() < 0.03 ? pick(random, 2 ** 32) : pick(random, 13);
      const key = keyOf(random, oneOf(random, [region, region, region, region, pick(random, 11)]));
      const value = method === STORE ? valueOf(random, region) : new Uint8Array();
      const valid = method === STORE
        ? encode(Content, { region, key, value })
        : encode(ExtKey, { region, key });
      const { bytes: request } = mutant(random, valid);
      const { [3]: _value, ...place } = CONTENT;
      const content = decodeStrictly(method === STORE ? CONTENT : place, request);
      const record = {
        region: Number(content?.uint(1) ?? 0n),
        key: content?.bytes(2) ?? new Uint8Array(),
        value: content?.bytes(3) ?? new Uint8Array(),
      };
      const judge = (answer: Bytes): string | null => {
        const { code, value: loaded } = read(method, answer);
        if (method === STORE) return wrongCode(code, model.store(record, code));
        if (method === DELETE) return wrongCode(code, model.delete(record));
        const wanted = model.load(record);
        if (wanted === null) return null;
        if (code !== wanted.code) return wrongCode(code, wanted.code);
        if (equalBytes(loaded, wanted.value)) return null;
        return `loaded ${toHex(loaded)} instead of ${toHex(wanted.value)}`;
      };
      return {
        method,
        request,
        isMalformed: content === null,
        places: () => content === null ? [] : model.placesOf(record, method === STORE),
        judge,
        outcome: (answer) => String(read(method, answer).code),
      };
    },
  };
}

function read(method: string, bytes: Bytes): { code: number; value: Bytes } {
  if (method !== LOAD) return { code: StatusMessage.decode(bytes).code, value: new Uint8Array() };
  const { status, value } = Value.decode(bytes);
  return { code: status?.code ?? -1, value };
}

/** Null for a code that nobody can tell. */
function wrongCode(code: number, wanted: number | null): string | null {
  return wanted === null || code === wanted ? null : `code ${code} instead of ${wanted}`;
}
