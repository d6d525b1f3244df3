import assert from "node:assert/strict";
import {
  type BlockHeader,
  CompactBlock,
  RawTransaction,
} from "../../../../proto/gen/blockchain.ts";
import { type Bytes, EMPTY_BYTES, to0xHex, u64be } from "../../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { ExitError } from "../../../../shared/cli/mod.ts";
import { decode, encode } from "../../../../shared/codec/mod.ts";
import { loadKeccak256, loadSm3 } from "../../../../shared/crypto/mod.ts";
import { type Engine, EngineError } from "../../engine.ts";
import { MemoryEngine } from "../../engines/memory/engine.ts";
import { Region } from "../../regions.ts";
import { hashOf } from "../../testing/builders.ts";
import {
  storeChain,
  storeCurrent,
  type StoredChain,
  storeRecordedChain,
} from "../../testing/chain.ts";
import type { EngineFixture } from "../../testing/engine_contract.ts";
import { levelFixture } from "../../testing/level_fixture.ts";
import { sqliteFixture } from "../../testing/sqlite_fixture.ts";
import { runVerify, type VerifyOptions } from "./command.ts";

const HIGHEST = 6;
const DEFAULTS: VerifyOptions = {
  json: false,
  from: null,
  to: null,
  suite: null,
  signal: new AbortController().signal,
};

/** What the command printed, and how it ended. */
interface Outcome {
  readonly exitCode: number;
  readonly lines: string[];
}

async function verify(
  engine: Engine,
  options: Partial<VerifyOptions> = {},
): Promise<Outcome> {
  let printed = "";
  const store = {
    output: { out: (text: string) => void (printed += text), err: () => {} },
    clock: SYSTEM_CLOCK,
    flavour: "storage_test",
    openEngine: () => Promise.resolve(lend(engine)),
    localFiles: null,
  };
  const exitCode = await runVerify(store, { ...DEFAULTS, ...options });
  return { exitCode, lines: printed.trimEnd().split("\n") };
}

/** The same engine, but the command that closes it leaves it open. */
function lend(engine: Engine): Engine {
  return {
    get: (region, key) => engine.get(region, key),
    getMany: (region, keys) => engine.getMany(region, keys),
    scan: (region) => engine.scan(region),
    write: (batch) => engine.write(batch),
    compact: () => engine.compact(),
    close: () => Promise.resolve(),
  };
}

async function withEngine(
  create: () => Promise<EngineFixture>,
  use: (engine: Engine) => Promise<void>,
): Promise<void> {
  const fixture = await create();
  const engine = await fixture.open();
  try {
    await use(engine);
  } finally {
    await engine.close();
    await fixture.dispose();
  }
}

/** Lines about heights only. */
const findingsOf = ({ lines }: Outcome) => lines.filter((line) => line.startsWith("height "));

async function remove(engine: Engine, region: number, key: Bytes): Promise<void> {
  assert(await engine.get(region, key) !== null, "there is something to remove");
  await engine.write({ puts: [], deletes: [{ region, key }] });
}

async function put(engine: Engine, region: number, key: Bytes, value: Bytes): Promise<void> {
  await engine.write({ puts: [{ region, key, value }], deletes: [] });
}

const HEIGHT = 3;
const KEY = u64be(BigInt(HEIGHT));

/** Changes the header of the stored compact block. */
async function changeHeader(engine: Engine, changes: Partial<BlockHeader>): Promise<void> {
  const compact = decode(CompactBlock, await engine.get(Region.CompactBlock, KEY) ?? EMPTY_BYTES);
  assert(compact.header !== undefined);
  const header = { ...compact.header, ...changes };
  await put(engine, Region.CompactBlock, KEY, encode(CompactBlock, { ...compact, header }));
}

/** The first transaction of the damaged block. */
function transactionOf({ transactionHashes }: StoredChain, index = 0): Bytes {
  const hash = transactionHashes[HEIGHT]?.[index];
  assert(hash !== undefined);
  return hash;
}

