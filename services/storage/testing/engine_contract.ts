import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { type Engine, EngineError } from "../engine.ts";

/** Opens a fresh engine, and removes what it left behind afterwards. */
export interface EngineFixture {
  open(): Promise<Engine>;
  /** Opens the same records again after a close; absent for engines that forget. */
  reopen?(): Promise<Engine>;
  dispose(): Promise<void>;
}

const KEY = new Uint8Array(8).fill(1);
const OTHER_KEY = new Uint8Array(8).fill(2);
const VALUE = Uint8Array.of(1, 2, 3);

type Check = (engine: Engine, fixture: EngineFixture) => Promise<void>;

function put(region: number, key: Bytes, value: Bytes) {
  return { puts: [{ region, key, value }], deletes: [] };
}

const CHECKS: Record<string, Check> = {
  async "get() gives what was written last, and null for an absent key"(engine) {
    assert.equal(await engine.get(1, KEY), null);
    await engine.write(put(1, KEY, VALUE));
    assert.deepEqual(await engine.get(1, KEY), VALUE);
    await engine.write(put(1, KEY, Uint8Array.of(9)));
    assert.deepEqual(await engine.get(1, KEY), Uint8Array.of(9));
  },

  async "one key in two regions names two records"(engine) {
    await engine.write(put(0, KEY, VALUE));
    assert.equal(await engine.get(10, KEY), null);
    await engine.write(put(10, KEY, Uint8Array.of(10)));
    assert.deepEqual(await engine.get(0, KEY), VALUE);
  },

  async "an empty value is a value"(engine) {
    await engine.write(put(5, KEY, new Uint8Array(0)));
    assert.deepEqual(await engine.get(5, KEY), new Uint8Array(0));
  },

  async "a value of 20 MB comes back"(engine) {
    const value = new Uint8Array(20_000_000).fill(7);
    await engine.write(put(1, KEY, value));
    const loaded = await engine.get(1, KEY);
    assert(loaded !== null && loaded.length === value.length && loaded[19_999_999] === 7);
  },

  async "getMany() answers in the order of the keys"(engine) {
    await engine.write(put(1, KEY, VALUE));
    const values = await engine.getMany(1, [OTHER_KEY, KEY, KEY]);
    assert.deepEqual(values, [null, VALUE, VALUE]);
    assert.deepEqual(await engine.getMany(1, []), []);
  },

  async "scan() walks one region in the order of its keys, also after compact()"(engine) {
    const keys = [3, 1, 255, 2].map((byte) => Uint8Array.of(0, 0, 0, 0, 0, 0, byte, 0));
    const puts = keys.map((key) => ({ region: 4, key, value: key.slice(6, 7) }));
    const others = [3, 5].map((region) => ({ region, key: KEY, value: VALUE }));
    await engine.write({ puts: [...puts, ...others], deletes: [] });
    await engine.write({ puts: [], deletes: puts.slice(3) });
    for (const compact of [false, true]) {
      if (compact) await engine.compact();
      const seen: number[] = [];
      for await (const [key, value] of engine.scan(4)) {
        assert.equal(key[6], value[0]);
        seen.push(key[6] ?? 0);
      }
      assert.deepEqual(seen, [1, 3, 255]);
    }
    for await (const _ of engine.scan(9)) assert.fail("nothing was stored in region 9");
  },

  async "write() puts in order, then deletes, also absent records"(engine) {
    await engine.write({
      puts: [
        { region: 1, key: KEY, value: VALUE },
        { region: 1, key: KEY, value: Uint8Array.of(4) },
        { region: 1, key: OTHER_KEY, value: VALUE },
      ],
      deletes: [{ region: 1, key: OTHER_KEY }, { region: 2, key: KEY }],
    });
    assert.deepEqual(await engine.getMany(1, [KEY, OTHER_KEY]), [Uint8Array.of(4), null]);
  },

  async "concurrent writes are applied in the order of the calls"(engine) {
    const remove = { puts: [], deletes: [{ region: 1, key: KEY }] };
    // many pairs: an engine that keeps the order by luck must fail here
    const keys = [...Array(250).keys()].map((i) => KEY.map(() => i));
    const writes = keys.flatMap((key) => [
      engine.write(put(2, key, Uint8Array.of(1))),
      engine.write(put(2, key, Uint8Array.of(2))),
    ]);
    writes.push(engine.write(remove), engine.write(put(1, KEY, VALUE)), engine.write(remove));
    writes.push(engine.write(put(1, OTHER_KEY, VALUE)));
    await Promise.all(writes);
    assert.deepEqual(await engine.getMany(1, [KEY, OTHER_KEY]), [null, VALUE]);
    assert.deepEqual(await engine.getMany(2, keys), keys.map(() => Uint8Array.of(2)));
  },

  async "values handed out share nothing with the engine"(engine) {
    await engine.write(put(1, KEY, VALUE));
    (await engine.get(1, KEY))?.fill(0);
    assert.deepEqual(await engine.get(1, KEY), VALUE);
  },

  async "a closed engine refuses calls, and closes again"(engine) {
    await engine.close();
    await engine.close();
    await assert.rejects(engine.get(1, KEY), EngineError);
    await assert.rejects(engine.getMany(1, [KEY]), EngineError);
    await assert.rejects(engine.write(put(1, KEY, VALUE)), EngineError);
  },

  async "close() finishes the writes before it"(engine, { reopen }) {
    const written = engine.write(put(1, KEY, VALUE));
    await engine.close();
    await written;
    if (reopen === undefined) return;
    const reopened = await reopen();
    assert.deepEqual(await reopened.get(1, KEY), VALUE);
    await reopened.close();
  },

  async "agrees with a map over any sequence of batches"(engine) {
    const place = fc.record({
      region: fc.integer({ min: 0, max: 2 }),
      key: fc.uint8Array({ minLength: 8, maxLength: 8, max: 1 }),
    });
    const record = fc.tuple(place, fc.uint8Array({ maxLength: 9 }))
      .map(([at, value]) => ({ ...at, value }));
    const batch = fc.record({
      puts: fc.array(record, { maxLength: 5 }),
      deletes: fc.array(place, { maxLength: 2 }),
    });
    const model = new Map<string, Bytes>();
    const name = ({ region, key }: { region: number; key: Bytes }) => `${region}/${toHex(key)}`;
    await fc.assert(
      fc.asyncProperty(batch, fc.array(place, { maxLength: 5 }), async (changes, probes) => {
        await engine.write(changes);
        for (const change of changes.puts) model.set(name(change), change.value);
        for (const gone of changes.deletes) model.delete(name(gone));
        for (const probe of [...probes, ...changes.puts, ...changes.deletes]) {
          const value = await engine.get(probe.region, probe.key);
          assert.deepEqual(value, model.get(name(probe)) ?? null);
        }
      }),
      { numRuns: 50 },
    );
  },
};

/** Behaviour that every engine promises; registers one test for each promise. */
export function testEngineContract(name: string, create: () => Promise<EngineFixture>): void {
  for (const [promise, check] of Object.entries(CHECKS)) {
    Deno.test(`${name}: ${promise}`, async () => {
      const fixture = await create();
      try {
        const engine = await fixture.open();
        try {
          await check(engine, fixture);
        } finally {
          await engine.close();
        }
      } finally {
        await fixture.dispose();
      }
    });
  }
}
