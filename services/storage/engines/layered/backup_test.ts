import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, u64be } from "../../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from "../../../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../../../shared/log/mod.ts";
import { type Engine, EngineError } from "../../engine.ts";
import { Region } from "../../regions.ts";
import {
  assertHasBlocks,
  blockBatch,
  blockRecords,
  heightsUpTo,
  storeBlocks,
} from "../../testing/block_batch.ts";
import { FakeCloud } from "../../testing/fake_cloud.ts";
import { keepLines } from "../../testing/log_lines.ts";
import { MemoryEngine } from "../memory/engine.ts";
import { Backup, type BackupSettings } from "./backup.ts";
import { encodeProgress } from "./backup_plan.ts";
import { isRemovable } from "./block_records.ts";
import { type Cloud, objectName } from "./cloud.ts";
import { LayeredEngine } from "./engine.ts";

const RECENT = { blocksMax: 2, bytesMax: 1_000_000 };

/** Timers of a test that has all in memory take no time. */
const SETTINGS: BackupSettings = {
  capacity: 3,
  intervalMs: 0,
  retreatMs: 0,
  clock: { ...SYSTEM_CLOCK, sleep: () => Promise.resolve() },
  random: SYSTEM_RANDOM,
  log: SILENT_LOGGER,
};

function openEngine(local: Engine, cloud: Cloud | null, recent = RECENT): Promise<LayeredEngine> {
  return LayeredEngine.open({ local, cloud, recent, backup: null });
}

Deno.test("objects have the names of the specification, the progress twelve bytes", async () => {
  const cloud = new FakeCloud();
  const engine = await openEngine(new MemoryEngine(), cloud);
  await storeBlocks(engine, heightsUpTo(3n));
  await new Backup({ ...SETTINGS, records: engine, cloud }).runRound();
  assert.deepEqual(cloud.objects.get("000000000000000000000001"), encodeProgress(2n));
  assert(cloud.objects.has("0000000a0000000000000002"));
  assert(!cloud.objects.has("0000000a0000000000000003"), "the last block is not complete yet");
  assert(!cloud.objects.has("000000000000000000000000"), "the height stays on this machine");
  assert.equal(cloud.objects.size, 3 * 11 + 1);
  await engine.close();
});