interface Damage {
  readonly do: (engine: Engine, chain: StoredChain) => Promise<void>;
  /** The findings that it must give, no more and no fewer. */
  readonly findings: readonly RegExp[];
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  "a missing block": {
    async do(engine) {
      for (const region of [Region.CompactBlock, Region.BlockHash, Region.Proof]) {
        await remove(engine, region, KEY);
      }
    },
    findings: [/^height 3: the block is missing$/],
  },
  "a missing compact block": {
    do: (engine) => remove(engine, Region.CompactBlock, KEY),
    findings: [/^height 3: the compact block is missing$/],
  },
  "an undecodable compact block": {
    do: (engine) => put(engine, Region.CompactBlock, KEY, Uint8Array.of(0xff)),
    findings: [/^height 3: the compact block cannot be decoded$/],
  },
  "a compact block without a header": {
    do: (engine) => put(engine, Region.CompactBlock, KEY, EMPTY_BYTES),
    findings: [/^height 3: the compact block has no header$/],
  },
  "a changed timestamp": {
    do: (engine) => changeHeader(engine, { timestamp: 99n }),
    findings: [
      /^height 3: the block hash is wrong: it is 0x\w{64}, the header has 0x\w{64}$/,
      /^height 3: the height of block 0x\w{64} is missing$/,
      /^height 4: it does not follow block 3: its prevhash is 0x\w{64}, that block is 0x\w{64}$/,
    ],
  },
  "the block of another height": {
    do: async (engine) =>
      put(
        engine,
        Region.CompactBlock,
        KEY,
        await engine.get(Region.CompactBlock, u64be(2n)) ?? EMPTY_BYTES,
      ),
    findings: [
      /^height 3: its header is of height 2$/,
      /^height 3: the block hash is wrong/,
      /^height 3: the height of block 0x\w{64} is 2, not 3$/,
      /^height 3: the height of transaction 0x\w{64} is 2, not 3$/,
      /^height 3: the height of transaction 0x\w{64} is 2, not 3$/,
      /^height 3: it does not follow block 2/,
      /^height 4: it does not follow block 3/,
    ],
  },
  "a missing block hash": {
    do: (engine) => remove(engine, Region.BlockHash, KEY),
    findings: [/^height 3: the block hash is missing, the header has 0x\w{64}$/],
  },
  "a wrong block hash": {
    do: (engine) => put(engine, Region.BlockHash, KEY, hashOf(9)),
    findings: [/^height 3: the block hash is wrong: it is 0x0909/],
  },
  "a missing way back from the block hash": {
    do: (engine, { blockHashes }) =>
      remove(engine, Region.BlockHeight, blockHashes[HEIGHT] ?? EMPTY_BYTES),
    findings: [/^height 3: the height of block 0x\w{64} is missing$/],
  },
  "a wrong way back from the block hash": {
    do: (engine, { blockHashes }) =>
      put(engine, Region.BlockHeight, blockHashes[HEIGHT] ?? EMPTY_BYTES, u64be(7n)),
    findings: [/^height 3: the height of block 0x\w{64} is 7, not 3$/],
  },
  "a missing proof": {
    do: (engine) => remove(engine, Region.Proof, KEY),
    findings: [/^height 3: the proof is missing$/],
  },
  "a missing result": {
    do: (engine) => remove(engine, Region.Result, KEY),
    findings: [/^height 3: the hash of the executed block is missing$/],
  },
  "a missing transaction": {
    do: (engine, chain) => remove(engine, Region.Transactions, transactionOf(chain)),
    findings: [/^height 3: transaction 0x\w{64} is missing$/],
  },
  "an undecodable transaction": {
    do: (engine, chain) =>
      put(engine, Region.Transactions, transactionOf(chain), Uint8Array.of(0xff)),
    findings: [/^height 3: transaction 0x\w{64} cannot be decoded$/],
  },
  "an empty transaction": {
    do: (engine, chain) => put(engine, Region.Transactions, transactionOf(chain), EMPTY_BYTES),
    findings: [/^height 3: transaction 0x\w{64} has no content$/],
  },
  "another transaction in its place": {
    async do(engine, chain) {
      const other = await engine.get(Region.Transactions, transactionOf(chain, 1));
      await put(engine, Region.Transactions, transactionOf(chain), other ?? EMPTY_BYTES);
    },
    findings: [/^height 3: transaction 0x\w{64} has the hash 0x\w{64}$/],
  },
  "a transaction that claims another hash": {
    async do(engine, chain) {
      const bytes = await engine.get(Region.Transactions, transactionOf(chain)) ?? EMPTY_BYTES;
      const { tx } = decode(RawTransaction, bytes);
      assert(tx?.$case === "normalTx");
      const changed = { ...tx, value: { ...tx.value, transactionHash: hashOf(8) } };
      const key = transactionOf(chain);
      await put(engine, Region.Transactions, key, encode(RawTransaction, { tx: changed }));
    },
    findings: [/^height 3: transaction 0x\w{64} claims to be 0x0808/],
  },
  "a missing height of a transaction": {
    do: (engine, chain) => remove(engine, Region.TransactionHeight, transactionOf(chain)),
    findings: [/^height 3: the height of transaction 0x\w{64} is missing$/],
  },
  "a wrong index of a transaction": {
    do: (engine, chain) => put(engine, Region.TransactionIndex, transactionOf(chain, 1), u64be(0n)),
    findings: [/^height 3: the index of transaction 0x\w{64} is 0, not 1$/],
  },
  "an index of a wrong length": {
    do: (engine, chain) =>
      put(engine, Region.TransactionIndex, transactionOf(chain), Uint8Array.of(1)),
    findings: [/^height 3: the index of transaction 0x\w{64} has 1 bytes$/],
  },
  "no current height": {
    do: (engine) => remove(engine, Region.Global, u64be(0n)),
    findings: [/^height 6: the record of the current height is missing or damaged$/],
  },
  "a current height above the chain": {
    do: (engine) => put(engine, Region.Global, u64be(0n), u64be(2n ** 63n)),
    findings: [/^height 9223372036854775808: it is the current height, above the highest block 6$/],
  },
  "no current hash": {
    do: (engine) => remove(engine, Region.Global, u64be(1n)),
    findings: [/^height 6: the record of the current hash is missing$/],
  },
  "a wrong current hash": {
    do: (engine) => put(engine, Region.Global, u64be(1n), hashOf(5)),
    findings: [/^height 6: the current hash is 0x0505\w+, which is not the hash of that block$/],
  },
};

