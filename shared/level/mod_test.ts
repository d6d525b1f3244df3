import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, toHex } from "../bytes/mod.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { LevelError, type LevelErrorReason, type LevelStore, openLevel } from "./mod.ts";

const KEY = Uint8Array.of(1);
const OTHER_KEY = Uint8Array.of(2);
const VALUE = Uint8Array.of(7, 8, 9);

async function withFolder(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "level_test_" });
  try {
    await use(`${folder}/store`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function withStore(use: (store: LevelStore, path: string) => Promise<void>): Promise<void> {
  return withFolder(async (path) => {
    const store = await openLevel(path);
    try {
      await use(store, path);
    } finally {
      await store.close();
    }
  });
}

async function refusal(promise: Promise<unknown>): Promise<LevelError> {
  const thrown = await promise.then(() => null, (error: unknown) => error);
  assert(thrown instanceof LevelError, `expected a LevelError, got ${thrown}`);
  return thrown;
}

async function assertRefuses(path: string, reason: LevelErrorReason, text: RegExp): Promise<void> {
  const error = await refusal(openLevel(path));
  assert.equal(error.reason, reason);
  assert.match(error.message, text);
  assert(error.message.includes(`"${path}"`), error.message);
}

async function walk(records: AsyncIterable<readonly [Bytes, Bytes]>): Promise<string[]> {
  const seen: string[] = [];
  for await (const [key, value] of records) seen.push(`${toHex(key)}=${toHex(value)}`);
  return seen;
}

Deno.test("LevelStore reads back what was written, also an empty key and an empty value", () =>
  withStore(async (store) => {
    const empty = new Uint8Array(0);
    await store.write({ puts: [[KEY, VALUE], [OTHER_KEY, empty], [empty, VALUE]] }, { sync: true });
    assert.deepEqual(await store.get(KEY), VALUE);
    assert.deepEqual(store.getSync(KEY), VALUE);
    assert.deepEqual(await store.get(OTHER_KEY), empty);
    assert.deepEqual(await store.get(empty), VALUE);
    assert.equal(await store.get(Uint8Array.of(3)), null);
    assert.equal(store.getSync(Uint8Array.of(3)), null);
    const many = await store.getMany([OTHER_KEY, Uint8Array.of(3), KEY]);
    assert.deepEqual(many, [empty, null, VALUE]);
  }));

Deno.test("LevelStore.get() does not block the thread for a second after a read that was slow", () =>
  withFolder(async (path) => {
    let nowMs = 0;
    let readMs = 0;
    let looks = 0;
    const monotonicMs = () => {
      looks += 1;
      return nowMs += readMs;
    };
    const store = await openLevel(path, { clock: { ...SYSTEM_CLOCK, monotonicMs } });
    await store.write({ puts: [[KEY, VALUE]] }, { sync: false });
    /** A read on the thread looks at the clock before and after, one aside from it only before. */
    const looksOfRead = async () => {
      looks = 0;
      assert.deepEqual(await store.get(KEY), VALUE);
      return looks;
    };
    assert.equal(await looksOfRead(), 2);
    readMs = 5;
    assert.equal(await looksOfRead(), 2);
    readMs = 0;
    assert.equal(await looksOfRead(), 1);
    nowMs += 1_001;
    assert.equal(await looksOfRead(), 2);
    await store.close();
  }));

Deno.test("LevelStore hands out plain byte strings that share nothing", () =>
  withStore(async (store) => {
    await store.write({ puts: [[KEY, VALUE]] }, { sync: false });
    for (const value of [await store.get(KEY), store.getSync(KEY)]) {
      assert(value !== null);
      assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype);
      value.fill(0);
    }
    assert.deepEqual(await store.get(KEY), VALUE);
  }));

Deno.test("LevelStore.write() copies its bytes before it returns", () =>
  withStore(async (store) => {
    const value = VALUE.slice();
    const written = store.write({ puts: [[KEY, value]] }, { sync: true });
    value.fill(0);
    await written;
    assert.deepEqual(await store.get(KEY), VALUE);
  }));

Deno.test("LevelStore.write() deletes, also absent keys, after it has put", () =>
  withStore(async (store) => {
    await store.write({ puts: [[KEY, VALUE]] }, { sync: true });
    const puts = [[OTHER_KEY, VALUE]] as const;
    await store.write({ puts, deletes: [KEY, OTHER_KEY, Uint8Array.of(9)] }, { sync: true });
    assert.deepEqual(await walk(store.iterate()), []);
  }));

Deno.test("LevelStore.iterate() walks a range in byte order both ways and stops at a limit", () =>
  withStore(async (store) => {
    const bytes = [5, 200, 1, 127, 128];
    const puts = bytes.map((byte) => [Uint8Array.of(byte), VALUE] as const);
    await store.write({ puts }, { sync: false });
    const range = { gte: Uint8Array.of(5), lt: Uint8Array.of(200) };
    const forward = await walk(store.iterate(range));
    assert.deepEqual(forward, ["05=070809", "7f=070809", "80=070809"]);
    const last = await walk(store.iterate({ ...range, reverse: true, limit: 1 }));
    assert.deepEqual(last, ["80=070809"]);
    for await (const _ of store.iterate()) break;
  }));

Deno.test("LevelStore agrees with a map over any sequence of batches and a reopen", () =>
  withFolder(async (path) => {
    const bytes = fc.uint8Array({ maxLength: 3 });
    const batch = fc.record({
      puts: fc.array(fc.tuple(bytes, fc.uint8Array({ maxLength: 40 })), { maxLength: 4 }),
      deletes: fc.array(bytes, { maxLength: 2 }),
    });
    const model = new Map<string, [Bytes, Bytes]>();
    let store = await openLevel(path);
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 5 }), fc.boolean(), async (batches, reopen) => {
        for (const { puts, deletes } of batches) {
          await store.write({ puts, deletes }, { sync: false });
          for (const [key, value] of puts) model.set(toHex(key), [key, value]);
          for (const key of deletes) model.delete(toHex(key));
        }
        if (reopen) {
          await store.close();
          store = await openLevel(path);
        }
        const wanted = [...model.values()].sort((a, b) => toHex(a[0]) < toHex(b[0]) ? -1 : 1);
        const texts = wanted.map(([key, value]) => `${toHex(key)}=${toHex(value)}`);
        assert.deepEqual(await walk(store.iterate()), texts);
      }),
      { numRuns: 25 },
    );
    await store.close();
  }));