Deno.test("a block without a result is copied and removed, one that lacks a transaction is not", async () => {
  const { log, lines } = keepLines();
  const cloud = new FakeCloud();
  const engine = await openEngine(new MemoryEngine(), cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  const result = { region: Region.Result, key: u64be(0n) };
  await engine.write({ puts: [], deletes: [result] });
  await new Backup({ ...SETTINGS, log, records: engine, cloud }).runRound();
  assert.equal(engine.removedUpTo, 6n);
  assert.equal(await engine.get(result.region, result.key), null);
  await storeBlocks(engine, heightsUpTo(11n).slice(10));
  const [transaction] = blockRecords(9n);
  assert(transaction !== undefined);
  await engine.write({ puts: [], deletes: [transaction] });
  const round = new Backup({ ...SETTINGS, log, records: engine, cloud }).runRound();
  await assert.rejects(round, /Cannot copy a block: region 1, key [0-9a-f]{64} is missing/);
  assert.equal(engine.removedUpTo, 6n);
  assert(lines.some((line) => /removed blocks up to 6/.test(line)));
  await engine.close();
});

Deno.test("what left this machine and is not in the cloud is a failure, never an absence", async () => {
  const cloud = new FakeCloud();
  const local = new MemoryEngine();
  const engine = await openEngine(local, cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  await new Backup({ ...SETTINGS, records: engine, cloud }).runRound();
  const elsewhere = await openEngine(local, new FakeCloud());
  for (const { region, key } of blockRecords(0n).filter(isRemovable)) {
    if (region === Region.Result) continue;
    const lost = /left this machine: the bucket lacks region/;
    await assert.rejects(elsewhere.get(region, key), lost);
    await assert.rejects(elsewhere.getMany(region, [key]), lost);
  }
  await assert.rejects(openEngine(local, null), /blocks up to 6 have left this machine/);
});

Deno.test("without a cloud, and before anything left, every block stays and no cloud is asked", async () => {
  const cloud = new FakeCloud();
  for (const layer of [null, cloud]) {
    const local = new MemoryEngine();
    const engine = await openEngine(local, layer, { blocksMax: 0, bytesMax: 0 });
    await storeBlocks(engine, heightsUpTo(9n));
    await assertHasBlocks(engine, heightsUpTo(9n));
    assert.equal(await engine.get(Region.Proof, u64be(77n)), null);
    await engine.close();
  }
  assert.equal(cloud.readCount, 0);
});

Deno.test("what was never stored, and what is no part of a block, is not asked of the cloud", async () => {
  const cloud = new FakeCloud();
  const engine = await openEngine(new MemoryEngine(), cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  await new Backup({ ...SETTINGS, records: engine, cloud }).runRound();
  cloud.fail(() => true);
  const hash = new Uint8Array(32).fill(0xee);
  for (const region of [1, 7, 8, 9]) assert.equal(await engine.get(region, hash), null);
  assert.deepEqual(await engine.getMany(Region.Transactions, [hash]), [null]);
  assert.equal(await engine.get(Region.Proof, u64be(10n)), null);
  assert.equal(await engine.get(Region.Global, u64be(1n)), null, "the progress is no record");
  await engine.close();
});

Deno.test("a record that differs in the bucket stays, one that is missing there is copied", async () => {
  const { log, lines } = keepLines();
  const cloud = new FakeCloud();
  const local = new MemoryEngine();
  const engine = await openEngine(local, cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  const backup = new Backup({ ...SETTINGS, capacity: 100, records: engine, cloud });
  await backup.runRound();
  const proof = { region: Region.Proof, key: u64be(0n) };
  cloud.objects.set(objectName(proof), Uint8Array.of(9));
  cloud.objects.delete(objectName({ region: Region.Result, key: u64be(1n) }));
  await new Backup({ ...SETTINGS, log, records: engine, cloud }).runRound();
  assert.equal(engine.removedUpTo, 6n);
  assert.notEqual(await local.get(proof.region, proof.key), null);
  await assertHasBlocks(engine, heightsUpTo(9n));
  assert(lines.some((line) => /kept 1 records that differ/.test(line)));
  await engine.close();
});

Deno.test("a record that is changed while its block leaves is not lost", async () => {
  const cloud = new FakeCloud();
  const local = new MemoryEngine();
  const engine = await openEngine(local, cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  const place = { region: Region.Proof, key: u64be(0n) };
  const changed = Uint8Array.of(1, 2, 3);
  const get = cloud.get.bind(cloud);
  cloud.get = async (name) => {
    const found = await get(name);
    if (name === objectName(place)) {
      await engine.write({ puts: [{ ...place, value: changed }], deletes: [] });
    }
    return found;
  };
  await new Backup({ ...SETTINGS, records: engine, cloud }).runRound();
  assert.equal(engine.removedUpTo, 6n);
  assert.deepEqual(await engine.get(place.region, place.key), changed);
  await engine.close();
});

Deno.test("a bucket with another chain is neither added to nor relied on", async () => {
  const { log, lines } = keepLines();
  const cloud = new FakeCloud();
  const engine = await openEngine(new MemoryEngine(), cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  cloud.objects.set(objectName({ region: Region.Global, key: u64be(1n) }), encodeProgress(5n));
  cloud.objects.set(objectName({ region: Region.BlockHash, key: u64be(5n) }), new Uint8Array(32));
  await new Backup({ ...SETTINGS, log, records: engine, cloud }).runRound();
  assert.equal(cloud.objects.size, 2);
  assert.equal(engine.removedUpTo, null);
  assert(
    lines.some((line) => /^error: block 5 in the bucket is not that of this chain/.test(line)),
  );
  await engine.close();
});

Deno.test("a node backs off while another one copies into the same bucket", async () => {
  const { log, lines } = keepLines();
  const objects = new Map<string, Bytes>();
  const [first, second] = await Promise.all([0, 1].map(async () => {
    const engine = await openEngine(new MemoryEngine(), new FakeCloud(objects));
    await storeBlocks(engine, heightsUpTo(9n));
    return engine;
  }));
  assert(first !== undefined && second !== undefined);
  const cloud = new FakeCloud(objects);
  const busy = new Backup({ ...SETTINGS, records: first, cloud });
  // each sleep of the second one lets the first one do a whole round
  let sleeps = 0;
  const sleep = async () => {
    if (sleeps++ === 0) await busy.runRound();
  };
  const clock = { ...SYSTEM_CLOCK, sleep };
  await new Backup({ ...SETTINGS, clock, log, records: second, cloud }).runRound();
  assert(lines.some((line) => /another node copies blocks, up to 8 now: backs off/.test(line)));
  assert(!lines.some((line) => /copied blocks/.test(line)));
  for (const engine of [first, second]) {
    assert.equal(engine.removedUpTo, 6n);
    await assertHasBlocks(engine, heightsUpTo(9n));
    await engine.close();
  }
});

Deno.test("a progress that another node wrote meanwhile is not overwritten", async () => {
  const objects = new Map<string, Bytes>();
  const cloud = new FakeCloud(objects);
  const engine = await openEngine(new MemoryEngine(), cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  const put = cloud.put.bind(cloud);
  const progress = objectName({ region: Region.Global, key: u64be(1n) });
  cloud.put = async (name, content) => {
    await put(name, content);
    const isLastOfThird = name === objectName({ region: Region.CompactBlock, key: u64be(2n) });
    if (isLastOfThird) objects.set(progress, encodeProgress(7n));
  };
  await new Backup({ ...SETTINGS, records: engine, cloud }).runRound();
  assert.deepEqual(objects.get(progress), encodeProgress(7n));
  await engine.close();
});

Deno.test("no record is lost whenever the cloud fails, the node is killed or another one copies", async () => {
  const node = fc.nat(1);
  const failures = fc.oneof(
    fc.uniqueArray(fc.nat(150), { maxLength: 3 }).map((some) => (call: number) =>
      some.includes(call)
    ),
    fc.nat(200).map((first) => (call: number) => call >= first),
  );
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("block" as const), node }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("round" as const), node, failures }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), node }) },
  );
  const anySteps = fc.array(step, { minLength: 20, maxLength: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(anySteps, async (steps) => {
      const objects = new Map<string, Bytes>();
      const open = async (local: Engine) => {
        const cloud = new FakeCloud(objects);
        return { local, cloud, engine: await openEngine(local, cloud), height: -1n };
      };
      const nodes = await Promise.all([new MemoryEngine(), new MemoryEngine()].map(open));
      for (const { kind, node: index, ...rest } of steps) {
        const node = nodes[index];
        assert(node !== undefined);
        const { engine, cloud, local } = node;
        if (kind === "block") {
          node.height += 1n;
          await engine.write(blockBatch(node.height));
        } else if (kind === "restart") {
          node.engine = await openEngine(local, cloud);
        } else {
          if ("failures" in rest) cloud.fail(rest.failures);
          const round = new Backup({ ...SETTINGS, capacity: 2, records: engine, cloud }).runRound();
          await round.catch((error) => assert(error instanceof EngineError));
          cloud.fail(() => false);
        }
      }
      for (const { engine, height } of nodes) await assertHasBlocks(engine, heightsUpTo(height));
    }),
    { numRuns: 100 },
  );
});