const FIXTURES: Readonly<Record<string, () => Promise<EngineFixture>>> = {
  MemoryEngine: () =>
    Promise.resolve({
      open: () => Promise.resolve(new MemoryEngine()),
      dispose: () => Promise.resolve(),
    }),
  LevelEngine: levelFixture,
  SqliteEngine: sqliteFixture,
};

const NO_DAMAGE: Damage = { do: () => Promise.resolve(), findings: [] };

for (const [engineName, create] of Object.entries(FIXTURES)) {
  Deno.test(`verify on ${engineName} finds nothing in a whole chain, and every damage`, (t) =>
    withEngine(create, async (engine) => {
      const hash = await loadSm3();
      for (const [name, damage] of Object.entries({ "no damage": NO_DAMAGE, ...DAMAGES })) {
        await t.step(name, async () => {
          // mends what the step before has damaged
          const chain = await storeChain(engine, { hash, highest: HIGHEST });
          await damage.do(engine, chain);
          const outcome = await verify(engine);
          const found = findingsOf(outcome);
          assert.equal(found.length, damage.findings.length, outcome.lines.join("\n"));
          for (const [i, finding] of damage.findings.entries()) {
            assert.match(found[i] ?? "", finding);
          }
          assert.equal(outcome.exitCode, found.length === 0 ? 0 : 1);
        });
      }
    }));

  Deno.test(`verify on ${engineName} finds nothing in a recorded chain, then what is lost`, () =>
    withEngine(create, async (engine) => {
      await storeRecordedChain(engine, { name: "chain_single", hash: await loadSm3() });
      const clean = await verify(engine);
      const counts = "heights 0 to 46, 47 blocks and 41 transactions, with SM3";
      assert.deepEqual(clean, {
        exitCode: 0,
        lines: [`verified "storage_test", ${counts}: no findings`],
      });
      await remove(engine, Region.Proof, u64be(40n));
      const damaged = await verify(engine);
      assert.equal(damaged.exitCode, 1);
      assert.deepEqual(findingsOf(damaged), ["height 40: the proof is missing"]);
    }));
}