for (const isClosed of [false, true]) {
  const when = isClosed ? "after it was closed" : "while it is open";
  Deno.test(`LevelStore leaves the timers of the process alone ${when}`, () =>
    withFolder(async (path) => {
      const store = await openLevel(path);
      await store.write({ puts: [[KEY, VALUE]] }, { sync: true });
      if (isClosed) await store.close();
      const unref = setTimeout(() => {}, 10_000);
      Deno.unrefTimer(unref);
      // without the heartbeat the second of these never fires
      for (let i = 0; i < 4; i++) await SYSTEM_CLOCK.sleep(1);
      clearTimeout(unref);
      await store.close();
    }));
}

Deno.test("LevelStore refuses calls after close(), which may be repeated", () =>
  withFolder(async (path) => {
    const store = await openLevel(path);
    await store.close();
    await store.close();
    const calls = [
      store.get(KEY),
      store.getMany([KEY]),
      store.write({ puts: [[KEY, VALUE]] }, { sync: true }),
      walk(store.iterate()),
    ];
    for (const call of calls) assert.equal((await refusal(call)).reason, "closed");
    assert.throws(() => store.getSync(KEY), LevelError);
  }));

/** Runs a program of this runtime below a shell prefix and gives what it printed. */
async function runProgram(program: string, prefix = ""): Promise<string> {
  const module = new URL("./mod.ts", import.meta.url).href;
  const source = `import { openLevel } from ${JSON.stringify(module)};\n${program}\nDeno.exit(0);`;
  const child = new Deno.Command("sh", {
    args: ["-c", `${prefix} exec "$0" eval --no-check "$1"`, Deno.execPath(), source],
    stderr: "inherit",
  });
  return new TextDecoder().decode((await child.output()).stdout);
}

Deno.test("LevelStore.write() fails for good once the disk refused it, and loses nothing", () =>
  withFolder(async (path) => {
    const program = `
      const store = await openLevel(${JSON.stringify(path)});
      const value = new Uint8Array(50_000);
      const outcomes = [];
      for (let i = 0; i < 20; i++) {
        const puts = [[Uint8Array.of(i), i < 18 ? value : new Uint8Array(1)]];
        await store.write({ puts }, { sync: true })
          .then(() => outcomes.push("ok"), (error) => outcomes.push(error.reason));
      }
      console.log(outcomes.join(), (await store.get(Uint8Array.of(1))).length);
      await store.close();`;
    // A limit of 512 KiB for each file stands for a full disk.
    const printed = await runProgram(program, "trap '' XFSZ; ulimit -f 1024;");
    const [outcomes = "", size] = printed.trim().split(" ");
    assert.match(outcomes, /^(ok,){10}(io,){9}io$/);
    assert.equal(size, "50000");
    const store = await openLevel(path);
    assert.equal((await walk(store.iterate())).length, 10);
    await store.write({ puts: [[KEY, VALUE]] }, { sync: true });
    await store.close();
  }));

