import assert from "node:assert/strict";
import { Block } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { type Bytes, toHex, u32be, u64be } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { LockId, NO_PRE_HASH } from "../system_config/mod.ts";
import { normalTx, transaction, utxoTx } from "../testing/builders.ts";
import { produceBlock, proofOf, type TestNode, testNode, testPair } from "../testing/test_node.ts";
import { ChainDataError } from "./chain_data.ts";

const HASH = await loadSm3();

/** A stopped node with blocks, the last of which has a transaction. */
async function stoppedNode(blocks = 3): Promise<TestNode> {
  const node = await testNode();
  await node.start();
  await node.produce(blocks - 1);
  await node.controller.send(normalTx(HASH, transaction("1")));
  await node.produce(1);
  node.stop();
  return node;
}

function keyOf(region: number, key: Bytes): string {
  return `${region}/${toHex(key)}`;
}

/** What cloud-op changes of the storage: height and hash, nothing above. */
function rollBack(node: TestNode, height: bigint): void {
  const hash = node.storage.read(Regions.BLOCK_HASH, u64be(height)).value;
  node.storage.store({ region: Regions.GLOBAL, key: u64be(1n), value: hash });
  node.storage.store({ region: Regions.GLOBAL, key: u64be(0n), value: u64be(height) });
}

async function refusal(node: TestNode): Promise<string> {
  try {
    await node.start();
  } catch (error) {
    assert(error instanceof ChainDataError, `${error}`);
    assert.match(error.message, /What to do: .*docs\/operations\.md/);
    return error.message;
  } finally {
    node.stop();
  }
  return "it starts";
}

/** A way to damage the storage of a node at height 3, and what the refusal of the start says. */
interface Damage {
  readonly name: string;
  readonly damage: (node: TestNode) => void;
  readonly refusal: RegExp;
}

const lost = (region: number, height: bigint) => (node: TestNode) =>
  void node.storage.records.delete(keyOf(region, u64be(height)));

const changed = (region: number, height: bigint, value: Bytes) => (node: TestNode) =>
  void node.storage.records.set(keyOf(region, u64be(height)), value);

const DAMAGES: readonly Damage[] = [
  {
    name: "a height without block records",
    damage: changed(Regions.GLOBAL, 0n, u64be(7n)),
    refusal: /BLOCK_HASH \(region 4\) of block 7 is missing although the block is committed/,
  },
  {
    name: "a height that is cut short",
    damage: changed(Regions.GLOBAL, 0n, new Uint8Array(3)),
    refusal: /the stored height: it is cut short/,
  },
  {
    name: "no height",
    damage: lost(Regions.GLOBAL, 0n),
    refusal: /its height is missing although block 1 is stored/,
  },
  {
    name: "no hash of the tip",
    damage: lost(Regions.BLOCK_HASH, 3n),
    refusal: /BLOCK_HASH \(region 4\) of block 3 is missing/,
  },
  {
    name: "no compact block of the tip",
    damage: lost(Regions.COMPAT_BLOCK, 3n),
    refusal: /COMPAT_BLOCK \(region 10\) of block 3 is missing/,
  },
  {
    name: "no proof of the tip",
    damage: lost(Regions.PROOF, 3n),
    refusal: /PROOF \(region 5\) of block 3 is missing/,
  },
  {
    name: "garbage for the compact block of the tip",
    damage: changed(Regions.COMPAT_BLOCK, 3n, new Uint8Array()),
    refusal: /the header of block 3 cannot be decoded/,
  },
  {
    name: "another block's compact block",
    damage: (node) => {
      const { value } = node.storage.read(Regions.COMPAT_BLOCK, u64be(2n));
      changed(Regions.COMPAT_BLOCK, 3n, value)(node);
    },
    refusal: /block 2 is stored as block 3/,
  },
  {
    name: "a hash that is not the header's",
    damage: changed(Regions.BLOCK_HASH, 3n, new Uint8Array(32).fill(7)),
    refusal: /block 3 is stored with the hash 0x0707.*, its header has 0x/,
  },
  {
    name: "a parent with another hash",
    damage: changed(Regions.BLOCK_HASH, 2n, new Uint8Array(32).fill(7)),
    refusal: /block 3 follows 0x.*, block 2 is stored with the hash 0x0707/,
  },
  {
    name: "a lost block of the history window",
    damage: lost(Regions.COMPAT_BLOCK, 1n),
    refusal: /COMPAT_BLOCK \(region 10\) of block 1 is missing/,
  },
  {
    name: "a lost genesis",
    damage: lost(Regions.COMPAT_BLOCK, 0n),
    refusal: /FULL_BLOCK \(region 11\) of block 0 is missing/,
  },
  {
    name: "a malformed item of the configuration",
    damage: changed(Regions.GLOBAL, LockId.Validators, new Uint8Array(21)),
    refusal: /the stored item 1004 is malformed/,
  },
];

