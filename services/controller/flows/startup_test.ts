import assert from "node:assert/strict";
import { Regions } from "../../../proto/gen/storage.ts";
import { fromHex, toHex, u32be, u64be } from "../../../shared/bytes/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Ports } from "../ports.ts";
import { LockId } from "../system_config/mod.ts";
import { normalTx, settings, transaction, utxoTx } from "../testing/builders.ts";
import { produceBlock, testNode } from "../testing/test_node.ts";
import { ChainDataError } from "./chain_data.ts";

const HASH = await loadSm3();

/** Ports that write down which calls change something or leave the node. */
function recording(calls: string[]) {
  return (ports: Ports): Ports => ({
    ...ports,
    storage: {
      load: (region, key) => ports.storage.load(region, key),
      store(record) {
        calls.push(`store ${record.region} ${toHex(record.key)} ${toHex(record.value)}`);
        return ports.storage.store(record);
      },
    },
    executor: {
      exec(block) {
        calls.push("exec");
        return ports.executor.exec(block);
      },
    },
    network: {
      ...ports.network,
      register() {
        calls.push("register");
        return ports.network.register();
      },
    },
    kms: Object.assign(Object.create(ports.kms), {
      cryptoInfo() {
        calls.push("cryptoInfo");
        return ports.kms.cryptoInfo();
      },
    }),
  });
}

Deno.test("startNode() makes the calls of a first boot in their order", async () => {
  const node = await testNode();
  const calls: string[] = [];
  const controller = await node.start(recording(calls));
  const { systemConfig } = settings(1);
  const genesisHash = toHex(controller.node.chain.tip.hash);
  const lock = (id: number, value: string) =>
    `store 0 ${id.toString(16).padStart(16, "0")} ${value}`;
  assert.deepEqual(calls.slice(0, 10), [
    "register",
    "cryptoInfo",
    lock(1000, "00000000"),
    lock(1001, toHex(systemConfig.chainId)),
    lock(1002, toHex(systemConfig.admin)),
    lock(1003, "00000003"),
    lock(1004, systemConfig.validators.map(toHex).join("")),
    lock(1005, ""),
    lock(1006, "0000000000000064"),
    "exec",
  ]);
  assert.deepEqual(calls.slice(10).map((call) => call.slice(0, 25)), [
    "store 11 0000000000000000",
    "store 6 0000000000000000 ",
    "store 0 0000000000000001 ",
    "store 0 0000000000000000 ",
  ]);
  assert(calls[12]?.endsWith(genesisHash));
  assert(calls[13]?.endsWith(" 0000000000000000"));
  assert.equal(node.height, 0n);
});

Deno.test("startNode() waits for every neighbour that is away", async () => {
  const node = await testNode();
  const neighbours = [node.network, node.kms, node.storage, node.executor];
  for (const neighbour of neighbours) neighbour.isAway = true;
  let isStarted = false;
  const starting = node.start().then(() => isStarted = true);
  for (const neighbour of neighbours) {
    await node.clock.advance(10_000);
    assert(!isStarted);
    neighbour.isAway = false;
  }
  assert(await node.clock.advanceUntil(() => isStarted, 10_000));
  await starting;
  assert.equal(node.height, 0n);
});

Deno.test("startNode() resumes height, configuration, pre-hashes and history", async () => {
  const node = await testNode();
  await node.start();
  const change = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) });
  const raw = normalTx(HASH, transaction("1"));
  await node.controller.send(change);
  await node.controller.send(raw);
  await node.produce(3);
  const { tip } = node.controller.node.chain;
  node.stop();
  await node.start();
  assert.deepEqual(node.controller.node.chain.tip, tip);
  const config = node.controller.queries.systemConfig();
  assert.equal(config.blockInterval, 6);
  assert.deepEqual(config.blockIntervalPreHash, change.tx?.value.transactionHash);
  assert.equal(config.adminPreHash.length, 33);
  assert.equal(node.controller.node.pool.count, 0);
  assert.equal((await node.controller.send(raw)).code, StatusCode.HistoryDupTx);
  await node.produce(1);
  assert.equal(node.height, 4n);
});

