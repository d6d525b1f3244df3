import assert from "node:assert/strict";
import { LevelError, type LevelStore, openLevel } from "../../../../shared/level/mod.ts";
import { EngineError } from "../../engine.ts";
import { testEngineContract } from "../../testing/engine_contract.ts";
import { levelFixture } from "../../testing/level_fixture.ts";
import { LevelEngine } from "./engine.ts";

testEngineContract("LevelEngine", levelFixture);

const KEY = new Uint8Array(8);
const PUT = { puts: [{ region: 0, key: KEY, value: Uint8Array.of(1) }], deletes: [] };
const GIB = 2 ** 30;

/** A store whose next write fails, as on a full disk. */
function failingOnce(store: LevelStore): LevelStore {
  let hasFailed = false;
  return {
    leftOut: [],
    get: (key) => store.get(key),
    getSync: (key) => store.getSync(key),
    getMany: (keys) => store.getMany(keys),
    iterate: (range) => store.iterate(range),
    compact: () => store.compact(),
    close: () => store.close(),
    write(batch, options) {
      if (hasFailed) return store.write(batch, options);
      hasFailed = true;
      return Promise.reject(new LevelError("io", "No space left on device"));
    },
  };
}

async function withFailedEngine(
  use: (engine: LevelEngine, disk: { freeBytes: number; openings: number }) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "storage_level_" });
  const disk = { freeBytes: 0, openings: 0 };
  const engine = await LevelEngine.open({
    async open() {
      const store = await openLevel(path);
      disk.openings += 1;
      return disk.openings === 1 ? failingOnce(store) : store;
    },
    freeBytes: () => Promise.resolve(disk.freeBytes),
  });
  try {
    await assert.rejects(engine.write(PUT), EngineError);
    await use(engine, disk);
  } finally {
    await engine.close();
    await Deno.remove(path, { recursive: true });
  }
}

Deno.test("LevelEngine.write() fails while the disk is full, get() goes on", () =>
  withFailedEngine(async (engine, disk) => {
    await assert.rejects(engine.write(PUT), /the disk must have \d+ bytes free, got 0/);
    assert.equal(await engine.get(0, KEY), null);
    assert.equal(disk.openings, 1);
  }));

Deno.test("LevelEngine.write() opens the store again once the disk has room", () =>
  withFailedEngine(async (engine, disk) => {
    disk.freeBytes = GIB;
    const written = Promise.all([engine.write(PUT), engine.write(PUT)]);
    const read = engine.get(0, KEY);
    await written;
    await read;
    assert.deepEqual(await engine.get(0, KEY), Uint8Array.of(1));
    assert.equal(disk.openings, 2);
    await engine.write(PUT);
    assert.equal(disk.openings, 2);
  }));

Deno.test("LevelEngine.write() is synced, as one batch", async () => {
  const fixture = await Deno.makeTempDir({ prefix: "storage_level_" });
  const seen: unknown[] = [];
  const engine = await LevelEngine.open({
    async open() {
      const store = await openLevel(fixture);
      const spy: LevelStore = failingOnce(store);
      spy.write = (batch, options) => {
        seen.push({ puts: [...batch.puts ?? []].length, ...options });
        return store.write(batch, options);
      };
      return spy;
    },
    freeBytes: () => Promise.resolve(GIB),
  });
  const [put] = PUT.puts;
  assert(put !== undefined);
  await engine.write({ puts: [put, put, put], deletes: [] });
  assert.deepEqual(seen, [{ puts: 3, sync: true }]);
  await engine.close();
  await Deno.remove(fixture, { recursive: true });
});
