import assert from "node:assert/strict";
import { Block } from "../../../proto/gen/blockchain.ts";
import { Receipt } from "../../../proto/gen/evm.ts";
import { Content } from "../../../proto/gen/storage.ts";
import { fromHex, to0xHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { freePort } from "../../free_ports.ts";
import { type Outcome, run } from "../executables.ts";
import { Player, withFolder } from "./player.ts";
import { readJson, readLines, vectorPath } from "./recordings.ts";

const EXEC = "/executor.ExecutorService/Exec";
const STORE = "/storage.StorageService/Store";
const FULL_BLOCK = 11;
/** The answer of a storage that has stored something. */
const STORED = "";
const [EXECUTOR_PORT, STORAGE_PORT, KMS_PORT] = [freePort(), freePort(), freePort()];
const CONFIG = `[executor_evm]\nexecutor_port = ${EXECUTOR_PORT}\n` +
  `[storage_rocksdb]\nstorage_port = ${STORAGE_PORT}\nkms_port = ${KMS_PORT}\n` +
  `[kms_sm]\nkms_port = ${KMS_PORT}\n[controller]\nstorage_port = ${STORAGE_PORT}\n`;

interface StorageCall {
  readonly rpc: string;
  readonly request_hex: string;
}

interface RecordedChain {
  readonly exec: readonly { readonly request_hex: string; readonly response_hex: string }[];
  readonly receipts: readonly { readonly receipt_hex?: string }[];
}

/** The services of a node whose executor executed the recorded chain, and was stopped. */
async function withNode(
  use: (node: { folder: string; storage: Player; chain: RecordedChain }) => Promise<void>,
): Promise<void> {
  const chain = await readJson<RecordedChain>("executor/chain_single.json.gz");
  const stores = (await readLines<StorageCall>("storage/chain_single_calls.jsonl.gz")).filter(
    ({ rpc, request_hex }) =>
      rpc === "Store" && decode(Content, fromHex(request_hex)).region === FULL_BLOCK,
  );
  assert.equal(stores.length, 47);
  await withFolder(async (folder) => {
    const options = { folder, config: CONFIG };
    await Deno.copyFile(vectorPath("kms/chain_single.db"), `${folder}/kms.db`);
    await using _kms = await Player.start({ ...options, role: "kms", port: KMS_PORT });
    await using storage = await Player.start({ ...options, role: "storage", port: STORAGE_PORT });
    for (const { request_hex } of stores) {
      await storage.expect({ method: STORE, request_hex, response_hex: STORED });
    }
    const role = "executor";
    await using executor = await Player.start({ ...options, role, port: EXECUTOR_PORT });
    for (const call of chain.exec) await executor.expect({ method: EXEC, ...call });
    const busy = await run(role, ["state-root"], { cwd: folder });
    assert.deepEqual([busy.code, busy.stdout], [1, ""]);
    assert.match(busy.stderr, /^Cannot open "data": stop the executor first/);
    assert.equal(await executor.stop(), 0);
    await use({ folder, storage, chain });
  });
}

const jsonOf = ({ stdout, stderr, code }: Outcome): Record<string, unknown> => {
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout.split("\n")[0] ?? "");
};

Deno.test("bin/executor state-root, dump and verify agree with the recorded chain", () =>
  withNode(async ({ folder, storage, chain }) => {
    const executor = (...args: string[]) => run("executor", args, { cwd: folder });
    for (const height of [0, 21, 46]) {
      const found = jsonOf(await executor("state-root", String(height), "--json"));
      const root = chain.exec[height]?.response_hex.slice("0a0012220a20".length);
      assert.deepEqual([found["height"], found["stateRoot"]], [height, `0x${root}`]);
      const { header } = decode(Block, fromHex(chain.exec[height + 1]?.request_hex ?? ""));
      if (height < 46) assert.equal(found["blockHash"], to0xHex(header!.prevhash));
    }
    const created = chain.receipts
      .map(({ receipt_hex }) => decode(Receipt, fromHex(receipt_hex ?? "")))
      .find(({ contractAddress }) => toHex(contractAddress).replaceAll("0", "") !== "");
    const account = jsonOf(await executor("dump", to0xHex(created!.contractAddress), "--json"));
    assert.equal(account["height"], 46);
    assert(Number(account["codeSize"]) > 0);

    const whole = await executor("verify", "0");
    assert.equal(whole.stderr, "");
    assert.match(
      whole.stdout,
      /^blocks 0 to 46 give the same roots: 47 blocks, \d+ transactions\n$/,
    );
    const before = await folderBytes(`${folder}/data`);
    await storage.expect({ method: STORE, request_hex: forged(chain), response_hex: STORED });
    const { code, stdout } = await executor("verify", "30", "46");
    assert.match(stdout, /^block 39 differs:\n {2}receipts root: expected 0x[0-9a-f]{64}, got 0x/);
    assert.match(stdout, /first receipt that differs: transaction 4, 0x[0-9a-f]{64}\n$/);
    assert.equal(code, 1);
    jsonOf(await executor("verify", "40", "--json"));
    const height = await executor("state-root");
    assert.match(height.stdout, /^height: +46\n/);
    assert.deepEqual(await folderBytes(`${folder}/data`), before);
    await storage.stop();
    const away = await executor("verify", "0");
    assert.match(away.stderr, /^Cannot read block 0 from the storage at 127.0.0.1:\d+: /);
    assert.equal(away.code, 1);
  }));

/** Block 39 to be stored with another quota in its fifth normal transaction. */
function forged({ exec }: RecordedChain): string {
  const block = decode(Block, fromHex(exec[39]?.request_hex ?? ""));
  const body = block.body?.body.map((raw, index) => {
    if (index !== 4 || raw.tx?.$case !== "normalTx") return raw;
    const { value } = raw.tx;
    const transaction = { ...value.transaction!, quota: 1n };
    return { tx: { ...raw.tx, value: { ...value, transaction } } };
  }) ?? [];
  const value = encode(Block, { ...block, body: { body }, proof: new Uint8Array(1) });
  const key = new Uint8Array(8).with(7, 39);
  return toHex(encode(Content, { region: FULL_BLOCK, key, value }));
}

/** The records that an executor has; LevelDB renames its own files at every start. */
async function folderBytes(path: string): Promise<number> {
  let size = 0;
  for await (const { name } of Deno.readDir(path)) {
    if (/\.(ldb|log)$/.test(name)) size += (await Deno.stat(`${path}/${name}`)).size;
  }
  return size;
}

Deno.test("bin/executor teaches its offline commands, and refuses a wrong command line", async () => {
  for (const name of ["state-root", "dump", "verify"]) {
    const { code, stdout } = await run("executor", [name, "--help"]);
    assert.equal(code, 0);
    for (const part of ["USAGE:", "ARGS:", "OPTIONS:", "--json", "EXAMPLES:"]) {
      assert(stdout.includes(part), `${name}: ${part}`);
    }
  }
  for (const args of [["dump"], ["verify"], ["state-root", "1", "2"]]) {
    const { code, stdout } = await run("executor", args);
    assert.deepEqual([code, stdout], [2, ""]);
  }
});
