import assert from "node:assert/strict";
import { Block } from "../../../../proto/gen/blockchain.ts";
import { Regions, StorageServiceService } from "../../../../proto/gen/storage.ts";
import { fromHex, readU64be, to0xHex } from "../../../../shared/bytes/mod.ts";
import { ExitError, INTERRUPTED_EXIT_CODE } from "../../../../shared/cli/mod.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { encode } from "../../../../shared/codec/mod.ts";
import { parseDocument, readTable } from "../../../../shared/config/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { openLevel } from "../../../../shared/level/mod.ts";
import { SILENT_LOGGER } from "../../../../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../../../../shared/rpc/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { waitFor } from "../../../../tests/e2e/wait.ts";
import { freePort } from "../../../../tests/free_ports.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { deploy } from "../../testing/code.ts";
import { type ServedExecutor, serveExecutor } from "../../testing/served_executor.ts";
import { withTempFolder } from "../../testing/temp_folder.ts";
import { SENDER, TestChain } from "../../testing/test_chain.ts";
import { chainHash, executorHash } from "../chain/header.ts";
import { EVM_TABLE } from "../config.ts";
import { EVM_COMMANDS } from "./commands.ts";
import { runDump } from "./dump.ts";
import { runVerify } from "./verify.ts";

const parts = await loadChainParts();
const [sm3, keccak] = parts.hashes as [HashFunction, HashFunction];

/** Made by the first transaction of the sender; counts slot 0 up. */
const CONTRACT = "3c952d36207c0d52743a646e7ac2649009bd358e";
const COUNTER = "60005460010160005500";
/** Sets slots 1 to 3 to their own numbers. */
const THREE_SLOTS = "600160015560026002556003600355";
const STORE_ABI = "ffffffffffffffffffffffffffffffffff010001";
const ABI = "[\u001b]";

interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

interface Given {
  readonly args?: readonly string[];
  readonly options?: Readonly<Record<string, unknown>>;
  /** The rest of `config.toml`. */
  readonly toml?: string;
}

/** Runs a command on a data folder, as the executable does. */
async function run(name: string, path: string, given: Given = {}): Promise<Outcome> {
  const { args = [], options = {}, toml = "" } = given;
  let [out, err] = ["", ""];
  const output = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
  };
  const document = parseDocument(`[executor_evm]\n${toml}`, "config.toml");
  const config = { ...readTable(EVM_TABLE, document), db_path: path };
  try {
    const context = { config, document, options, args, output, clock: SYSTEM_CLOCK };
    const exitCode = await EVM_COMMANDS[name]?.run(context) ?? -1;
    return { exitCode, out, err };
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    return { exitCode: error.exitCode, out, err: err + error.message };
  }
}

async function json(name: string, path: string, given: Given = {}): Promise<unknown[]> {
  const options = { ...given.options, json: true };
  const { exitCode, out, err } = await run(name, path, { ...given, options });
  assert.equal(err, "");
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  return [exitCode, ...lines];
}

/** Blocks 0 to 4 on disk and in memory: a counter that is created, called, and given an abi. */
async function makeChain(path: string, hash = sm3): Promise<{ test: TestChain; blocks: Block[] }> {
  const test = new TestChain(parts, hash);
  const abi = CONTRACT + to0xHex(new TextEncoder().encode(ABI)).slice(2);
  const contents = [
    [],
    [{ data: deploy(COUNTER) }, { data: THREE_SLOTS }],
    [{ to: CONTRACT }, { to: CONTRACT }, { data: "fe" }],
    [{ to: STORE_ABI, data: abi }],
    [{ to: CONTRACT }],
  ];
  const blocks: Block[] = [];
  await using served = await serveExecutor({ path });
  for (const content of contents) {
    const block = test.build(content);
    test.execute(block);
    assert.equal((await served.executor.exec(block)).status?.code, 0);
    blocks.push(block);
  }
  return { test, blocks };
}

