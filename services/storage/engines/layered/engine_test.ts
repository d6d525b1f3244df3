import assert from "node:assert/strict";
import { u64be } from "../../../../shared/bytes/mod.ts";
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
import { testEngineContract } from "../../testing/engine_contract.ts";
import { levelFixture } from "../../testing/level_fixture.ts";
import { keepLines } from "../../testing/log_lines.ts";
import { S3Server } from "../../testing/s3_server.ts";
import { Backup, type BackupSettings } from "./backup.ts";
import type { Cloud } from "./cloud.ts";
import { LayeredEngine } from "./engine.ts";

let server: S3Server;
Deno.test.beforeAll(async () => {
  server = await S3Server.start();
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

const RECENT = { blocksMax: 2, bytesMax: 1_000_000 };
const SETTINGS: BackupSettings = {
  capacity: 3,
  intervalMs: 30,
  retreatMs: 0,
  clock: SYSTEM_CLOCK,
  random: SYSTEM_RANDOM,
  log: SILENT_LOGGER,
};

function openEngine(local: Engine, cloud: Cloud): Promise<LayeredEngine> {
  return LayeredEngine.open({ local, cloud, recent: RECENT, backup: null });
}

for (const hasCloud of [false, true]) {
  const name = `LayeredEngine ${hasCloud ? "with" : "without"} a cloud`;
  testEngineContract(name, async () => {
    const local = await levelFixture();
    const root = crypto.randomUUID();
    const open = async (openLocal: () => Promise<Engine>) =>
      LayeredEngine.open({
        local: await openLocal(),
        cloud: hasCloud ? server.open({ root }) : null,
        recent: RECENT,
        backup: SETTINGS,
      });
    return {
      open: () => open(local.open),
      reopen: () => open(local.reopen ?? local.open),
      dispose: local.dispose,
    };
  });
}

/** The records of a block that are on this machine. */
async function localCount(local: Engine, height: bigint): Promise<number> {
  const found = blockRecords(height).slice(0, -1).map(({ region, key }) => local.get(region, key));
  return (await Promise.all(found)).filter((value) => value !== null).length;
}

Deno.test("old blocks leave this machine for a real bucket, and are read from there", async () => {
  const fixture = await levelFixture();
  const cloud = server.open({ root: "leaves" });
  let local = await fixture.open();
  let engine = await openEngine(local, cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  await new Backup({ ...SETTINGS, records: engine, cloud }).runRound();
  assert.equal(engine.removedUpTo, 6n);
  // two indexes of transactions and that of the block stay
  for (const height of heightsUpTo(6n)) assert.equal(await localCount(local, height), 3);
  for (const height of [7n, 8n, 9n]) assert.equal(await localCount(local, height), 11);
  await assertHasBlocks(engine, heightsUpTo(9n));
  await engine.close();
  local = await (fixture.reopen ?? fixture.open)();
  const reopened = server.open({ root: "leaves" });
  engine = await openEngine(local, reopened);
  assert.equal(engine.removedUpTo, 6n);
  await assertHasBlocks(engine, heightsUpTo(9n));
  await engine.close();
  await fixture.dispose();
});

Deno.test("a bucket that is away, slow or forbidden fails reads of old blocks and nothing else", async () => {
  await using server = await S3Server.start();
  const { log, lines } = keepLines();
  const cloud = server.open({ root: "fails", callTimeoutMs: 600 });
  const fixture = await levelFixture();
  const local = await fixture.open();
  const engine = await openEngine(local, cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  await new Backup({ ...SETTINGS, records: engine, cloud }).runRound();
  const old = { region: Region.Proof, key: u64be(0n) };
  const forbidden = server.open({ root: "fails", secretAccessKey: "guess" });
  const denied = await openEngine(local, forbidden);
  await assert.rejects(denied.get(old.region, old.key), /answers 403/);

  server.freeze();
  const slow = assert.rejects(engine.get(old.region, old.key), /no answer within 600 ms/);
  const startMs = SYSTEM_CLOCK.monotonicMs();
  await engine.write(blockBatch(10n));
  await assertHasBlocks(engine, [7n, 8n, 9n, 10n]);
  assert(SYSTEM_CLOCK.monotonicMs() - startMs < 500, "others do not wait for a slow read");
  await slow;
  server.thaw();
  await server.stop();
  await assert.rejects(engine.get(old.region, old.key), EngineError);
  const backup = new Backup({ ...SETTINGS, log, records: engine, cloud });
  await assert.rejects(backup.runRound(), EngineError);
  backup.start();
  await waitFor(() => lines.some((line) => /the backup stops for now/.test(line)));
  await server.run();
  await waitFor(() => engine.removedUpTo === 7n);
  await backup.stop();
  await assertHasBlocks(engine, heightsUpTo(10n));
  await engine.close();
  await fixture.dispose();
});

Deno.test("a bucket that cannot be written stops the backup, and no block leaves", async () => {
  const { log, lines } = keepLines();
  const cloud = server.open({ root: "readonly", callTimeoutMs: 2_000 });
  const fixture = await levelFixture();
  const engine = await openEngine(await fixture.open(), cloud);
  await storeBlocks(engine, heightsUpTo(9n));
  // a file where the folder of the chain should be: the server cannot write below it
  await Deno.writeTextFile(`${server.objects}/readonly`, "");
  const backup = new Backup({ ...SETTINGS, log, records: engine, cloud });
  await assert.rejects(backup.runRound(), EngineError);
  assert.equal(engine.removedUpTo, null);
  await Deno.remove(`${server.objects}/readonly`);
  await backup.runRound();
  assert.equal(engine.removedUpTo, 6n);
  await assertHasBlocks(engine, heightsUpTo(9n));
  await engine.close();
  await fixture.dispose();
  assert(lines.some((line) => /removed blocks up to 6/.test(line)));
});

async function waitFor(isSo: () => boolean): Promise<void> {
  const giveUpMs = SYSTEM_CLOCK.monotonicMs() + 10_000;
  while (!isSo()) {
    assert(SYSTEM_CLOCK.monotonicMs() < giveUpMs, "waited in vain");
    await SYSTEM_CLOCK.sleep(10);
  }
}
