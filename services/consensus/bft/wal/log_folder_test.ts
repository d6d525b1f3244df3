import assert from "node:assert/strict";
import { encodeRecords } from "./record_log.ts";
import { LogFolderError, openLogFolder } from "./log_folder.ts";

const RECORD = { type: 2, body: Uint8Array.of(1, 2, 3) };

async function withFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/data/wal`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("openLogFolder() creates the folder and finds what was appended", async () => {
  await withFolder(async (path) => {
    const { log, height, contentByHeight } = await openLogFolder(path);
    assert.equal(height, null);
    assert.equal(contentByHeight.size, 0);
    await log.setHeight(12n);
    await log.append(12n, [RECORD, RECORD]);
    await log.append(12n, [RECORD]);
    const again = await openLogFolder(path);
    assert.equal(again.height, 12n);
    assert.deepEqual(again.contentByHeight.get(12n)?.records, [RECORD, RECORD, RECORD]);
    assert.equal(Deno.readTextFileSync(`${path}/index`), "12");
  });
});

Deno.test("setHeight() drops logs more than eight heights below, erase() all of them", async () => {
  await withFolder(async (path) => {
    const { log } = await openLogFolder(path);
    for (const height of [1n, 2n, 3n]) await log.append(height, [RECORD]);
    await log.setHeight(10n);
    const kept = await openLogFolder(path);
    assert.deepEqual([...kept.contentByHeight.keys()].sort(), [2n, 3n]);
    await log.erase();
    const erased = await openLogFolder(path);
    assert.equal(erased.contentByHeight.size, 0);
    assert.equal(erased.height, 10n);
  });
});

Deno.test("openLogFolder() cuts off a torn end, so that later records are found", async () => {
  await withFolder(async (path) => {
    const { log } = await openLogFolder(path);
    await log.append(5n, [RECORD]);
    const torn = encodeRecords([RECORD]).subarray(0, 9);
    Deno.writeFileSync(`${path}/5.log`, torn, { append: true });
    const { log: reopened, contentByHeight } = await openLogFolder(path);
    assert.equal(contentByHeight.get(5n)?.isDamaged, false);
    await reopened.append(5n, [RECORD]);
    const { contentByHeight: after } = await openLogFolder(path);
    assert.equal(after.get(5n)?.records.length, 2);
  });
});

Deno.test("openLogFolder() refuses an index that is no height", async () => {
  await withFolder(async (path) => {
    Deno.mkdirSync(path, { recursive: true });
    Deno.writeTextFileSync(`${path}/index`, "");
    assert.equal((await openLogFolder(path)).height, null);
    Deno.writeTextFileSync(`${path}/index`, "12x");
    await assert.rejects(
      openLogFolder(path),
      (error) => error instanceof LogFolderError && /index file data wrong/.test(error.message),
    );
  });
});