/** Serves blocks as a storage does. */
async function withStorage(
  blocks: readonly Block[],
  use: (port: number) => Promise<void>,
): Promise<void> {
  const port = freePort();
  const refuse = () => Promise.resolve({ code: StatusCode.FatalError });
  const service = grpcService(StorageServiceService, {
    store: refuse,
    delete: refuse,
    load({ region, key }) {
      const block = region === Regions.FULL_BLOCK ? blocks[Number(readU64be(key))] : undefined;
      const code = block === undefined ? StatusCode.NotFound : StatusCode.Success;
      const value = block === undefined ? new Uint8Array() : encode(Block, block);
      return Promise.resolve({ status: { code }, value });
    },
  });
  const options = { host: "127.0.0.1", port, services: [service], log: SILENT_LOGGER };
  const server = await serveGrpc(options);
  try {
    await use(port);
  } finally {
    await server.close();
  }
}

Deno.test("state-root prints the roots and hashes of a block, of the last one by default", () =>
  withTempFolder(async (folder) => {
    const { test: { chain } } = await makeChain(`${folder}/data`);
    for (const [args, height] of [[["2"], 2n], [[], 4n], [["0"], 0n]] as const) {
      const header = chain.headerAt(height);
      assert(header !== null);
      const expected = {
        height: Number(height),
        stateRoot: to0xHex(header.stateRoot),
        receiptsRoot: to0xHex(header.receiptsRoot),
        transactionsRoot: to0xHex(header.transactionsRoot),
        blockHash: to0xHex(chainHash(header, sm3)),
        executorHash: to0xHex(executorHash(header, sm3)),
      };
      assert.deepEqual(await json("state-root", `${folder}/data`, { args }), [0, expected]);
      const { out } = await run("state-root", `${folder}/data`, { args });
      assert.match(out, new RegExp(`^height: +${height}\n`));
      assert.match(out, new RegExp(`^state root: +${expected.stateRoot}$`, "m"));
      assert.match(out, new RegExp(`^executor hash: +${expected.executorHash}$`, "m"));
      assert.equal(out.split("\n").length, 7);
    }
  }));

Deno.test("state-root does not guess the hashes of a genesis without a block above", () =>
  withTempFolder(async (folder) => {
    const test = new TestChain(parts, keccak);
    {
      await using served = await serveExecutor({ path: `${folder}/data` });
      await served.executor.exec(test.build());
    }
    const { out } = await run("state-root", `${folder}/data`);
    assert.match(out, /^receipts root: +none$/m);
    assert.match(out, /^block hash: +none$/m);
    assert.match(out, /^executor hash: +none$/m);
  }));

Deno.test("dump prints an account and its slots, also of an earlier block", () =>
  withTempFolder(async (folder) => {
    await makeChain(`${folder}/data`);
    const word = (value: number) => `0x${value.toString(16).padStart(64, "0")}`;
    const dump = (...args: string[]) => json("dump", `${folder}/data`, { args });
    const contract = {
      address: `0x${CONTRACT}`,
      height: 4,
      nonce: "0",
      balance: "0",
      codeSize: COUNTER.length / 2,
      codeHash: to0xHex(keccak(fromHex(COUNTER))),
      abi: to0xHex(new TextEncoder().encode(ABI)),
    };
    const [exitCode, account, ...slots] = await dump(`0x${CONTRACT}`);
    const { storageRoot, ...rest } = account as Record<string, unknown>;
    assert.match(String(storageRoot), /^0x[0-9a-f]{64}$/);
    assert.deepEqual([exitCode, rest], [0, contract]);
    assert.deepEqual(slots, [{ slot: word(0), value: word(3) }]);
    const [, before, ...slotsBefore] = await dump(CONTRACT.toUpperCase(), "2");
    assert.equal((before as Record<string, unknown>)["abi"], "0x");
    assert.deepEqual(slotsBefore, [{ slot: word(0), value: word(2) }]);
    assert.equal((await dump(CONTRACT, "1")).length, 2, "no slots yet");
    const nobody = "07".repeat(20);
    const missing = await run("dump", `${folder}/data`, { args: [nobody] });
    assert.deepEqual(missing, {
      exitCode: 1,
      out: "",
      err: `no account 0x${nobody} after block 4\n`,
    });
    const { out } = await run("dump", `${folder}/data`, { args: [SENDER] });
    assert.match(out, /^nonce: +7$/m);
    assert.match(out, /^abi: +none$/m);
    const people = await run("dump", `${folder}/data`, { args: [CONTRACT] });
    assert.match(people.out, /^abi: +\[ \]$/m, "no byte steers the terminal");
    assert.match(people.out, new RegExp(`\n${word(0)}  ${word(3)}\nslots printed: 1\n$`));
  }));

