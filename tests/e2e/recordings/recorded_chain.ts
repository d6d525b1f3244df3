/** The recorded one-node chain: its blocks, and what its services answered at some heights. */

import assert from "node:assert/strict";
import { Block } from "../../../proto/gen/blockchain.ts";
import { Hash, Proof, StateRoot } from "../../../proto/gen/common.ts";
import { BlockNumber } from "../../../proto/gen/controller.ts";
import { NetworkMsg } from "../../../proto/gen/network.ts";
import { Content, ExtKey, Value } from "../../../proto/gen/storage.ts";
import { type Bytes, fromHex, readU64be, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { readJson, readLines, type RecordedCall } from "./recordings.ts";

/** Everything of the chain that a follower can be compared with. */
export interface RecordedChain {
  /** Full blocks with proofs, heights 0 to 46. */
  readonly blocks: ReadonlyMap<bigint, Block>;
  /** Hashes of blocks 0 to 46. */
  readonly hashes: ReadonlyMap<bigint, Bytes>;
  /** The validator's own signed status of height 46. */
  readonly lastStatus: Bytes;
  /** Transactions sent at height 20. */
  readonly sendCases: readonly RecordedCall[];
  /** Calls of the controller and the executor, and loads of every record, at height 40. */
  readonly callsAt40: readonly RecordedCall[];
  /** Those of {@linkcode callsAt40} whose answers do not change later. */
  readonly lastingCalls: readonly RecordedCall[];
  /** Methods that came after 6.3.3, for blocks 0 to 40, with what follows from the recording. */
  readonly newerCalls: readonly RecordedCall[];
  /** What consensus committed, and the recorded answers. */
  readonly commits: readonly RecordedCall[];
  /** Loads of the controller that started again at height 46, and loads of all state roots. */
  readonly loadsAt46: readonly RecordedCall[];
}

interface StorageCall {
  readonly rpc?: string;
  readonly request_hex: string;
  readonly response_hex: string;
}

interface ExecutorCalls {
  readonly receipts: readonly {
    readonly tx_hash: string;
    readonly receipt_hex?: string;
    readonly error?: RecordedCall["grpc_error"];
  }[];
  readonly calls: readonly RecordedCall[];
}

const LOAD = "/storage.StorageService/Load";
const RESULT_REGION = 6;
const BLOCK_HASH_KEY = 1n;
const FULL_BLOCK_REGION = 11;

async function readStores(): Promise<Content[]> {
  const calls = await readLines<StorageCall>("storage/chain_single_calls.jsonl.gz");
  return calls.filter(({ rpc }) => rpc === "Store")
    .map(({ request_hex }) => decode(Content, fromHex(request_hex)));
}

function loadOf({ region, key, value }: Content): RecordedCall {
  return {
    method: LOAD,
    request_hex: toHex(encode(ExtKey, { region, key })),
    response_hex: toHex(encode(Value, { status: { code: 0 }, value })),
  };
}

async function readExecutorCalls(): Promise<RecordedCall[]> {
  const { receipts, calls } = await readJson<ExecutorCalls>("executor/chain_single.json.gz");
  const method = "/evm.RPCService/GetTransactionReceipt";
  const receiptCalls = receipts.map(({ tx_hash, receipt_hex, error }): RecordedCall => {
    const request_hex = `0a20${tx_hash}`;
    if (receipt_hex !== undefined) return { method, request_hex, response_hex: receipt_hex };
    // transactions of the system configuration have no receipt
    assert(error !== undefined);
    return { method, request_hex, grpc_error: error };
  });
  return [...receiptCalls, ...calls];
}

/** `GetBlockByHash` was recorded as equal to `GetBlockByNumber` for every block. */
function blocksByHash(calls: readonly RecordedCall[]): RecordedCall[] {
  const byNumber = calls.filter(({ label = "" }) => /^block \d+ b$/.test(label));
  return byNumber.map(({ label, response_hex }) => {
    const hashCall = calls.find((call) => call.label === `${label}h`);
    assert(hashCall?.response_hex !== undefined && response_hex !== undefined);
    const method = "/controller.RPCService/GetBlockByHash";
    return { method, request_hex: hashCall.response_hex, response_hex };
  });
}

/** Full blocks, heights, state roots and proofs by the methods of later versions. */
function newerCallsOf(stores: readonly Content[]): RecordedCall[] {
  const blocks = stores.filter(({ region }) => region === FULL_BLOCK_REGION);
  const hashes = stores.filter(isBlockHash);
  const roots = stores.filter(({ region }) => region === RESULT_REGION);
  return blocks.slice(0, 41).flatMap(({ key, value }, index): RecordedCall[] => {
    const request_hex = toHex(encode(BlockNumber, { blockNumber: readU64be(key) }));
    const [hash, root] = [hashes[index]?.value, roots[index]?.value];
    assert(hash !== undefined && root !== undefined);
    const { proof } = decode(Block, value);
    const of = (name: string) => `/controller.RPCService/${name}`;
    return [
      { method: of("GetBlockDetailByNumber"), request_hex, response_hex: toHex(value) },
      {
        method: of("GetHeightByHash"),
        request_hex: toHex(encode(Hash, { hash })),
        response_hex: request_hex,
      },
      {
        method: of("GetStateRootByNumber"),
        request_hex,
        response_hex: toHex(encode(StateRoot, { stateRoot: root })),
      },
      {
        method: of("GetProofByNumber"),
        request_hex,
        response_hex: toHex(encode(Proof, { proof })),
      },
    ];
  });
}

const isBlockHash = ({ region, key }: Content) => region === 0 && readU64be(key) === BLOCK_HASH_KEY;

const isAboutHeight = ({ label = "", request_hex }: RecordedCall) =>
  label.startsWith("block number") || /^12080{15}[01]$/.test(request_hex);

/** Reads the chain from tests/vectors. */
export async function readRecordedChain(): Promise<RecordedChain> {
  const stores = await readStores();
  const blocks = stores.filter(({ region }) => region === FULL_BLOCK_REGION)
    .map(({ key, value }) => [readU64be(key), decode(Block, value)] as const);
  const hashes = stores.filter(isBlockHash)
    .map(({ value }, height) => [BigInt(height), value] as const);
  const controllerCalls = await readJson<RecordedCall[]>("controller/single_calls.json.gz");
  const records = await readJson<StorageCall[]>("storage/chain_single_records.json.gz");
  const afterRestart = await readLines<RecordedCall>(
    "controller/single_tap_after_restart.jsonl.gz",
  );
  const status = afterRestart.filter(({ method }) => method.endsWith("/Broadcast"))
    .map(({ request_hex }) => decode(NetworkMsg, fromHex(request_hex)))
    .find(({ module }) => module === "controller");
  assert(status !== undefined);
  const callsAt40 = [
    ...controllerCalls,
    ...blocksByHash(controllerCalls),
    ...await readExecutorCalls(),
    ...records.map((record) => ({ method: LOAD, ...record })),
  ];
  assert.deepEqual([blocks.length, hashes.length, callsAt40.length], [47, 47, 221 + 41 + 46 + 580]);
  const tap = await readLines<RecordedCall>("controller/single_tap.jsonl.gz");
  return {
    blocks: new Map(blocks),
    hashes: new Map(hashes),
    lastStatus: status.msg,
    sendCases: await readJson<RecordedCall[]>("controller/single_send_cases.json.gz"),
    callsAt40,
    lastingCalls: callsAt40.filter((call) => !isAboutHeight(call)),
    newerCalls: newerCallsOf(stores),
    commits: tap.filter(({ method }) => method.endsWith("/CommitBlock")),
    loadsAt46: [
      ...afterRestart.filter((call) => call.method === LOAD && call.response_hex !== undefined),
      ...stores.filter(({ region }) => region === RESULT_REGION).map(loadOf),
    ],
  };
}