for (const { name, damage, refusal: wanted } of DAMAGES) {
  Deno.test(`startNode() refuses ${name}, each time with the same explanation`, async () => {
    const node = await stoppedNode();
    damage(node);
    const records = new Map(node.storage.records);
    const text = await refusal(node);
    assert.match(text, wanted);
    assert.equal(await refusal(node), text);
    assert.deepEqual(node.storage.records, records, "nothing is made worse");
  });
}

Deno.test("startNode() refuses a tip whose transaction is lost", async () => {
  const node = await stoppedNode();
  const { tx } = normalTx(HASH, transaction("1"));
  node.storage.records.delete(
    keyOf(Regions.TRANSACTIONS, tx?.value.transactionHash ?? new Uint8Array()),
  );
  // as the storage service answers, see services/storage/full_block.ts
  const read = node.storage.read.bind(node.storage);
  node.storage.read = (region, key) =>
    region === Regions.FULL_BLOCK && key[7] === 3
      ? { code: StatusCode.NotFound, value: new Uint8Array() }
      : read(region, key);
  assert.match(await refusal(node), /FULL_BLOCK \(region 11\) of block 3 is missing/);
});

Deno.test("startNode() refuses records that the storage cannot decode instead of waiting", async () => {
  const node = await stoppedNode();
  const read = node.storage.read.bind(node.storage);
  node.storage.read = (region, key) =>
    region === Regions.FULL_BLOCK && key[7] === 3
      ? { code: StatusCode.DecodeError, value: new Uint8Array() }
      : read(region, key);
  assert.match(await refusal(node), /the storage answers DecodeError for region 11, key 0x0+3/);
});

Deno.test("startNode() puts right what can be: the current hash and the root of the tip", async () => {
  const node = await stoppedNode();
  const hash = node.storage.read(Regions.BLOCK_HASH, u64be(3n)).value;
  const root = node.storage.read(Regions.RESULT, u64be(3n)).value;
  for (const value of [node.storage.read(Regions.BLOCK_HASH, u64be(2n)).value, null]) {
    const key = keyOf(Regions.GLOBAL, u64be(1n));
    if (value === null) node.storage.records.delete(key);
    else node.storage.records.set(key, value);
    node.storage.records.delete(keyOf(Regions.RESULT, u64be(3n)));
    await node.start();
    assert.deepEqual(node.storage.records.get(key), hash);
    assert.deepEqual(node.storage.read(Regions.RESULT, u64be(3n)).value, root);
    await node.produce(1);
    node.stop();
    rollBack(node, 3n);
    node.executor.executions.length = 4;
  }
});

Deno.test("startNode() refuses a lost block that a wiped executor would need", async () => {
  const node = await testNode(1, {});
  await node.start();
  await node.produce(3);
  node.stop();
  node.executor.executions = [];
  const load = node.storage.read.bind(node.storage);
  node.storage.read = (region, key) =>
    region === Regions.FULL_BLOCK && key[7] === 1
      ? { code: StatusCode.NotFound, value: new Uint8Array() }
      : load(region, key);
  assert.match(await refusal(node), /FULL_BLOCK \(region 11\) of block 1 or a transaction of it/);
});

Deno.test("startNode() refuses an executor with another block below the stored height", async () => {
  const node = await stoppedNode();
  const other = await testNode(2);
  await other.start();
  await other.produce(3);
  node.executor.executions = other.executor.executions;
  assert.match(await refusal(node), /Cannot replay block 1: the executor refuses it.*executor/);
});

Deno.test("A node whose storage is empty is filled again although its executor is not", async () => {
  const { a, b, clock } = await testPair();
  await a.run();
  await b.run();
  for (let i = 0; i < 5; i++) await produceBlock([a, b]);
  await clock.settle();
  b.stop();
  b.storage.records.clear();
  const before = [...b.executor.executions];
  await b.run();
  assert(await clock.advanceUntil(() => b.height === 5n, 120_000));
  assert.deepEqual(b.executor.executions, before, "nothing is executed twice");
});