Deno.test("dump prints as many slots as it may, in their order", () =>
  withTempFolder(async (folder) => {
    await makeChain(`${folder}/data`);
    const args = [await secondContract(`${folder}/data`)];
    const slots = async (count: string) => {
      const lines = await json("dump", `${folder}/data`, { args, options: { slots: count } });
      return lines.slice(2).map((line) => Number((line as { slot: string }).slot));
    };
    assert.deepEqual(await slots("9"), [1, 2, 3]);
    assert.deepEqual(await slots("2"), [1, 2]);
    assert.deepEqual(await slots("0"), []);
  }));

/** Address of the contract that the second transaction made. */
async function secondContract(path: string): Promise<string> {
  await using served = await serveExecutor({ path });
  const test = new TestChain(parts, sm3);
  const [, second] = [test.build([{ data: "" }, { data: "" }])].flatMap(({ body }) =>
    body?.body ?? []
  );
  const hash = second?.tx?.value.transactionHash ?? new Uint8Array();
  const receipt = await served.queries.getTransactionReceipt({ hash });
  return to0xHex(receipt.contractAddress);
}

for (const [name, hash] of [["SM3", sm3], ["Keccak", keccak]] as const) {
  Deno.test(`verify finds the blocks of a ${name} chain as they were executed`, () =>
    withTempFolder(async (folder) => {
      const { blocks } = await makeChain(`${folder}/data`, hash);
      await withStorage(blocks, async (port) => {
        const toml = `[controller]\nstorage_port = ${port}\n`;
        const { exitCode, out, err } = await run("verify", `${folder}/data`, { args: ["0"], toml });
        assert.equal(err, "");
        assert.equal(out, "blocks 0 to 4 give the same roots: 5 blocks, 7 transactions\n");
        assert.equal(exitCode, 0);
        const options = { storage: `127.0.0.1:${port}` };
        assert.deepEqual(await json("verify", `${folder}/data`, { args: ["2", "3"], options }), [
          0,
          { from: 2, to: 3, blocks: 2, transactions: 4, height: null },
        ]);
      });
    }));
}

Deno.test("verify tells the first block that comes to something else, and the transaction", () =>
  withTempFolder(async (folder) => {
    const { test: { chain }, blocks } = await makeChain(`${folder}/data`);
    const [, , changed] = blocks;
    const body = changed?.body?.body ?? [];
    const [first, second] = body;
    assert(changed !== undefined && second?.tx?.$case === "normalTx" && first !== undefined);
    const transaction = { ...second.tx.value.transaction!, data: fromHex("00"), to: fromHex("") };
    const other = {
      tx: { $case: "normalTx" as const, value: { ...second.tx.value, transaction } },
    };
    const forged = { ...changed, body: { body: [first, other, ...body.slice(2)] } };
    await withStorage(blocks.with(2, forged), async (port) => {
      const options = { storage: `:${port}`.slice(1) };
      const header = chain.headerAt(2n);
      const { exitCode, out } = await run("verify", `${folder}/data`, { args: ["0"], options });
      const lines = out.split("\n");
      assert.equal(lines[0], "block 2 differs:");
      assert.match(
        lines[1] ?? "",
        new RegExp(`^  state root: expected 0x[0-9a-f]{64}, got ${to0xHex(header!.stateRoot)}$`),
      );
      assert.match(lines[2] ?? "", /^ {2}receipts root: expected 0x[0-9a-f]{64}, got 0x/);
      const hash = to0xHex(second.tx!.value.transactionHash);
      assert.equal(lines[3], `  first receipt that differs: transaction 1, ${hash}`);
      assert.equal(exitCode, 1);
      const [code, found] = await json("verify", `${folder}/data`, { args: ["0"], options });
      const { height, transaction } = found as Record<string, unknown>;
      assert.deepEqual([code, height, transaction], [1, 2, { index: 1, hash }]);
    });
  }));

