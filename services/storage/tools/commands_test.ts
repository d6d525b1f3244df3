import assert from "node:assert/strict";
import { EMPTY_BYTES, to0xHex, u64be } from "../../../shared/bytes/mod.ts";
import { ExitError } from "../../../shared/cli/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import type { Engine } from "../engine.ts";
import { levelFiles } from "../engines/level/files.ts";
import { openLevelEngine } from "../engines/level/open.ts";
import { MemoryEngine } from "../engines/memory/engine.ts";
import { sqliteFiles } from "../engines/sqlite/files.ts";
import { openSqliteEngine } from "../engines/sqlite/open.ts";
import { Region } from "../regions.ts";
import { storeChain } from "../testing/chain.ts";
import { offlineCommands, type OfflineFlavour } from "./commands.ts";

interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

type Options = Readonly<Record<string, unknown>>;

/** Runs a command of a flavour whose configuration does not matter. */
async function run(
  flavour: OfflineFlavour<Record<never, never>>,
  name: string,
  options: Options = {},
): Promise<Outcome> {
  let [out, err] = ["", ""];
  const output = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
  };
  const command = offlineCommands(flavour)[name];
  assert(command !== undefined);
  try {
    const document = { fileName: "config.toml", tables: {} };
    const context = { config: {}, document, options, args: [], output };
    const exitCode = await command.run({ ...context, clock: SYSTEM_CLOCK });
    return { exitCode, out, err };
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    return { exitCode: error.exitCode, out, err: err + error.message };
  }
}

const PROCESS = {
  log: SILENT_LOGGER,
  clock: SYSTEM_CLOCK,
  signal: new AbortController().signal,
};

interface Place {
  /** The flavour with its records at `path`. */
  readonly flavour: OfflineFlavour<Record<never, never>>;
  readonly path: string;
  readonly open: () => Promise<Engine>;
}

const FLAVOURS: Readonly<Record<string, (path: string) => OfflineFlavour<Record<never, never>>>> = {
  storage_rocksdb: (path) => ({
    name: "storage_rocksdb",
    openEngine: (_, context) => openLevelEngine({ db_path: path, max_open_file: 512 }, context),
    localFiles: () => levelFiles({ db_path: path }),
  }),
  storage_sqlite: (path) => ({
    name: "storage_sqlite",
    openEngine: (_, context) => openSqliteEngine({ db_path: path }, context),
    localFiles: () => sqliteFiles({ db_path: path }),
  }),
};