Deno.test("openLevel() refuses a folder that is open, in this process or in another", () =>
  withStore(async (_store, path) => {
    const open = `await openLevel(${JSON.stringify(path)})`;
    const printed = await runProgram(`${open}.catch((error) => console.log(error.reason));`);
    assert.equal(printed, "locked\n");
    // Last, for a second attempt in one process makes LevelDB lose its lock against others.
    await assertRefuses(path, "locked", /another process has it open/);
  }));

Deno.test("openLevel() refuses a folder that it may not write", () =>
  assertRefuses("/sys/kernel", "read-only", /it must be writable by this user/));

Deno.test("openLevel() refuses a file", () =>
  withFolder(async (path) => {
    await Deno.writeTextFile(path, "");
    await assertRefuses(path, "foreign", /it must be a folder/);
  }));

const FOREIGN_FILES = {
  RocksDB: ["CURRENT", "IDENTITY", "MANIFEST-000005", "OPTIONS-000007"],
  sled: ["conf", "db"],
};

for (const [engine, names] of Object.entries(FOREIGN_FILES)) {
  Deno.test(`openLevel() refuses the folder of a ${engine}`, () =>
    withFolder(async (path) => {
      await Deno.mkdir(path);
      for (const name of names) await Deno.writeTextFile(`${path}/${name}`, "MANIFEST-000005\n");
      await assertRefuses(path, "foreign", new RegExp(`got ${engine} files`));
    }));
}

Deno.test("openLevel() refuses damaged and missing files instead of losing records", () =>
  withFolder(async (path) => {
    const store = await openLevel(path);
    await store.write({ puts: [[KEY, VALUE]] }, { sync: true });
    await store.close();
    const current = await Deno.readTextFile(`${path}/CURRENT`);
    await Deno.writeTextFile(`${path}/CURRENT`, "garbage");
    await assertRefuses(path, "corrupt", /its files are damaged/);
    await Deno.writeTextFile(`${path}/CURRENT`, "MANIFEST-000099\n");
    await assertRefuses(path, "corrupt", /its files are damaged/);
    await Deno.remove(`${path}/CURRENT`);
    await assertRefuses(path, "corrupt", /"CURRENT" is missing/);
    await Deno.writeTextFile(`${path}/CURRENT`, current);
    const reopened = await openLevel(path);
    assert.deepEqual(await reopened.get(KEY), VALUE);
    await reopened.close();
  }));

Deno.test("LevelStore.leftOut tells of a damaged log, and only then", () =>
  withFolder(async (path) => {
    const store = await openLevel(path);
    for (let i = 0; i < 20; i++) {
      await store.write({ puts: [[Uint8Array.of(i), new Uint8Array(5000)]] }, { sync: true });
    }
    assert.deepEqual(store.leftOut, []);
    await store.close();
    const [log] = [...Deno.readDirSync(path)].filter(({ name }) => name.endsWith(".log"));
    const file = `${path}/${log?.name}`;
    const intact = await Deno.readFile(file);
    const damaged = intact.slice();
    damaged[50_000] = 1;
    await Deno.writeFile(file, damaged);
    const reopened = await openLevel(path);
    assert.match(reopened.leftOut.join("\n"), /^\d+\.log: dropping \d+ bytes; Corruption: /);
    await reopened.close();
  }));

Deno.test("LevelStore.leftOut is empty after a write that a crash cut short", () =>
  withFolder(async (path) => {
    const store = await openLevel(path);
    await store.write({ puts: [[KEY, VALUE]] }, { sync: true });
    await store.write({ puts: [[OTHER_KEY, new Uint8Array(5000)]] }, { sync: true });
    await store.close();
    const [log] = [...Deno.readDirSync(path)].filter(({ name }) => name.endsWith(".log"));
    await Deno.truncate(`${path}/${log?.name}`, 3000);
    const reopened = await openLevel(path);
    assert.deepEqual(reopened.leftOut, []);
    assert.deepEqual(await walk(reopened.iterate()), ["01=070809"]);
    await reopened.close();
  }));
