import assert from "node:assert/strict";
import {
  appendSynced,
  createFile,
  exists,
  PLAIN_MODE,
  readIfThere,
  removeIfThere,
  replaceFile,
  SECRET_MODE,
} from "./mod.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("replaceFile() sets content and mode and leaves nothing beside", () =>
  inFolder(async (folder) => {
    const path = `${folder}/key`;
    await Deno.writeTextFile(path, "old and longer", { mode: 0o666 });
    await replaceFile(path, "new", SECRET_MODE);
    assert.equal(await Deno.readTextFile(path), "new");
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, SECRET_MODE);
    assert.deepEqual(names(folder), ["key"]);
  }));

Deno.test("replaceFile() that cannot rename leaves nothing beside", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/taken/x`, { recursive: true });
    await assert.rejects(replaceFile(`${folder}/taken`, "new", PLAIN_MODE));
    assert.deepEqual(names(folder), ["taken"]);
  }));

Deno.test("createFile() does not touch a file that is there", () =>
  inFolder(async (folder) => {
    const path = `${folder}/account`;
    await createFile(path, "first", SECRET_MODE);
    await assert.rejects(createFile(path, "second", SECRET_MODE), Deno.errors.AlreadyExists);
    assert.equal(await Deno.readTextFile(path), "first");
    assert.deepEqual(names(folder), ["account"]);
  }));

Deno.test("appendSynced() creates and appends, readIfThere() reads", () =>
  inFolder(async (folder) => {
    const path = `${folder}/1.log`;
    assert.equal(await readIfThere(path), null);
    await appendSynced(path, new Uint8Array([1]));
    await appendSynced(path, new Uint8Array([2, 3]));
    assert.deepEqual(await readIfThere(path), new Uint8Array([1, 2, 3]));
  }));

Deno.test("exists() and removeIfThere() agree, also for folders and dead links", () =>
  inFolder(async (folder) => {
    const path = `${folder}/link`;
    await Deno.symlink("/nowhere/at/all", path);
    assert(exists(path));
    await removeIfThere(path);
    assert(!exists(path));
    await removeIfThere(path);
    await Deno.mkdir(`${folder}/a/b`, { recursive: true });
    await removeIfThere(`${folder}/a`);
    assert(!exists(`${folder}/a`));
  }));