async function memoryChain(
  highest = HIGHEST,
): Promise<{ engine: MemoryEngine; chain: StoredChain }> {
  const engine = new MemoryEngine();
  return { engine, chain: await storeChain(engine, { hash: await loadSm3(), highest }) };
}

Deno.test("verify finds the hash function of the chain, also behind a damaged block", async () => {
  const engine = new MemoryEngine();
  const chain = await storeChain(engine, { hash: await loadKeccak256(), highest: 2 });
  await put(engine, Region.BlockHash, u64be(0n), hashOf(1));
  const { lines } = await verify(engine);
  assert.match(lines.join("\n"), /with Keccak-256: 1 findings$/);
  assert.match(
    lines[0] ?? "",
    new RegExp(`the header has ${to0xHex(chain.blockHashes[0] ?? EMPTY_BYTES)}`),
  );
});

Deno.test("verify takes --crypto where no block tells, and refuses to guess", async () => {
  const build = async () => {
    const { engine } = await memoryChain(1);
    for (const height of [0n, 1n]) await put(engine, Region.BlockHash, u64be(height), hashOf(1));
    return engine;
  };
  await assert.rejects(verify(await build()), (error) => {
    assert(error instanceof ExitError && error.exitCode === 1);
    assert.match(error.message, /fit neither SM3 nor Keccak-256, give --crypto$/);
    return true;
  });
  const { lines } = await verify(await build(), { suite: "sm" });
  assert.match(lines.at(-1) ?? "", /with SM3/);
});

Deno.test("verify checks the heights that it is told, and the link into them", async () => {
  const { engine, chain } = await memoryChain();
  await remove(engine, Region.Proof, u64be(1n));
  await put(engine, Region.BlockHash, u64be(2n), hashOf(1));
  await remove(engine, Region.Transactions, chain.transactionHashes[5]?.[0] ?? EMPTY_BYTES);
  const outcome = await verify(engine, { from: 3n, to: 4n });
  assert.deepEqual(findingsOf(outcome).map((line) => line.slice(0, 35)), [
    "height 3: it does not follow block ",
  ]);
  assert.match(outcome.lines.at(-1) ?? "", /heights 3 to 4, 2 blocks and 4 transactions/);
});

Deno.test("verify refuses heights that are not there", async () => {
  for (const range of [{ from: 5n, to: 4n }, { from: 7n }, { to: 7n }]) {
    const { engine } = await memoryChain();
    await assert.rejects(verify(engine, range), /not above the highest block 6$/);
  }
});

Deno.test("verify takes what a node leaves behind that dies at any point of a commit", async () => {
  const { engine, chain } = await memoryChain();
  const [hash5 = EMPTY_BYTES, hash6 = EMPTY_BYTES] = chain.blockHashes.slice(5);
  await storeCurrent(engine, { height: 5, hash: hash6 });
  await engine.write({ puts: [], deletes: [{ region: Region.Result, key: u64be(6n) }] });
  assert.equal((await verify(engine)).exitCode, 0);
  await storeCurrent(engine, { height: 5, hash: hash5 });
  assert.equal((await verify(engine)).exitCode, 0);
});

Deno.test("verify says that nothing is stored yet", async () => {
  const { exitCode, lines } = await verify(new MemoryEngine());
  assert.equal(exitCode, 0);
  assert.deepEqual(lines, ['nothing to verify in "storage_test": it holds no blocks']);
});

