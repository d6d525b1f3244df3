import assert from "node:assert/strict";
import { Content, ExtKey, Value } from "../../proto/gen/storage.ts";
import { type Bytes, equalBytes, fromHex, toHex } from "../../shared/bytes/mod.ts";
import { decode, encode } from "../../shared/codec/mod.ts";
import { loadSm3 } from "../../shared/crypto/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import type { HeaderHash } from "./header_hash.ts";
import { Region } from "./regions.ts";
import { buildService } from "./testing/builders.ts";
import { readVectors, type RecordedCall, repeatCall } from "./testing/vectors.ts";

interface GridFile {
  readonly grid: readonly (readonly (number | string)[])[];
  readonly calls: readonly (RecordedCall & { readonly label: string })[];
}

async function sm3HeaderHash(): Promise<HeaderHash> {
  const sm3 = await loadSm3();
  return (header) => Promise.resolve({ code: StatusCode.Success, value: sm3(header) });
}

async function readJson<Shape>(name: string): Promise<Shape> {
  return JSON.parse(await readVectors(name));
}

/** The reference service crashes the call; spec/storage_kms.md A4 says what to answer instead. */
const CRASHED = "E1";

Deno.test("storage answers the acceptance grid of the reference service", async () => {
  const { grid } = await readJson<GridFile>("storage_rocksdb.json");
  assert.equal(grid.length, 600);
  for (const [region, keySize, valueSize, ...recorded] of grid.map((row) => row.map(toNumber))) {
    const { handlers } = buildService({ headerHash: await sm3HeaderHash() });
    const place = { region: region ?? 0, key: new Uint8Array(keySize ?? 0).fill(0x6b) };
    const value = new Uint8Array(valueSize ?? 0).fill(0x76);
    const stored = await handlers.store({ ...place, value });
    const loaded = await handlers.load(place);
    const deleted = await handlers.delete(place);
    const reloaded = await handlers.load(place);
    assert.deepEqual(
      [
        stored.code,
        loaded.status?.code,
        loaded.value.length,
        deleted.code,
        reloaded.status?.code,
      ],
      recorded,
      `region ${region}, key of ${keySize} bytes, value of ${valueSize} bytes`,
    );
  }
});

function toNumber(cell: number | string): number {
  return cell === CRASHED ? StatusCode.InvalidKey : Number(cell);
}

Deno.test("storage answers the recorded full-block calls", async () => {
  const { calls } = await readJson<GridFile>("storage_rocksdb.json");
  const { handlers } = buildService({ headerHash: await sm3HeaderHash() });
  assert.equal(calls.length, 25);
  for (const call of calls) {
    assert.equal(await repeatCall(handlers, call), call.response_hex, call.label);
  }
});

const CURRENT_HEIGHT_KEY = new Uint8Array(8);

for (const chain of ["chain_single", "chain_raft_p2p"]) {
  Deno.test(`storage gives the answers and holds the records of ${chain}`, async () => {
    const { handlers } = buildService({ headerHash: await sm3HeaderHash() });
    const text = await readVectors(`${chain}_calls.jsonl.gz`);
    const calls: RecordedCall[] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    const records = await readJson<Omit<RecordedCall, "rpc">[]>(`${chain}_records.json.gz`);
    const recordedHeight = heightOf(records);
    let comparedCount = 0;
    for (const call of calls) {
      assert.equal(await repeatCall(handlers, call), call.response_hex, call.request_hex);
      if (!storesHeight(call, recordedHeight)) continue;
      for (const record of records) {
        const answer = await repeatCall(handlers, { ...record, rpc: "Load" });
        assert.equal(answer, record.response_hex, record.request_hex);
        comparedCount += 1;
      }
    }
    assert(comparedCount >= records.length, "the records were taken at a height of the calls");
  });
}

/** The chain's height when its records were read. */
function heightOf(records: readonly Omit<RecordedCall, "rpc">[]): Bytes {
  const request = toHex(encode(ExtKey, { region: Region.Global, key: CURRENT_HEIGHT_KEY }));
  const found = records.find(({ request_hex }) => request_hex === request);
  assert(found !== undefined);
  return decode(Value, fromHex(found.response_hex)).value;
}

function storesHeight({ rpc, request_hex }: RecordedCall, height: Bytes): boolean {
  if (rpc !== "Store") return false;
  const { region, key, value } = decode(Content, fromHex(request_hex));
  return region === Region.Global && equalBytes(key, CURRENT_HEIGHT_KEY) &&
    equalBytes(value, height);
}
