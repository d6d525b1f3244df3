import assert from "node:assert/strict";
import { fromHex, toHex } from "../../shared/bytes/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { WalError } from "../../shared/wal/mod.ts";
import { openWal } from "./wal.ts";

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

Deno.test("openWal() finds what is appended behind a record that a crash tore", async () => {
  await withFolder(async (folder) => {
    const wal = await openWal(folder, SILENT_LOGGER);
    await wal.append(7n, fromHex("0a"));
    await Deno.writeFile(`${folder}/7.log`, fromHex("05000000034a3f"), { append: true });
    const reopened = await openWal(folder, SILENT_LOGGER);
    assert.deepEqual((await reopened.load()).map(toHex), ["0a"]);
    await reopened.append(7n, fromHex("0b"));
    assert.deepEqual((await reopened.load()).map(toHex), ["0a", "0b"]);
  });
});
