import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Bytes, concatBytes, u64be } from "../../../../shared/bytes/mod.ts";
import { EngineError } from "../../engine.ts";
import { testEngineContract } from "../../testing/engine_contract.ts";
import { sqliteFixture } from "../../testing/sqlite_fixture.ts";
import { openForWriting } from "./database.ts";
import { SqliteEngine } from "./engine.ts";

testEngineContract("SqliteEngine", sqliteFixture);

async function withPath(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "storage_sqlite_" });
  try {
    await use(`${folder}/storage.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function withEngine(use: (engine: SqliteEngine, path: string) => Promise<void>): Promise<void> {
  return withPath(async (path) => {
    const engine = await SqliteEngine.open(path);
    try {
      await use(engine, path);
    } finally {
      await engine.close();
    }
  });
}

async function assertRefuses(path: string, message: RegExp): Promise<void> {
  await assert.rejects(SqliteEngine.open(path), (error) => {
    assert(error instanceof EngineError, String(error));
    assert(error.message.startsWith(`Cannot open "${path}": `), error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** Runs a program of this runtime below a shell prefix and gives what it printed. */
async function runProgram(program: string, prefix = ""): Promise<string> {
  const module = new URL("./engine.ts", import.meta.url).href;
  const config = new URL("../../../../deno.json", import.meta.url).pathname;
  const source = `import { SqliteEngine } from ${JSON.stringify(module)};\n${program}`;
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      `${prefix} exec "$0" eval --no-check --config "$1" "$2"`,
      Deno.execPath(),
      config,
      source,
    ],
    stderr: "inherit",
  });
  return new TextDecoder().decode((await child.output()).stdout);
}

function put(key: Bytes, value: Bytes) {
  return { puts: [{ region: 1, key, value }], deletes: [] };
}

const KEY = new Uint8Array(32);

Deno.test("openForWriting() waits for the disk with every commit", () =>
  withPath((path) => {
    const database = openForWriting(path);
    const modeOf = (name: string) => Object.values(database.prepare(`pragma ${name}`).get() ?? {});
    assert.deepEqual(modeOf("journal_mode"), ["wal"]);
    assert.deepEqual(modeOf("synchronous"), [2]);
    database.close();
    return Promise.resolve();
  }));

Deno.test("SqliteEngine.write() fails while the disk is full, goes on after, loses nothing", () =>
  withPath(async (path) => {
    const program = `
      const engine = await SqliteEngine.open(${JSON.stringify(path)});
      const outcomes = [];
      for (const size of [...Array(12).fill(50_000), 1]) {
        const key = Uint8Array.of(outcomes.length);
        const puts = [{ region: 1, key, value: new Uint8Array(size) }];
        await engine.write({ puts, deletes: [] })
          .then(() => outcomes.push("ok"), (error) => outcomes.push(error.name));
      }
      const value = await engine.get(1, Uint8Array.of(1));
      console.log(outcomes.join(), value.length);
      await engine.close();`;
    // A limit of 512 KiB for each file stands for a full disk: the last write is smaller.
    const printed = await runProgram(program, "trap '' XFSZ; ulimit -f 1024;");
    const [outcomes = "", size] = printed.trim().split(" ");
    assert.match(outcomes, /^(ok,)+(EngineError,)+ok$/);
    assert.equal(size, "50000");
    const engine = await SqliteEngine.open(path);
    for (const [serial, outcome] of outcomes.split(",").entries()) {
      const value = await engine.get(1, Uint8Array.of(serial));
      assert.equal(value !== null, outcome === "ok", `write ${serial}`);
    }
    await engine.write(put(KEY, KEY));
    await engine.close();
  }));

Deno.test("SqliteEngine.write() keeps its log small while others read", () =>
  withEngine(async (engine, path) => {
    let isDone = false;
    const reader = async () => {
      while (!isDone) await engine.getMany(1, [KEY, KEY]);
    };
    const reading = reader();
    const value = new Uint8Array(1_000_000);
    for (let i = 0; i < 40; i++) {
      await engine.write(put(concatBytes(new Uint8Array(24), u64be(BigInt(i))), value));
      await engine.get(1, KEY);
    }
    isDone = true;
    await reading;
    const { size } = await Deno.stat(`${path}-wal`);
    assert(size < 20 * 1024 * 1024, `the log has ${size} bytes`);
  }));

Deno.test("SqliteEngine reads values of any size, wherever they are read", () =>
  withEngine(async (engine) => {
    for (const size of [0, 1, 65_535, 65_536, 65_537, 1_000_000]) {
      await engine.write(put(KEY, new Uint8Array(size).fill(size)));
      const expected = new Uint8Array(size).fill(size);
      assert.deepEqual(await engine.get(1, KEY), expected);
      assert.deepEqual(await engine.getMany(1, [KEY, KEY]), [expected, expected]);
    }
  }));

Deno.test("SqliteEngine finds small records beside a large one without reading that", () =>
  withEngine(async (engine) => {
    const keys = [...Array(2_000).keys()].map((i) =>
      concatBytes(KEY.subarray(8), u64be(BigInt(i)))
    );
    const puts = keys.map((key, i) => ({
      region: 1,
      key,
      value: new Uint8Array(i === 1_000 ? 20_000_000 : 8),
    }));
    await engine.write({ puts, deletes: [] });
    const startMs = performance.now();
    for (const key of keys.slice(0, 1_000)) await engine.get(1, key);
    const tookMs = performance.now() - startMs;
    // reading 20 MB a thousand times takes more than ten seconds
    assert(tookMs < 3_000, `took ${tookMs} ms`);
  }));

Deno.test("SqliteEngine.scan() may be left early, and sees one instant", () =>
  withEngine(async (engine) => {
    for (const byte of [1, 2, 3]) await engine.write(put(Uint8Array.of(byte), KEY));
    for await (const [key] of engine.scan(1)) {
      assert.equal(key[0], 1);
      break;
    }
    const seen: (number | undefined)[] = [];
    for await (const [key] of engine.scan(1)) {
      if (seen.length === 0) await engine.write(put(Uint8Array.of(4), KEY));
      seen.push(key[0]);
    }
    assert.deepEqual(seen, [1, 2, 3]);
  }));

Deno.test("SqliteEngine.compact() gives room back", () =>
  withEngine(async (engine, path) => {
    await engine.write(put(KEY, new Uint8Array(5_000_000)));
    await engine.write({ puts: [], deletes: [{ region: 1, key: KEY }] });
    await engine.compact();
    assert((await Deno.stat(path)).size < 100_000);
    assert.equal((await Deno.stat(`${path}-wal`)).size, 0);
  }));

Deno.test("SqliteEngine.open() refuses a file that is open, in this process or in another", () =>
  withEngine(async (engine, path) => {
    await assertRefuses(path, /it must not be in use, another process has it open$/);
    const open = `await SqliteEngine.open(${JSON.stringify(path)})`;
    const printed = await runProgram(`${open}.catch((error) => console.log(error.message));`);
    assert.match(printed, /another process has it open\n$/);
    await engine.write(put(KEY, KEY));
    assert.deepEqual(await engine.get(1, KEY), KEY);
  }));

Deno.test("SqliteEngine.open() refuses a place that it may not write", () =>
  assertRefuses("/sys/kernel/storage.db", /its folder must be writable by this user/));

Deno.test("SqliteEngine.open() refuses a folder and files of other programs", () =>
  withPath(async (path) => {
    await Deno.mkdir(path);
    await assertRefuses(path, /it must be a file, got a folder/);
    await Deno.remove(path);
    await Deno.writeTextFile(path, "no database".repeat(1_000));
    await assertRefuses(path, /it must be a SQLite file/);
    await Deno.remove(path);
    const other = new DatabaseSync(path);
    other.exec("create table account (id integer primary key)");
    other.close();
    await assertRefuses(path, /it must be a file of this program/);
    const { size } = await Deno.stat(path);
    assert.equal(size, 8192, "nothing was added to it");
  }));

Deno.test("SqliteEngine.open() refuses tables of another version", () =>
  withPath(async (path) => {
    await (await SqliteEngine.open(path)).close();
    const database = new DatabaseSync(path);
    database.exec("pragma user_version = 2");
    database.close();
    await assertRefuses(path, /its tables must have version 1, got 2/);
  }));

Deno.test("SqliteEngine tells of damaged pages, and reads what is whole", () =>
  withPath(async (path) => {
    const engine = await SqliteEngine.open(path);
    const keys = [...Array(200).keys()].map((i) => concatBytes(KEY.subarray(8), u64be(BigInt(i))));
    const puts = keys.map((key) => ({ region: 1, key, value: new Uint8Array(900).fill(7) }));
    await engine.write({ puts, deletes: [] });
    await engine.close();
    const file = await Deno.open(path, { write: true, read: true });
    const { size } = await file.stat();
    await file.seek(size - 4096, Deno.SeekMode.Start);
    await file.write(new Uint8Array(4096).fill(0xff));
    file.close();
    const reopened = await SqliteEngine.open(path);
    const outcomes = await Promise.allSettled(keys.map((key) => reopened.get(1, key)));
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason] : []
    );
    assert(failures.length > 0 && failures.length < 20, `${failures.length} failures`);
    for (const failure of failures) {
      assert(failure instanceof EngineError);
      assert.match(failure.message, /^Cannot read ".*": it is damaged, restore it from a backup/);
    }
    await assert.rejects(reopened.getMany(1, keys), EngineError);
    await assert.rejects(async () => {
      for await (const _ of reopened.scan(1)) continue;
    }, EngineError);
    await reopened.close();
  }));