async function withPlace(name: string, use: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "storage_tools_" });
  try {
    const path = `${folder}/records`;
    const flavour = FLAVOURS[name]?.(path);
    assert(flavour !== undefined);
    await use({ flavour, path, open: () => flavour.openEngine({}, PROCESS) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const name of Object.keys(FLAVOURS)) {
  Deno.test(`offline commands of ${name} make no store where none is`, () =>
    withPlace(name, async ({ flavour, path }) => {
      for (const command of ["stat", "verify", "compact"]) {
        assert.deepEqual(await run(flavour, command), {
          exitCode: 1,
          out: "",
          err: `Cannot open "${path}": it must hold records of this service, got none`,
        });
      }
      assert.deepEqual([...Deno.readDirSync(path.replace(/\/records$/, ""))], []);
    }));

  Deno.test(`offline commands of ${name} refuse records that are in use`, () =>
    withPlace(name, async ({ flavour, path, open }) => {
      const engine = await open();
      try {
        for (const command of ["stat", "verify", "compact"]) {
          const { exitCode, err } = await run(flavour, command);
          assert.equal(exitCode, 1);
          const wanted = "it must not be in use, another process has it open";
          assert.equal(err, `Cannot open "${path}": ${wanted}`);
        }
      } finally {
        await engine.close();
      }
    }));

  Deno.test(`stat and verify of ${name} change nothing, compact keeps every record`, () =>
    withPlace(name, async ({ flavour, open }) => {
      let engine = await open();
      await storeChain(engine, { hash: await loadSm3(), highest: 3 });
      const puts = [...Array(200).keys()].map((i) => (
        { region: Region.Headers, key: u64be(BigInt(i)), value: new Uint8Array(20_000) }
      ));
      await engine.write({ puts, deletes: [] });
      await engine.write({ puts: [], deletes: puts });
      const records = await recordsOf(engine);
      await engine.close();
      assert.equal((await run(flavour, "stat")).exitCode, 0);
      assert.equal((await run(flavour, "verify")).exitCode, 0);
      const { exitCode, out } = await run(flavour, "compact", { json: true });
      assert.equal(exitCode, 0);
      const { bytesBefore, bytesAfter } = JSON.parse(out);
      assert(bytesAfter < bytesBefore, out);
      engine = await open();
      assert.deepEqual(await recordsOf(engine), records);
      await engine.close();
    }));
}

async function recordsOf(engine: Engine): Promise<string[]> {
  const records: string[] = [];
  for (let region = 0; region <= 10; region++) {
    for await (const [key, value] of engine.scan(region)) {
      records.push(`${region} ${to0xHex(key)} ${to0xHex(value)}`);
    }
  }
  return records;
}

/** A flavour whose records are elsewhere, with a chain of three blocks. */
async function remoteChain(): Promise<
  { flavour: OfflineFlavour<Record<never, never>>; hash: string }
> {
  const engine = new MemoryEngine();
  const { blockHashes } = await storeChain(engine, { hash: await loadSm3(), highest: 2 });
  const openEngine = () => Promise.resolve(engine);
  return {
    flavour: { name: "storage_test", openEngine, localFiles: null },
    hash: to0xHex(blockHashes[2] ?? EMPTY_BYTES),
  };
}

Deno.test("stat shows each region that has records", async () => {
  const { flavour, hash } = await remoteChain();
  const { out } = await run(flavour, "stat");
  assert.deepEqual(out.split("\n"), [
    "region                records  key bytes  value bytes  lowest  highest",
    "0 global                    2         16           40",
    "1 transactions              4        128          444",
    "4 block hash                3         24           96       0        2",
    "5 proof                     3         24            0       0        2",
    "6 result                    3         24           96       0        2",
    "7 transaction height        4        128           32",
    "8 block height              3         96           24",
    "9 transaction index         4        128           32",
    "10 compact block            3         24          440       0        2",
    "all                        29        592        1,204",
    "",
    "current height: 2",
    `current hash: ${hash}`,
    "",
  ]);
});

Deno.test("stat --json gives the same as numbers", async () => {
  const { flavour, hash } = await remoteChain();
  const { regions, ...totals } = JSON.parse((await run(flavour, "stat", { json: true })).out);
  assert.deepEqual(totals, {
    flavour: "storage_test",
    place: "storage_test",
    records: 29,
    keyBytes: 592,
    valueBytes: 1204,
    currentHeight: 2,
    currentHash: hash,
    diskBytes: null,
  });
  assert.deepEqual(regions[2], {
    region: 4,
    name: "block hash",
    records: 3,
    keyBytes: 24,
    valueBytes: 96,
    lowestHeight: 0,
    highestHeight: 2,
  });
});

Deno.test("stat of an empty store says so", async () => {
  const openEngine = () => Promise.resolve(new MemoryEngine());
  const { out } = await run({ name: "storage_test", openEngine, localFiles: null }, "stat");
  assert.match(out, /^all +0 +0 +0\n\ncurrent height: none\ncurrent hash: none\n$/m);
});

Deno.test("compact of records that are elsewhere gives no sizes", async () => {
  const { flavour } = await remoteChain();
  assert.equal((await run(flavour, "compact")).out, "compacted the records of storage_test\n");
});

Deno.test("verify refuses options that it cannot use", async () => {
  const { flavour } = await remoteChain();
  const cases: readonly (readonly [Options, RegExp])[] = [
    [{ from: "x" }, /^Cannot use --from "x": it must be in 0\.\.18446744073709551615$/],
    [{ to: "18446744073709551616" }, /^Cannot use --to "18446744073709551616"/],
    [{ from: "-1" }, /^Cannot use --from "-1"/],
    [{ crypto: "rsa" }, /^Cannot use --crypto "rsa": it must be "sm" or "eth"$/],
  ];
  for (const [options, message] of cases) {
    const { exitCode, err } = await run(flavour, "verify", options);
    assert.equal(exitCode, 2);
    assert.match(err, message);
  }
});