for (const isExecutorBack of [false, true]) {
  const how = isExecutorBack ? "with its executor" : "without its executor";
  Deno.test(`A node rolled back ${how} starts at the lower height and rejoins`, async () => {
    const { a, b, clock } = await testPair();
    await a.run();
    await b.run();
    const change = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) });
    for (let height = 1n; height <= 6n; height++) {
      if (height === 5n) {
        await a.controller.send(change);
        await b.controller.send(change);
      }
      await produceBlock([a, b]);
    }
    await clock.settle();
    const { tip } = b.controller.node.chain;
    b.stop();
    b.wal.records.length = 0;
    rollBack(b, 3n);
    if (isExecutorBack) b.executor.executions.length = 4;
    await b.start();
    assert.equal(b.height, 3n);
    assert.equal(b.controller.queries.systemConfig().blockInterval, 3);
    assert.deepEqual(b.controller.queries.systemConfig().blockIntervalPreHash, NO_PRE_HASH);
    await assert.rejects(b.controller.queries.blockByNumber(4n), { code: StatusCode.NoBlock });
    await assert.rejects(b.controller.queries.heightByHash(tip.hash), {
      code: StatusCode.NoBlockHeight,
    });
    const txHash = change.tx?.value.transactionHash ?? new Uint8Array();
    await assert.rejects(b.controller.queries.transactionPlace(txHash), {
      code: StatusCode.NoTxHeight,
    });
    assert.equal(await b.controller.queries.stateRoot(5n), null);
    b.stop();
    await b.run();
    assert.equal(b.consensus.configurations.at(-1)?.height, 3n, "consensus is told");
    assert(await clock.advanceUntil(() => b.height === 6n, 120_000));
    assert.deepEqual(b.controller.node.chain.tip.hash, tip.hash);
    assert.equal(b.controller.queries.systemConfig().blockInterval, 6);
    await produceBlock([a, b]);
  });
}

Deno.test("A chain whose nodes are all rolled back forgets the change that was above", async () => {
  const node = await testNode();
  await node.start();
  const first = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) });
  await node.controller.send(first);
  await node.produce(2);
  const preTxHash = first.tx?.value.transactionHash ?? new Uint8Array();
  const second = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(9), preTxHash });
  const brake = utxoTx(HASH, { lockId: LockId.EmergencyBrake, output: u32be(1) });
  await node.controller.send(second);
  await node.controller.send(brake);
  await node.produce(1);
  node.stop();
  rollBack(node, 2n);
  node.executor.executions.length = 3;
  await node.start();
  // blocks without the changes take the heights that they had
  await node.produce(3);
  node.stop();
  await node.start();
  const config = node.controller.queries.systemConfig();
  assert.equal(node.height, 5n);
  assert.equal(config.blockInterval, 6, "the change of before the rollback is not revived");
  assert.equal(config.emergencyBrake, false);
});

Deno.test("An executor that is ahead of a chain that goes on otherwise is explained", async () => {
  const node = await stoppedNode();
  const lines: string[] = [];
  node.log = { ...node.log, error: (line) => void lines.push(line) };
  rollBack(node, 2n);
  await node.start();
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  const { code } = await node.controller.commitBlock(proposal, proofOf(HASH, proposal));
  assert.equal(code, StatusCode.ReenterInvalidBlock);
  assert.match(lines[0] ?? "", /block 3: the executor has executed another block of that height/);
  // what the line advises
  node.stop();
  node.executor.executions = [];
  await node.start();
  assert.equal(node.height, 3n, "the decided block was in the write-ahead log");
  await node.produce(1);
});

Deno.test("redo() refuses a logged block when the executor has another one", async () => {
  const node = await stoppedNode();
  rollBack(node, 2n);
  await node.start();
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  await node.controller.commitBlock(proposal, proofOf(HASH, proposal));
  node.stop();
  assert.match(await refusal(node), /Cannot finish block 3 of the write-ahead log/);
  assert.equal(node.wal.records.length, 1, "the decided block is kept");
});

Deno.test("redo() leaves out blocks that do not follow the stored one", async () => {
  const node = await stoppedNode();
  const block = (height: bigint) => node.storage.read(Regions.FULL_BLOCK, u64be(height)).value;
  const { header } = decode(Block, block(3n));
  assert(header !== undefined);
  const records = [block(3n), block(1n), new Uint8Array([0xff])];
  rollBack(node, 1n);
  node.wal.records.push(...records);
  const lines: string[] = [];
  node.log = { ...node.log, warn: (line) => void lines.push(line) };
  await node.start();
  assert.equal(node.height, 1n);
  assert.equal(node.wal.records.length, 0);
  assert(lines.some((line) => /a record is no block/.test(line)));
  assert(
    lines.some((line) => /block 3 does not follow the stored block 1 .*rolled back/.test(line)),
  );
});

Deno.test("A change that the reference noted before its block is found in the log", async () => {
  const node = await testNode();
  await node.start();
  const change = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) });
  await node.controller.send(change);
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  // the crash came after the log and the note, before the execution (section 11, steps 2 and 3)
  node.executor.isAway = true;
  await node.controller.commitBlock(proposal, proofOf(HASH, proposal));
  node.executor.isAway = false;
  node.stop();
  const value = change.tx?.value.transactionHash ?? new Uint8Array();
  node.storage.store({ region: Regions.GLOBAL, key: u64be(LockId.BlockInterval), value });
  await node.start();
  assert.equal(node.height, 1n);
  assert.equal(node.controller.queries.systemConfig().blockInterval, 6);
  node.stop();
  await node.start();
  assert.deepEqual(node.controller.queries.systemConfig().blockIntervalPreHash, value);
});