Deno.test("verify tells a header that is not that of the block", () =>
  withTempFolder(async (folder) => {
    const { blocks } = await makeChain(`${folder}/data`);
    const changed = blocks[3]!;
    const header = { ...changed.header!, timestamp: changed.header!.timestamp + 1n };
    await withStorage(blocks.with(3, { ...changed, header }), async (port) => {
      const options = { storage: `127.0.0.1:${port}` };
      const { exitCode, out } = await run("verify", `${folder}/data`, { args: ["3"], options });
      const [, line, last] = out.split("\n");
      assert.match(line ?? "", /^ {2}timestamp: expected 1600000009001, got 1600000009000$/);
      assert.equal(last, "  every receipt is the same");
      assert.equal(exitCode, 1);
    });
  }));

Deno.test("verify tells what keeps it from reading a block", () =>
  withTempFolder(async (folder) => {
    const { blocks } = await makeChain(`${folder}/data`);
    await withStorage(blocks.slice(0, 2), async (port) => {
      const options = { storage: `127.0.0.1:${port}` };
      const { exitCode, err } = await run("verify", `${folder}/data`, { args: ["0"], options });
      assert.equal(
        err,
        `Cannot read block 2 from the storage at 127.0.0.1:${port}: it answers NotFound`,
      );
      assert.equal(exitCode, 1);
    });
    const options = { storage: `127.0.0.1:${freePort()}` };
    const away = await run("verify", `${folder}/data`, { args: ["0"], options });
    assert.match(away.err, /^Cannot read block 0 from the storage at 127\.0\.0\.1:\d+: \S/);
    assert.equal(away.exitCode, 1);
  }));

Deno.test("dump and verify tell that a state was removed", () =>
  withTempFolder(async (folder) => {
    const path = `${folder}/data`;
    const keys = { sync_mode: "full", states_kept: 16 } as const;
    const test = new TestChain(parts, sm3);
    const blocks: Block[] = [];
    {
      await using served = await serveExecutor({ path, keys });
      for (let height = 0; height <= 20; height++) {
        const block = test.build(height === 0 ? [] : [{ to: CONTRACT }]);
        test.execute(block);
        await served.executor.exec(block);
        blocks.push(block);
      }
      await waitUntilRemoved(served, 4n);
    }
    const removed = /^Cannot read the state of height 3: it was removed, the oldest one left is 4$/;
    const dumped = await run("dump", path, { args: [SENDER, "3"] });
    assert.match(dumped.err, removed);
    assert.equal(dumped.exitCode, 1);
    assert.equal((await run("dump", path, { args: [SENDER, "4"] })).exitCode, 0);
    await withStorage(blocks, async (port) => {
      const options = { storage: `127.0.0.1:${port}` };
      const verify = (from: string) => run("verify", path, { args: [from], options });
      const refused = await verify("4");
      assert.match(refused.err, removed);
      assert.equal(refused.exitCode, 1);
      const { out, exitCode } = await verify("5");
      assert.equal(out, "blocks 5 to 20 give the same roots: 16 blocks, 16 transactions\n");
      assert.equal(exitCode, 0);
    });
  }));

/** Old states are removed in the background: waits until only those from that height on are left. */
async function waitUntilRemoved({ queries }: ServedExecutor, oldest: bigint): Promise<void> {
  const at = (height: bigint) => ({
    address: fromHex(SENDER),
    blockNumber: { label: { $case: "height" as const, value: height } },
  });
  const isThere = (height: bigint) =>
    queries.getTransactionCount(at(height)).then(() => true, () => false);
  await waitFor(async () => await isThere(oldest - 1n) ? null : true, {
    what: "the removal of old states",
    timeoutMs: 10_000,
  });
  assert(await isThere(oldest));
}

