/**
 * Store and Load of the storage: over gRPC (a process of its own) for one caller and for 64, the
 * engine by itself, full blocks. The baseline is the same service over an engine in memory, in the
 * same run; a store on disk waits for an fsync, one in memory does not.
 *
 * @module
 */

import { Block, type RawTransaction } from "../proto/gen/blockchain.ts";
import { StorageServiceService } from "../proto/gen/storage.ts";
import type { Engine } from "../services/storage/engine.ts";
import { LevelEngine } from "../services/storage/engines/level/engine.ts";
import { MemoryEngine } from "../services/storage/engines/memory/engine.ts";
import { GroupCommit } from "../services/storage/group_commit.ts";
import { Region } from "../services/storage/regions.ts";
import { type Bytes, concatBytes, u64be } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { encode } from "../shared/codec/mod.ts";
import { openLevel } from "../shared/level/mod.ts";
import { connect, type RpcClient } from "../shared/rpc/mod.ts";
import { type Figure, printFigures } from "./table.ts";

const MEASURE_MS = 500;
const WARM_UP_RUNS = 300;
const CALLERS = 64;
const VALUE = new Uint8Array(256).fill(7);
const BLOCK_TRANSACTIONS = 6_000;
const BLOCK_RUNS = 3;
const BLOCK_DEADLINE_MS = 60_000;

type StorageClient = RpcClient<typeof StorageServiceService>;

/** Calls per second of so many callers, each waiting for its answer. */
async function rate(callers: number, call: (serial: number) => Promise<unknown>): Promise<number> {
  let serial = 0;
  for (let i = 0; i < WARM_UP_RUNS; i++) await call(serial++);
  const startMs = SYSTEM_CLOCK.monotonicMs();
  const first = serial;
  const caller = async () => {
    while (SYSTEM_CLOCK.monotonicMs() - startMs < MEASURE_MS) await call(serial++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (serial - first) * 1000 / (SYSTEM_CLOCK.monotonicMs() - startMs);
}

/** Names of operations and what they reached, in the order of the table. */
type Rates = Map<string, number>;

const KEYS_LOADED = 1_000;

function keyOf(serial: number): Bytes {
  return concatBytes(new Uint8Array(24), u64be(BigInt(serial)));
}

interface Access {
  store(key: Bytes): Promise<unknown>;
  load(key: Bytes): Promise<unknown>;
}

/** Stores and loads through `access`; every store has a key of its own. */
async function measure({ store, load }: Access): Promise<Rates> {
  const rates: Rates = new Map();
  let stored = 0;
  for (const callers of [1, CALLERS]) {
    const name = callers === 1 ? "1 caller" : `${callers} callers`;
    rates.set(`store, ${name}`, await rate(callers, () => store(keyOf(stored++))));
    rates.set(`load, ${name}`, await rate(callers, (serial) => load(keyOf(serial % KEYS_LOADED))));
  }
  return rates;
}

function clientAccess(storage: StorageClient): Access {
  return {
    store: (key) => storage.store({ region: Region.Transactions, key, value: VALUE }),
    load: (key) => storage.load({ region: Region.Transactions, key }),
  };
}

function engineAccess(engine: Engine): Access {
  const region = Region.Transactions;
  return {
    store: (key) => engine.write({ puts: [{ region, key, value: VALUE }], deletes: [] }),
    load: (key) => engine.get(region, key),
  };
}

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
  const options = { deadlineMs: BLOCK_DEADLINE_MS };
  for (let run = 0; run < BLOCK_RUNS; run++) {
    const firstSerial = 10_000_000 + run * BLOCK_TRANSACTIONS;
    const body = Array.from({ length: BLOCK_TRANSACTIONS }, (_, i) => transaction(firstSerial + i));
    const proof = new Uint8Array(500);
    const value = encode(Block, { version: 0, header, body: { body }, proof });
    const place = { region: Region.FullBlock, key: u64be(BigInt(run)) };
    const startMs = SYSTEM_CLOCK.monotonicMs();
    const { code } = await storage.store({ ...place, value }, options);
    const storedMs = SYSTEM_CLOCK.monotonicMs();
    const loaded = await storage.load(place, options);
    const loadedMs = SYSTEM_CLOCK.monotonicMs();
    if (code !== 0 || loaded.value.length !== value.length) throw new Error("The block is lost");
    best.store = Math.min(best.store, storedMs - startMs);
    best.load = Math.min(best.load, loadedMs - storedMs);
  }
  return best;
}

/** What one service reached. */
interface Served {
  readonly rates: Rates;
  readonly blockMs: { readonly store: number; readonly load: number };
}

async function measureService(engineName: "memory" | "level", folder: string): Promise<Served> {
  const program = new URL("storage_server.ts", import.meta.url).pathname;
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program, engineName, folder],
    stdout: "piped",
  }).spawn();
  const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: port } = await lines.read();
  const storage = connect(StorageServiceService, { port: Number(port) });
  try {
    const rates = await measure(clientAccess(storage));
    return { rates, blockMs: await measureBlocks(storage) };
  } finally {
    storage.close();
    server.kill("SIGKILL");
    await lines.cancel();
    await server.status;
  }
}

async function measureEngine(engine: Engine): Promise<Rates> {
  const rates = await measure(engineAccess(engine));
  await engine.close();
  return rates;
}

function rateFigures(name: string, rates: Rates, baseline: Rates): Figure[] {
  return [...rates].map(([operation, value]) => {
    const ratio = value / (baseline.get(operation) ?? NaN);
    return { name: `${name}: ${operation}`, value, unit: "calls/s", ratio };
  });
}

const folder = await Deno.makeTempDir({ prefix: "bench_storage_" });
try {
  const memory = await measureService("memory", "");
  const level = await measureService("level", `${folder}/served`);
  const freeBytes = () => Promise.resolve(Number.MAX_SAFE_INTEGER);
  const opened = await LevelEngine.open({ open: () => openLevel(`${folder}/raw`), freeBytes });
  const rawMemory = await measureEngine(new GroupCommit(new MemoryEngine()));
  const rawLevel = await measureEngine(new GroupCommit(opened));
  printFigures("storage, values of 256 bytes", [
    ...rateFigures("memory over gRPC", memory.rates, memory.rates),
    ...rateFigures("LevelDB over gRPC", level.rates, memory.rates),
    ...rateFigures("memory alone", rawMemory, memory.rates),
    ...rateFigures("LevelDB alone", rawLevel, memory.rates),
  ]);
  const blockFigure = (name: string, value: number, baseline: number): Figure => ({
    name,
    value,
    unit: "ms",
    ratio: value / baseline,
  });
  printFigures(`storage, full blocks of ${BLOCK_TRANSACTIONS} transactions over gRPC`, [
    blockFigure("memory: store", memory.blockMs.store, memory.blockMs.store),
    blockFigure("memory: load", memory.blockMs.load, memory.blockMs.load),
    blockFigure("LevelDB: store", level.blockMs.store, memory.blockMs.store),
    blockFigure("LevelDB: load", level.blockMs.load, memory.blockMs.load),
  ]);
} finally {
  await Deno.remove(folder, { recursive: true });
}
