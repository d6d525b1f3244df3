import assert from "node:assert/strict";
import { encodeRecords } from "./record_log.ts";
import { openLog } from "./open_log.ts";

const RECORD = { type: 2, body: Uint8Array.of(1, 2, 3) };

async function withFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/data/wal`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("openLog() finds what was appended to each height", () =>
  withFolder(async (path) => {
    const { wal, height, contentByHeight } = await openLog(path);
    assert.equal(height, null);
    assert.equal(contentByHeight.size, 0);
    await wal.setHeight(12n);
    await wal.append(11n, [RECORD]);
    await wal.append(12n, [RECORD, RECORD]);
    const again = await openLog(path);
    assert.equal(again.height, 12n);
    const counts = [...again.contentByHeight].map(([at, { records }]) => [at, records.length]);
    assert.deepEqual(counts, [[11n, 1], [12n, 2]]);
  }));

Deno.test("openLog() cuts off a torn end, so that later records are found", () =>
  withFolder(async (path) => {
    const { wal } = await openLog(path);
    await wal.append(5n, [RECORD]);
    const torn = encodeRecords([RECORD]).subarray(0, 9);
    await Deno.writeFile(`${path}/5.log`, torn, { append: true });
    const { wal: reopened, contentByHeight } = await openLog(path);
    assert.equal(contentByHeight.get(5n)?.isDamaged, false);
    await reopened.append(5n, [RECORD]);
    assert.equal((await openLog(path)).contentByHeight.get(5n)?.records.length, 2);
  }));

Deno.test("openLog() tells of damage at every start, and keeps what is written after", () =>
  withFolder(async (path) => {
    const bytes = encodeRecords([RECORD, RECORD]);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    const { wal } = await openLog(path);
    await Deno.writeFile(`${path}/5.log`, bytes);
    for (const count of [1, 2]) {
      const content = (await openLog(path)).contentByHeight.get(5n);
      assert.equal(content?.isDamaged, true);
      assert.equal(content?.records.length, count);
      await wal.append(5n, [RECORD]);
    }
  }));
