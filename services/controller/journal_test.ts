import assert from "node:assert/strict";
import fc from "fast-check";
import { mountTmpfs } from "../../tests/e2e/mounts.ts";
import { type Bytes, fromHex, toHex, u32be } from "../../shared/bytes/mod.ts";
import { isDiskFull } from "../../shared/files/mod.ts";
import { type Logger, SILENT_LOGGER } from "../../shared/log/mod.ts";
import { journalPath, openJournal } from "./journal.ts";
import type { JournalPort } from "./ports.ts";

async function withFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/wal_chain_txs`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const open = (path: string, log = SILENT_LOGGER) => openJournal(path, log);

async function contentOf(journal: JournalPort): Promise<string[]> {
  const found: string[] = [];
  for await (const records of journal.load()) found.push(...records.map(toHex));
  return found;
}

function filesOf(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).toSorted();
}

function sizeOnDisk(path: string): number {
  return filesOf(path).reduce((sum, name) => sum + Deno.statSync(`${path}/${name}`).size, 0);
}

const [A, B, C] = [fromHex("0a"), fromHex("0b0b"), fromHex("0c")];

Deno.test("journalPath() is beside the write-ahead log, and nobody else's", () => {
  assert.equal(journalPath("./data/wal_chain"), "data/wal_chain_txs");
  assert.equal(journalPath("wal/"), "wal_txs");
});

Deno.test("openJournal() gives back in order what was appended over several lives", () =>
  withFolder(async (path) => {
    const first = await open(path);
    assert.deepEqual(await contentOf(first), []);
    await first.append([A, B]);
    await first.append([A]);
    const second = await open(path);
    await second.append([C]);
    assert.deepEqual(await contentOf(second), ["0a", "0b0b", "0a"], "what it found, no more");
    const third = await open(path);
    assert.deepEqual(await contentOf(third), ["0a", "0b0b", "0a", "0c"]);
    assert.equal(third.size, sizeOnDisk(path));
  }));

Deno.test("openJournal() makes files that others cannot read", () =>
  withFolder(async (path) => {
    await (await open(path)).append([A]);
    const modeOf = (name: string) => (Deno.statSync(name).mode ?? 0) & 0o777;
    assert.equal(modeOf(path), 0o700);
    assert.deepEqual(filesOf(path).map((name) => modeOf(`${path}/${name}`)), [0o600]);
  }));

Deno.test("openJournal() reads on behind what a crash tore or a disk damaged, and says so once", () =>
  withFolder(async (path) => {
    const lines: string[] = [];
    const log: Logger = { ...SILENT_LOGGER, warn: (line) => lines.push(line) };
    await (await open(path)).append([A, B, C]);
    const bytes = await Deno.readFile(`${path}/1.log`);
    bytes[14 + 13] = 0xff; // in the second body
    await Deno.writeFile(`${path}/1.log`, bytes);
    await (await open(path)).append([A, B]);
    await Deno.truncate(`${path}/2.log`, 14 + 14);
    const journal = await open(path, log);
    await journal.append([C]);
    assert.deepEqual(await contentOf(await open(path, log)), ["0a", "0c", "0a", "0c"]);
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", /15 bytes of .*\/1\.log were torn by a crash or are damaged/);
    assert.match(lines[1] ?? "", /14 bytes of .*\/2\.log/);
  }));

Deno.test("replace() takes the place of what was appended before, whatever comes meanwhile", () =>
  withFolder(async (path) => {
    await (await open(path)).append([A]);
    const journal = await open(path);
    await journal.append([B]);
    const replaced = journal.replace([B]);
    await journal.append([C]);
    await replaced;
    await journal.append([A]);
    assert.equal(journal.size, sizeOnDisk(path));
    assert.deepEqual(await contentOf(await open(path)), ["0b0b", "0c", "0a"]);
    await journal.replace([]);
    assert.deepEqual(filesOf(path), []);
    assert.equal(journal.size, 0);
  }));

Deno.test("a segment is bounded, also of those that replace others", () =>
  withFolder(async (path) => {
    const journal = await open(path);
    const records = Array.from({ length: 12 }, () => new Uint8Array(200_000).fill(1));
    for (const record of records) await journal.append([record]);
    const isBounded = () =>
      filesOf(path).every((name) => Deno.statSync(`${path}/${name}`).size < 1_250_000);
    assert.equal(filesOf(path).length, 2);
    assert(isBounded());
    await journal.replace(records);
    await journal.append([A]);
    assert(filesOf(path).length < 5 && isBounded());
    assert.deepEqual(
      await contentOf(await open(path)),
      [...records.map(toHex), "0a"],
    );
  }));

Deno.test("a full disk loses nothing that was appended, and room is used again", () =>
  withFolder(async (path) => {
    await Deno.mkdir(path);
    await using disk = await mountTmpfs(path, "256k");
    if (disk === null) return;
    const journal = await open(path);
    const half = new Uint8Array(120_000).fill(1);
    await journal.append([A, half]);
    await assert.rejects(journal.append([half, half]), isDiskFull);
    await assert.rejects(journal.replace([A, half, half]), isDiskFull);
    assert.equal(journal.size, sizeOnDisk(path));
    await journal.append([B]);
    assert.deepEqual(await contentOf(await open(path)), ["0a", toHex(half), "0b0b"]);
    await journal.replace([B]);
    await journal.append([half]);
    assert.deepEqual(await contentOf(await open(path)), ["0b0b", toHex(half)]);
  }));

/** Replaces what is still wanted while more is appended, and ends the process at any write. */
Deno.test("replace() can be cut short by a crash at any byte", () =>
  fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 40 }),
      fc.nat({ max: 40 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (before, wanted, written) =>
        withFolder(async (path) => {
          const all = Array.from({ length: before + wanted }, (_, i): Bytes => u32be(i));
          const journal = await open(path);
          if (all.length > 0) await journal.append(all);
          await Deno.mkdir(`${path}/kept`);
          for (const name of filesOf(path)) {
            if (name !== "kept") await Deno.copyFile(`${path}/${name}`, `${path}/kept/${name}`);
          }
          await journal.replace(all.slice(before));
          await journal.append([A]);
          // the old files were not removed yet, the new one was not written to its end
          const [first, last] = filesOf(path).filter((name) => name !== "kept");
          if (first !== undefined && last !== undefined && wanted > 0) {
            const { size } = await Deno.stat(`${path}/${first}`);
            await Deno.truncate(`${path}/${first}`, Math.floor(written * size));
          }
          for (const { name } of Deno.readDirSync(`${path}/kept`)) {
            await Deno.rename(`${path}/kept/${name}`, `${path}/${name}`);
          }
          const found = new Set(await contentOf(await open(path)));
          for (const record of [...all.slice(before), A]) assert(found.has(toHex(record)));
        }),
    ),
    { numRuns: 30 },
  ));