Deno.test("dump and verify end at an interrupt", async () => {
  const test = new TestChain(parts, sm3);
  const blocks: Block[] = [];
  for (const txs of [[], [{ data: THREE_SLOTS }], []]) {
    const block = test.build(txs);
    test.execute(block);
    blocks.push(block);
  }
  let out = "";
  const output = { out: (text: string) => void (out += text), err: () => {} };
  const common = { output, clock: SYSTEM_CLOCK, isJson: true, signal: AbortSignal.abort() };
  const stored = {
    at: (height: bigint) => Promise.resolve(blocks[Number(height)]!),
    [Symbol.dispose]: () => {},
  };
  const verify = { ...common, blocks: stored, from: 0n, to: null };
  assert.equal(await runVerify(test.chain, verify), INTERRUPTED_EXIT_CODE);
  assert.equal(out, "", "no result is claimed");
  const dump = { ...common, address: fromHex(CONTRACT), height: null, slotsMax: Infinity };
  assert.equal(await runDump(test.chain, dump), INTERRUPTED_EXIT_CODE);
  assert.equal(out.trimEnd().split("\n").length, 2, "the account and what was read of it");
});

Deno.test("the commands refuse what they cannot use, and say why", () =>
  withTempFolder(async (folder) => {
    const path = `${folder}/data`;
    await makeChain(path);
    const cases: [string, Given, number, RegExp][] = [
      ["state-root", { args: ["x"] }, 2, /^Cannot use the height "x": it must be in 0\.\./],
      ["state-root", { args: ["-1"] }, 2, /^Cannot use the height "-1"/],
      ["state-root", { args: ["9".repeat(20)] }, 2, /^Cannot use the height "9+"/],
      ["state-root", { args: ["5"] }, 1, /^Cannot use height 5: .*executed, the last one is 4$/],
      ["dump", { args: ["0x01"] }, 2, /^Cannot use the address "0x01": .*20 bytes in hex$/],
      ["dump", { args: ["zz".repeat(20)] }, 2, /^Cannot use the address/],
      ["dump", { args: [SENDER, "7"] }, 1, /^Cannot use height 7/],
      ["dump", { args: [SENDER], options: { slots: "few" } }, 2, /^Cannot use --slots "few"/],
      ["verify", { args: ["3", "2"] }, 2, /^Cannot verify 3 to 2: the first is above$/],
      ["verify", { args: ["0", "9"] }, 1, /^Cannot use height 9/],
      ["verify", { args: ["0"], options: { storage: "here" } }, 2, /^Cannot use --storage "here"/],
      ["verify", { args: ["0"], options: { storage: "a:70000" } }, 2, /^Cannot use --storage/],
    ];
    for (const [name, given, exitCode, text] of cases) {
      const outcome = await run(name, path, given);
      assert.match(outcome.err, text);
      assert.deepEqual([outcome.exitCode, outcome.out], [exitCode, ""]);
    }
  }));

Deno.test("the commands use no folder that is missing, empty, foreign or in use", () =>
  withTempFolder(async (folder) => {
    const path = `${folder}/data`;
    const refusal = async (at: string) => {
      const { exitCode, err } = await run("state-root", at);
      assert.equal(exitCode, 1);
      return err;
    };
    const wanted = "it must be the data folder of an executor";
    assert.equal(await refusal(`${folder}/none`), `Cannot open "${folder}/none": ${wanted}`);
    await assert.rejects(Deno.stat(`${folder}/none`));
    await Deno.mkdir(`${folder}/empty`);
    assert.equal(await refusal(`${folder}/empty`), `Cannot open "${folder}/empty": ${wanted}`);
    await (await openLevel(`${folder}/fresh`)).close();
    assert.match(await refusal(`${folder}/fresh`), /must hold an executed block, got none$/);
    await makeChain(path);
    await using _served = await serveExecutor({ path });
    assert.match(await refusal(path), /stop the executor first, another process has it open$/);
  }));