/** Refuses to read the block hash of some heights. */
class DamagedEngine extends MemoryEngine {
  override get(region: number, key: Bytes): Promise<Bytes | null> {
    if (region === Region.BlockHash && key[7] === HEIGHT) {
      return Promise.reject(new EngineError("Cannot read: it is damaged"));
    }
    return super.get(region, key);
  }

  override async *scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
    for await (const [key, value] of super.scan(region)) {
      if (region === Region.BlockHash && key[7] === HEIGHT) {
        throw new EngineError("Cannot walk: it is damaged");
      }
      yield [key, value];
    }
  }
}

Deno.test("verify goes on behind records that cannot be read", async () => {
  const engine = new DamagedEngine();
  await storeChain(engine, { hash: await loadSm3(), highest: HIGHEST });
  await remove(engine, Region.Proof, u64be(5n));
  const outcome = await verify(engine);
  assert.deepEqual(findingsOf(outcome), [
    "height 0: Cannot walk: it is damaged",
    "height 3: Cannot read: it is damaged",
    "height 5: the proof is missing",
  ]);
  assert.match(outcome.lines.join("\n"), /^2 of kind "unreadable": check the disk/m);
});

Deno.test("verify ends in order when it is interrupted, and says how far it came", async () => {
  const interrupt = new AbortController();
  class InterruptedEngine extends MemoryEngine {
    override get(region: number, key: Bytes): Promise<Bytes | null> {
      if (region === Region.Proof && key[7] === 50) interrupt.abort();
      return super.get(region, key);
    }
  }
  const engine = new InterruptedEngine();
  await storeChain(engine, { hash: await loadSm3(), highest: 100 });
  const { exitCode, lines } = await verify(engine, { signal: interrupt.signal });
  assert.equal(exitCode, 130);
  assert.equal(lines.at(-1), "interrupted: the blocks above were not checked");
  const [, highest] = /heights 0 to (\d+), .* no findings$/.exec(lines.at(-2) ?? "") ?? [];
  assert(Number(highest) >= 30 && Number(highest) <= 50, `reads ahead, but not far: ${highest}`);
});

Deno.test("verify says why it cannot find the hash function", async () => {
  class UnreadableBlocks extends MemoryEngine {
    override scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
      if (region === Region.CompactBlock) throw new EngineError("Cannot walk: it is damaged");
      return super.scan(region);
    }
  }
  const engine = new UnreadableBlocks();
  await storeChain(engine, { hash: await loadSm3(), highest: 1 });
  await assert.rejects(verify(engine), /Cannot walk: it is damaged, give --crypto$/);
  assert.equal((await verify(engine, { suite: "sm" })).exitCode, 0);
});

Deno.test("verify shows a thousand findings and counts all, also as JSON", async () => {
  const build = async () => {
    const { engine } = await memoryChain(600);
    for (let height = 0; height <= 600; height++) {
      for (const region of [Region.Proof, Region.Result]) {
        await remove(engine, region, u64be(BigInt(height)));
      }
    }
    return engine;
  };
  const { lines, ...outcome } = await verify(await build());
  assert.equal(findingsOf({ lines, ...outcome }).length, 1_000);
  assert.equal(lines[1_000], "and 202 more");
  assert.match(lines.at(-1) ?? "", /1,202 findings$/);
  const json = JSON.parse((await verify(await build(), { json: true })).lines.join(""));
  assert.equal(json.findings.length, 1_000);
  assert.deepEqual(json.findings[1], {
    height: 0,
    kind: "result",
    text: "the hash of the executed block is missing",
  });
  const { findingCount, from, to, blocks, crypto, isInterrupted } = json;
  assert.deepEqual({ findingCount, from, to, blocks, crypto, isInterrupted }, {
    findingCount: 1_202,
    from: 0,
    to: 600,
    blocks: 601,
    crypto: "sm",
    isInterrupted: false,
  });
  assert.equal(json.kinds.proof.count, 601);
});