Deno.test("startNode() takes nothing from the configuration file for an old chain", async () => {
  const node = await testNode();
  await node.start();
  await node.produce(1);
  node.stop();
  const { systemConfig } = node.settings;
  node.settings = {
    ...node.settings,
    genesis: { timestamp: 1n, prevhash: new Uint8Array(32) },
    systemConfig: { ...systemConfig, blockIntervalSeconds: 60, version: 7 },
  };
  await node.start();
  assert.equal(node.height, 1n);
  assert.equal(node.controller.queries.systemConfig().blockInterval, 3);
  assert.equal(node.controller.queries.systemConfig().version, 0);
});

Deno.test("startNode() replays all blocks to an executor that was wiped", async () => {
  const node = await testNode();
  await node.start();
  await node.produce(5);
  const before = [...node.executor.executions];
  const stores = node.storage.log.length;
  node.stop();
  node.executor.executions = [];
  await node.start();
  assert.deepEqual(node.executor.executions, before);
  assert.equal(node.storage.log.length, stores, "nothing is stored again");
});

Deno.test("startNode() replays the blocks that an executor has lost", async () => {
  for (const kept of [1, 2, 5, 8, 9, 10, 11]) {
    const node = await testNode();
    await node.start();
    await node.produce(10);
    const before = [...node.executor.executions];
    node.stop();
    node.executor.executions = before.slice(0, kept);
    await node.start();
    assert.deepEqual(node.executor.executions, before, `${kept} blocks were left`);
  }
});

Deno.test("startNode() refuses an executor with other results", async () => {
  const node = await testNode();
  await node.start();
  await node.produce(2);
  node.stop();
  const last = node.executor.executions.pop();
  assert(last !== undefined);
  node.executor.executions.push({ ...last, stateRoot: new Uint8Array(32) });
  await assert.rejects(node.start(), ChainDataError);
  node.executor.executions = [];
  node.executor.exec(fromHex("120a0a021234108094ebdc03"));
  await assert.rejects(node.start(), ChainDataError);
});

Deno.test("startNode() believes the height when only the newer hash was stored", async () => {
  const node = await testNode();
  await node.start();
  await node.produce(2);
  const { tip } = node.controller.node.chain;
  node.stop();
  const key = u64be(1n);
  node.storage.store({ region: Regions.GLOBAL, key, value: new Uint8Array(32).fill(7) });
  await node.start();
  assert.deepEqual(node.controller.node.chain.tip.hash, tip.hash);
});

Deno.test("startNode() does not apply a change whose block was not committed", async () => {
  const node = await testNode();
  await node.start();
  const first = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) });
  await node.controller.send(first);
  await node.produce(1);
  const preTxHash = first.tx?.value.transactionHash ?? new Uint8Array();
  const second = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(9), preTxHash });
  const brake = utxoTx(HASH, { lockId: LockId.EmergencyBrake, output: u32be(1) });
  await node.controller.send(second);
  await node.controller.send(brake);
  await produceBlock([node]);
  assert.equal(node.controller.queries.systemConfig().blockInterval, 9);
  node.stop();
  // the crash came before the height was stored, and the log was lost
  node.storage.store({ region: Regions.GLOBAL, key: u64be(0n), value: u64be(1n) });
  await node.start();
  const config = node.controller.queries.systemConfig();
  assert.equal(config.blockInterval, 6);
  assert.equal(config.emergencyBrake, false);
  assert.equal(config.emergencyBrakePreHash.length, 33);
});

Deno.test("startNode() names a change that is not in storage", async () => {
  const node = await testNode();
  await node.start();
  node.stop();
  const value = new Uint8Array(32).fill(7);
  node.storage.store({ region: Regions.GLOBAL, key: u64be(LockId.Admin), value });
  await assert.rejects(node.start(), /transaction 0x0707.* is missing or no utxo/);
});

Deno.test("startNode() ends when it is asked to stop while it waits", async () => {
  const node = await testNode();
  node.storage.isAway = true;
  const starting = node.start();
  await node.clock.advance(1_000);
  node.stop();
  await assert.rejects(starting, /asked to stop/);
});
