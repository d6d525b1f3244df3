/**
 * Store and Load of the compiled storage against two limits of the same run: gRPC by itself (an
 * echo server with the same codec, limits and sizes, compiled too) and the engine by itself. The
 * windows of the servers take turns, and the middle ratio of several rounds counts. Then full
 * blocks, and loads from a million records.
 *
 * @module
 */

import process from "node:process";
import { Block, type RawTransaction } from "../proto/gen/blockchain.ts";
import type { Engine } from "../services/storage/engine.ts";
import { LevelEngine } from "../services/storage/engines/level/engine.ts";
import { GroupCommit } from "../services/storage/group_commit.ts";
import { Region } from "../services/storage/regions.ts";
import { serveFakeKms } from "../services/storage/testing/fake_kms.ts";
import { type Bytes, concatBytes, u64be } from "../shared/bytes/mod.ts";
import { seededRandom, SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { encode } from "../shared/codec/mod.ts";
import { openLevel } from "../shared/level/mod.ts";
import { peakResidentBytes } from "../tests/memory.ts";
import { type Measured, measureLoad, median } from "./storage_load.ts";
import {
  compileEcho,
  type Served,
  startEcho,
  startStorage,
  type StorageClient,
} from "./storage_processes.ts";
import { type Figure, printFigures } from "./table.ts";

/** A flavour of the storage and its engine in a folder as the executable opens it. */
interface BenchedFlavour {
  readonly name: string;
  readonly openEngine: (folder: string) => Promise<Engine>;
}

const FLAVOURS: readonly BenchedFlavour[] = [
  {
    name: "storage_rocksdb",
    openEngine: (folder) =>
      LevelEngine.open({
        open: () => openLevel(`${folder}/chain_data`),
        freeBytes: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
      }),
  },
];

const VALUE = new Uint8Array(256).fill(7);
const CALLERS = [1, 64] as const;
const ROUNDS = 5;
const WINDOW_MS = 700;
const WARM_UP_MS = 1_500;
const KEYS_LOADED = 1_000;

/** A place of its own for every serial number. */
function keyOf(serial: number): Bytes {
  return concatBytes(new Uint8Array(24), u64be(BigInt(serial)));
}

interface Operations {
  store(serial: number): Promise<unknown>;
  load(serial: number): Promise<unknown>;
}

const OPERATIONS = ["store", "load"] as const;

function clientOperations(storage: StorageClient, firstSerial: number): Operations {
  const region = Region.Transactions;
  const expectSuccess = (code: number | undefined) => {
    if (code !== 0) throw new Error(`The storage answers ${code}`);
  };
  return {
    store: async (serial) =>
      expectSuccess(
        (await storage.store({ region, key: keyOf(firstSerial + serial), value: VALUE })).code,
      ),
    load: async (serial) =>
      expectSuccess(
        (await storage.load({ region, key: keyOf(serial % KEYS_LOADED) })).status?.code,
      ),
  };
}

function engineOperations(engine: Engine, firstSerial: number): Operations {
  const region = Region.Transactions;
  return {
    store: (serial) =>
      engine.write({
        puts: [{ region, key: keyOf(firstSerial + serial), value: VALUE }],
        deletes: [],
      }),
    load: (serial) => engine.get(region, keyOf(serial % KEYS_LOADED)),
  };
}

/** What is compared: over gRPC with a process, or the engine in this one. */
interface Contender {
  readonly name: string;
  readonly operations: (firstSerial: number) => Operations;
  readonly pid?: number;
}

type Rounds = Map<string, Measured[]>;

/** All contenders take turns at every operation, round after round. */
async function compare(contenders: readonly Contender[]): Promise<Rounds> {
  const rounds: Rounds = new Map();
  for (const { operations } of contenders) {
    const { store } = operations(0);
    await Promise.all(Array.from({ length: KEYS_LOADED }, (_, serial) => store(serial)));
  }
  let firstSerial = 1_000_000;
  for (let round = -1; round < ROUNDS; round++) {
    for (const callers of CALLERS) {
      for (const operation of OPERATIONS) {
        for (const { name, operations, pid } of contenders) {
          const call = operations(firstSerial)[operation];
          const durationMs = round < 0 ? WARM_UP_MS : WINDOW_MS;
          const load = { callers, durationMs, ...pid !== undefined && { pid } };
          const measured = await measureLoad(call, load);
          if (round < 0) continue; // code is compiled meanwhile
          const id = `${name}: ${operation}, ${callers === 1 ? "1 caller" : `${callers} callers`}`;
          rounds.set(id, [...rounds.get(id) ?? [], measured]);
        }
        firstSerial += 1_000_000;
      }
    }
  }
  return rounds;
}

/** The middle ratio of the rounds, each against the baseline of the same round. */
function rateFigures(rounds: Rounds, baseline: string): Figure[] {
  return [...rounds].map(([name, measured]) => {
    const base = rounds.get(name.replace(/^[^:]*/, baseline)) ?? [];
    const ratios = measured.map(({ callsPerSecond }, round) =>
      callsPerSecond / (base[round]?.callsPerSecond ?? NaN)
    );
    const value = median(measured.map(({ callsPerSecond }) => callsPerSecond));
    return { name, value, unit: "calls/s", ratio: median(ratios) };
  });
}

function detailFigures(
  rounds: Rounds,
  { pick, unit, baseline }: {
    readonly pick: (measured: Measured) => number;
    readonly unit: string;
    readonly baseline: string;
  },
): Figure[] {
  return [...rounds].flatMap(([name, measured]) => {
    const base = rounds.get(name.replace(/^[^:]*/, baseline)) ?? [];
    const values = measured.map(pick);
    const ratios = base.map((measured, round) => (values[round] ?? NaN) / pick(measured));
    const value = median(values);
    return Number.isFinite(value) ? [{ name, value, unit, ratio: median(ratios) }] : [];
  });
}

const BLOCK_TRANSACTIONS = 6_000;
const BLOCK_RUNS = 3;

function transaction(serial: number): RawTransaction {
  const value = {
    transaction: {
      version: 0,
      to: new Uint8Array(20).fill(1),
      nonce: String(serial),
      quota: 200_000n,
      validUntilBlock: 95n,
      data: new Uint8Array(4),
      value: new Uint8Array(32),
      chainId: new Uint8Array(32),
    },
    transactionHash: keyOf(serial),
    witness: { signature: new Uint8Array(128), sender: new Uint8Array(20) },
  };
  return { tx: { $case: "normalTx", value } };
}

/** Milliseconds to store and to load a block of 6,000 transactions, the best of a few. */
async function measureBlocks(storage: StorageClient): Promise<{ store: number; load: number }> {
  const header = {
    prevhash: new Uint8Array(32),
    timestamp: 1n,
    height: 1n,
    transactionsRoot: new Uint8Array(32),
    proposer: new Uint8Array(20),
  };
  const best = { store: Infinity, load: Infinity };
  for (let run = 0; run < BLOCK_RUNS; run++) {
    const firstSerial = 2_000_000_000 + run * BLOCK_TRANSACTIONS;
    const body = Array.from({ length: BLOCK_TRANSACTIONS }, (_, i) => transaction(firstSerial + i));
    const proof = new Uint8Array(500);
    const value = encode(Block, { version: 0, header, body: { body }, proof });
    const place = { region: Region.FullBlock, key: u64be(BigInt(run)) };
    const startMs = SYSTEM_CLOCK.monotonicMs();
    const { code } = await storage.store({ ...place, value });
    const storedMs = SYSTEM_CLOCK.monotonicMs();
    const loaded = await storage.load(place);
    const loadedMs = SYSTEM_CLOCK.monotonicMs();
    const isEcho = loaded.value.length === VALUE.length;
    if (code !== 0 || !isEcho && loaded.value.length !== value.length) {
      throw new Error("The block is lost");
    }
    best.store = Math.min(best.store, storedMs - startMs);
    best.load = Math.min(best.load, loadedMs - storedMs);
  }
  return best;
}

const MANY_KEYS = 1_000_000;
const FILL_BATCH = 2_000;
const MANY_LOAD_MS = 5_000;

/** Fills a folder as fast as the engine can. */
async function fill(engine: Engine): Promise<void> {
  for (let serial = 0; serial < MANY_KEYS; serial += FILL_BATCH) {
    const puts = Array.from({ length: FILL_BATCH }, (_, index) => ({
      region: Region.Transactions,
      key: scattered(serial + index),
      value: incompressible(serial + index),
    }));
    await engine.write({ puts, deletes: [] });
  }
  await engine.close();
}

const NOISE = crypto.getRandomValues(new Uint8Array(65_536));

/** LevelDB would make small what repeats itself, and then hold less in memory. */
function incompressible(serial: number): Bytes {
  const start = (serial * 7_919) % (NOISE.length - VALUE.length);
  return NOISE.subarray(start, start + VALUE.length);
}

/** Keys in no order, as hashes of transactions are. */
function scattered(serial: number): Bytes {
  const key = keyOf(serial);
  const random = seededRandom(serial);
  for (let index = 0; index < 8; index++) key[index] = Math.floor(random() * 256);
  return key;
}

/** Loads random ones of a million records. */
async function measureManyKeys(served: Served): Promise<Figure[]> {
  const random = seededRandom(1);
  const figures: Figure[] = [];
  for (const callers of CALLERS) {
    const load = async () => {
      const key = scattered(Math.floor(random() * MANY_KEYS));
      const { value } = await served.storage.load({ region: Region.Transactions, key });
      if (value.length !== VALUE.length) throw new Error("A record is lost");
    };
    const measured = await measureLoad(load, { callers, durationMs: MANY_LOAD_MS });
    const name = callers === 1 ? "1 caller" : `${callers} callers`;
    figures.push(
      { name: `load, ${name}`, value: measured.callsPerSecond, unit: "calls/s" },
      { name: `load, ${name}, p50`, value: measured.p50Ms, unit: "ms" },
      { name: `load, ${name}, p99`, value: measured.p99Ms, unit: "ms" },
    );
  }
  const peak = peakResidentBytes(served.pid) / 2 ** 20;
  return [...figures, { name: "memory at most", value: peak, unit: "MiB" }];
}

async function benchFlavour(
  { name, openEngine }: BenchedFlavour,
  { echoPath, kmsPort, root }: {
    readonly echoPath: string;
    readonly kmsPort: number;
    readonly root: string;
  },
): Promise<void> {
  const folder = async (part: string) => {
    const path = `${root}/${name}_${part}`;
    await Deno.mkdir(path);
    return path;
  };
  const raw = new GroupCommit(await openEngine(await folder("raw")));
  const echo = await startEcho(echoPath, VALUE.length);
  const served = await startStorage({ flavour: name, folder: await folder("served"), kmsPort });
  const overGrpc = (name: string, { storage, pid }: Served): Contender => ({
    name,
    pid,
    operations: (firstSerial) => clientOperations(storage, firstSerial),
  });
  const rounds = await compare([
    overGrpc("echo", echo),
    overGrpc("storage", served),
    { name: "engine alone", operations: (firstSerial) => engineOperations(raw, firstSerial) },
  ]);
  await raw.close();
  printFigures(`${name}, values of ${VALUE.length} bytes, ratio to echo`, [
    ...rateFigures(rounds, "echo"),
  ]);
  const thread = { pick: ({ cpu }: Measured) => cpu.mainThread, unit: "µs", baseline: "echo" };
  printFigures("CPU of the serving thread for a call", detailFigures(rounds, thread));
  const cpu = { pick: ({ cpu }: Measured) => cpu.all, unit: "µs", baseline: "echo" };
  printFigures("CPU of all threads for a call", detailFigures(rounds, cpu));
  const p50 = { pick: ({ p50Ms }: Measured) => p50Ms, unit: "ms", baseline: "echo" };
  printFigures("p50", detailFigures(rounds, p50));
  const p99 = { pick: ({ p99Ms }: Measured) => p99Ms, unit: "ms", baseline: "echo" };
  printFigures("p99", detailFigures(rounds, p99));

  const blocks = await measureBlocks(served.storage);
  const echoed = await measureBlocks(echo.storage);
  await echo.stop();
  await served.stop();
  printFigures(`full blocks of ${BLOCK_TRANSACTIONS} transactions`, [
    { name: "echo: store", value: echoed.store, unit: "ms", ratio: 1 },
    { name: "storage: store", value: blocks.store, unit: "ms", ratio: blocks.store / echoed.store },
    { name: "storage: load", value: blocks.load, unit: "ms" },
  ]);

  const many = await folder("many");
  await fill(await openEngine(many));
  const servedMany = await startStorage({ flavour: name, folder: many, kmsPort });
  printFigures(
    `${MANY_KEYS.toLocaleString("en-US")} records, random loads`,
    await measureManyKeys(servedMany),
  );
  await servedMany.stop();
}

const root = await Deno.makeTempDir({ prefix: "bench_storage_" });
const kms = await serveFakeKms();
try {
  const echoPath = await compileEcho(root);
  for (const flavour of FLAVOURS) {
    await benchFlavour(flavour, { echoPath, kmsPort: kms.port, root });
  }
} finally {
  await kms.close();
  await Deno.remove(root, { recursive: true });
}
// the timers of shared/level beat to the end of the process
process.exit(0);
