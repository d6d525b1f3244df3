import assert from "node:assert/strict";
import { concatBytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { decodeRecords, encodeRecord, openWal, sipHash13, WalError } from "./mod.ts";

function lengthOf(body: Uint8Array): Uint8Array {
  const size = new Uint8Array(8);
  new DataView(size.buffer).setUint32(0, body.length, true);
  return size;
}

Deno.test("sipHash13() gives the checksums of the reference", () => {
  const vectors: [body: string, checksum: string][] = [
    ["", "459ec758b6ac60bd"],
    ["01", "743a31a84f5026c9"],
    ["010203", "c1a5648d26a63870"],
    ["0102030405", "4a3f42f2e3d81d37"],
    ["68656c6c6f", "9c4e2e526a2e5d87"],
    ["00".repeat(100), "66cf1f60877b405c"],
  ];
  for (const [body, checksum] of vectors) {
    const bytes = fromHex(body);
    assert.equal(toHex(sipHash13(lengthOf(bytes), bytes)), checksum);
  }
});

Deno.test("encodeRecord() writes the 13-byte header of the reference", () => {
  const record = encodeRecord(3, fromHex("0102030405"));
  assert.equal(toHex(record), "05000000034a3f42f2e3d81d370102030405");
});

Deno.test("decodeRecords() reads a WAL file of the reference consensus service", async () => {
  const path = new URL("../../../tests/vectors/controller/bft_wal_49.log", import.meta.url);
  const file = await Deno.readFile(path);
  const records = decodeRecords(file);
  assert.deepEqual(records.map(({ type }) => type), [1, 2, 2, 2, 2]);
  assert.deepEqual(concatBytes(...records.map((r) => encodeRecord(r.type, r.body))), file);
});

Deno.test("decodeRecords() stops at a record that is cut or damaged", () => {
  const first = encodeRecord(3, fromHex("aabb"));
  const second = encodeRecord(3, fromHex("cc"));
  const whole = concatBytes(first, second);
  assert.equal(decodeRecords(whole).length, 2);
  for (let size = first.length; size < whole.length; size++) {
    assert.equal(decodeRecords(whole.subarray(0, size)).length, 1);
  }
  const damaged = whole.slice();
  damaged[damaged.length - 1] = 0;
  assert.equal(decodeRecords(damaged).length, 1);
});

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/data/wal_chain`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("openWal() gives back what was appended and not cleared, also block 1", async () => {
  await withFolder(async (folder) => {
    const wal = await openWal(folder, SILENT_LOGGER);
    assert.deepEqual(await wal.load(), []);
    await wal.append(1n, fromHex("0a"));
    await wal.append(1n, fromHex("0b"));
    const reopened = await openWal(folder, SILENT_LOGGER);
    assert.deepEqual((await reopened.load()).map(toHex), ["0a", "0b"]);
    await reopened.clear();
    await reopened.append(2n, fromHex("0c"));
    assert.deepEqual((await reopened.load()).map(toHex), ["0c"]);
    assert.equal(await Deno.readTextFile(`${folder}/index`), "2");
  });
});

Deno.test("openWal() saves after the chain was rolled back and removes old logs", async () => {
  await withFolder(async (folder) => {
    const wal = await openWal(folder, SILENT_LOGGER);
    await wal.append(3n, fromHex("0a"));
    await wal.append(500n, fromHex("0b"));
    const again = await openWal(folder, SILENT_LOGGER);
    await again.append(101n, fromHex("0c"));
    assert.deepEqual((await again.load()).map(toHex), ["0c", "0b"]);
  });
});

Deno.test("openWal() refuses an index that is no height", async () => {
  await withFolder(async (folder) => {
    await openWal(folder, SILENT_LOGGER);
    await Deno.writeTextFile(`${folder}/index`, "x1");
    await assert.rejects(openWal(folder, SILENT_LOGGER), WalError);
  });
});
