import assert from "node:assert/strict";
import { StatusCode as StatusCodeMessage } from "../../../proto/gen/common.ts";
import { Content, ExtKey, Value } from "../../../proto/gen/storage.ts";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { freePort } from "../../free_ports.ts";
import { waitFor } from "../wait.ts";
import { Player, withFolder } from "./player.ts";
import { readJson, readLines, type RecordedCall, vectorPath } from "./recordings.ts";

const SERVICE = "/storage.StorageService";
const STORAGE_PORT = freePort();
const KMS_PORT = freePort();
const CONFIG = `[storage_rocksdb]\nstorage_port = ${STORAGE_PORT}\nkms_port = ${KMS_PORT}\n` +
  `[kms_sm]\nkms_port = ${KMS_PORT}\n`;

/** A call as tests/vectors/storage holds it. */
interface StorageCall {
  readonly label?: string;
  readonly rpc: string;
  readonly request_hex: string;
  readonly response_hex: string;
}

interface GridFile {
  /** Region, key size, value size; codes of store and load, size loaded, codes of delete, load. */
  readonly grid: readonly (readonly (number | string)[])[];
  readonly calls: readonly StorageCall[];
}

/** The reference closes the stream here; storage_kms.md A4 wants InvalidKey. */
const CRASHED = "E1";
const INVALID_KEY = 603;
const KMS_NOT_READY = 300;

function startStorage(folder: string): Promise<Player> {
  return Player.start({ role: "storage", folder, config: CONFIG, port: STORAGE_PORT });
}

async function startKms(folder: string): Promise<Player> {
  await Deno.copyFile(vectorPath("kms/chain_single.db"), `${folder}/kms.db`);
  return await Player.start({ role: "kms", folder, config: CONFIG, port: KMS_PORT });
}

function recordedCall({ label = "stored call", rpc, ...hex }: StorageCall): RecordedCall {
  return { label, method: `${SERVICE}/${rpc}`, ...hex };
}

async function responseTo(storage: Player, rpc: string, request: Bytes): Promise<Bytes> {
  const answer = await storage.call(`${SERVICE}/${rpc}`, request);
  assert("hex" in answer, `${rpc} answers ${JSON.stringify(answer)}`);
  return fromHex(answer.hex);
}

async function store(storage: Player, content: Content): Promise<number> {
  return decode(StatusCodeMessage, await responseTo(storage, "Store", encode(Content, content)))
    .code;
}

async function probe(storage: Player, region: number, sizes: readonly number[]) {
  const [keySize = 0, valueSize = 0] = sizes;
  const key = new Uint8Array(keySize).fill(0x4b);
  const place = encode(ExtKey, { region, key });
  const stored = await store(storage, { region, key, value: new Uint8Array(valueSize).fill(0x5a) });
  const loaded = decode(Value, await responseTo(storage, "Load", place));
  const deleted = decode(StatusCodeMessage, await responseTo(storage, "Delete", place));
  const reloaded = decode(Value, await responseTo(storage, "Load", place));
  const { status, value } = loaded;
  return [stored, status?.code, value.length, deleted.code, reloaded.status?.code];
}

Deno.test("bin/storage accepts and refuses what storage_rocksdb did, full blocks included", async () => {
  const { grid, calls } = await readJson<GridFile>("storage/storage_rocksdb.json");
  assert.equal(grid.length, 600);
  await withFolder(async (folder) => {
    await using storage = await startStorage(folder);
    for (const row of grid) {
      const [region = 0, keySize = 0, valueSize = 0, ...recorded] = row.map((cell) =>
        cell === CRASHED ? INVALID_KEY : Number(cell)
      );
      const found = await probe(storage, region, [keySize, valueSize]);
      assert.deepEqual(found, recorded, `region ${region}, key ${keySize}, value ${valueSize}`);
    }
    const [fullBlock] = calls;
    assert(fullBlock !== undefined);
    const content = decode(Content, fromHex(fullBlock.request_hex));
    assert.equal(await store(storage, content), KMS_NOT_READY);
    await using kms = await startKms(folder);
    // the storage tries to reach a lost kms again after a pause, which grows to two seconds
    await waitFor(async () => await store(storage, content) === KMS_NOT_READY ? null : true, {
      what: "a storage that finds its kms",
      timeoutMs: 5_000,
    });
    for (const call of calls) await storage.expect(recordedCall(call));
    assert.deepEqual([await storage.stop(), await kms.stop()], [0, 0]);
  });
});

Deno.test("bin/storage answers the recorded chain, and its restart after SIGKILL", async () => {
  const calls = await readLines<StorageCall>("storage/chain_single_calls.jsonl.gz");
  const tap = await readLines<RecordedCall>("controller/single_tap_after_restart.jsonl.gz");
  const later = tap.filter(({ method, response_hex }) =>
    method.startsWith(SERVICE) && response_hex !== undefined
  );
  assert.deepEqual([calls.length, later.length], [839, 106]);
  await withFolder(async (folder) => {
    await using _kms = await startKms(folder);
    await using storage = await startStorage(folder);
    for (const call of calls) await storage.expect(recordedCall(call));
    await storage.kill();
    await using restarted = await startStorage(folder);
    for (const call of later) await restarted.expect(call);
    assert.equal(await restarted.stop(), 0);
  });
});

Deno.test("bin/storage answers the recorded four-node chain", async () => {
  const calls = await readLines<StorageCall>("storage/chain_raft_p2p_calls.jsonl.gz");
  assert.equal(calls.length, 876);
  await withFolder(async (folder) => {
    await using _kms = await startKms(folder);
    await using storage = await startStorage(folder);
    for (const call of calls) await storage.expect(recordedCall(call));
    assert.equal(await storage.stop(), 0);
  });
});
