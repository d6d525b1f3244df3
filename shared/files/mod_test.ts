import assert from "node:assert/strict";
import { mountTmpfs } from "../../tests/e2e/mounts.ts";
import {
  appendSynced,
  createFile,
  exists,
  isDiskFull,
  makeFolder,
  PLAIN_MODE,
  readIfThere,
  removeIfThere,
  removeTemporaries,
  replaceFile,
  SECRET_MODE,
  writeAt,
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

/** How many folders and files are synced meanwhile. */
async function syncsDuring(action: () => Promise<void>): Promise<number> {
  const { sync } = Deno.FsFile.prototype;
  let count = 0;
  Deno.FsFile.prototype.sync = function () {
    count++;
    return sync.call(this);
  };
  try {
    await action();
  } finally {
    Deno.FsFile.prototype.sync = sync;
  }
  return count;
}

Deno.test("makeFolder() gives up where no folder can be", async () => {
  for (const path of ["", "/proc/absent/folder"]) {
    await assert.rejects(makeFolder(path), Deno.errors.NotFound);
  }
});

Deno.test("makeFolder() puts the name of every folder that it makes on disk", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a/b/c`;
    assert.equal(await syncsDuring(() => makeFolder(path, 0o700)), 3);
    assert((await Deno.stat(path)).isDirectory);
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o700);
    assert.equal(await syncsDuring(() => makeFolder(path)), 0);
    await makeFolder("/");
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(makeFolder(`${folder}/file`), Deno.errors.AlreadyExists);
  }));

Deno.test("removeTemporaries() removes what is left of killed replacements, nothing else", () =>
  inFolder(async (folder) => {
    const path = `${folder}/index`;
    await replaceFile(path, "5", PLAIN_MODE);
    await Deno.makeTempFile({ dir: folder, prefix: "index." });
    await Deno.makeTempFile({ dir: folder, prefix: "other." });
    await Deno.writeTextFile(`${folder}/index.old`, "4");
    await removeTemporaries(path);
    const left = names(folder);
    assert.deepEqual(left.filter((name) => !name.startsWith("other.")), ["index", "index.old"]);
    assert.equal(left.length, 3);
  }));

/** Runs a test in a folder that has room for a few pages of memory. */
function inFullFolder(test: (folder: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    await using disk = await mountTmpfs(folder, "64k");
    if (disk !== null) await test(folder);
  });
}

const TOO_MUCH = new Uint8Array(100_000).fill(7);

Deno.test("appendSynced() on a full disk leaves the file as it was, and goes on later", () =>
  inFullFolder(async (folder) => {
    const path = `${folder}/1.log`;
    await appendSynced(path, new Uint8Array([1]));
    await assert.rejects(appendSynced(path, TOO_MUCH), isDiskFull);
    assert.deepEqual(await readIfThere(path), new Uint8Array([1]));
    await appendSynced(path, new Uint8Array([2]));
    assert.deepEqual(await readIfThere(path), new Uint8Array([1, 2]));
  }));

Deno.test("replaceFile() and createFile() on a full disk leave nothing beside", () =>
  inFullFolder(async (folder) => {
    await replaceFile(`${folder}/index`, "5", PLAIN_MODE);
    await assert.rejects(replaceFile(`${folder}/index`, TOO_MUCH, PLAIN_MODE), isDiskFull);
    await assert.rejects(createFile(`${folder}/new`, TOO_MUCH, PLAIN_MODE), isDiskFull);
    assert.deepEqual(names(folder), ["index"]);
    assert.equal(await Deno.readTextFile(`${folder}/index`), "5");
  }));

Deno.test("writeAt() replaces what is behind a size, and nothing before it", () =>
  inFolder(async (folder) => {
    const path = `${folder}/log`;
    await writeAt(path, 0, new Uint8Array([1, 2, 3, 4, 5]));
    await writeAt(path, 2, new Uint8Array([9]));
    assert.deepEqual(await readIfThere(path), new Uint8Array([1, 2, 9]));
    await writeAt(path, 1, new Uint8Array());
    assert.deepEqual(await readIfThere(path), new Uint8Array([1]));
    await assert.rejects(writeAt(path, 2, new Uint8Array([3])), /has 1 bytes instead of 2/);
    await assert.rejects(writeAt(`${folder}/absent`, 1, new Uint8Array([3])), Deno.errors.NotFound);
    await writeAt(path, 0, new Uint8Array([7]));
    assert.deepEqual(await readIfThere(path), new Uint8Array([7]));
  }));

Deno.test("writeAt() on a full disk can be repeated later", () =>
  inFullFolder(async (folder) => {
    const path = `${folder}/log`;
    await writeAt(path, 0, new Uint8Array([1]));
    await assert.rejects(writeAt(path, 1, TOO_MUCH), isDiskFull);
    await writeAt(path, 1, new Uint8Array([2]));
    assert.deepEqual(await readIfThere(path), new Uint8Array([1, 2]));
  }));

Deno.test("isDiskFull() is about room only", async () => {
  await assert.rejects(Deno.readFile("/nowhere/1.log"), (error) => !isDiskFull(error));
  assert.equal(isDiskFull("ENOSPC"), false);
});
