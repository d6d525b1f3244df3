import assert from "node:assert/strict";
import { ReceiptProof, RootsInfo } from "../../../proto/gen/evm.ts";
import { Block } from "../../../proto/gen/blockchain.ts";
import { type Bytes, concatBytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { connectRaw, RpcFault } from "../../../shared/rpc/mod.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { deploy } from "../testing/code.ts";
import { serveExecutor } from "../testing/served_executor.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { SENDER, TestChain, type TestTransaction } from "../testing/test_chain.ts";
import { executorHash } from "./chain/header.ts";
import { decode as decodeRlp } from "./rlp/mod.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

/** Sends bytes to a method of `evm.RPCService` and gives those of the answer, or the status. */
type Ask = (method: string, requestHex: string) => Promise<string>;

/** A served executor that executed the same blocks as the chain. */
async function withServedChain(
  use: (
    ask: Ask,
    grow: (...txs: TestTransaction[]) => Promise<void>,
    test: TestChain,
  ) => Promise<void>,
): Promise<void> {
  await withTempFolder(async (folder) => {
    await using served = await serveExecutor({ path: `${folder}/data` });
    const client = connectRaw({ port: served.port });
    const send = (path: string, request: Bytes) => client.call(path, request);
    const test = new TestChain(parts, sm3);
    const ask: Ask = async (method, requestHex) => {
      try {
        return toHex(await send(`/evm.RPCService/${method}`, fromHex(requestHex)));
      } catch (error) {
        if (error instanceof RpcFault) return `${error.code} ${error.details}`;
        throw error;
      }
    };
    const grow = async (...txs: TestTransaction[]) => {
      const block = test.build(txs);
      test.execute(block);
      await send("/executor.ExecutorService/Exec", encode(Block, block));
    };
    try {
      await use(ask, grow, test);
    } finally {
      client.close();
    }
  });
}

/** A message in a field, both shorter than 128 bytes. */
const field = (number: number, hex: string) =>
  (number * 8 + 2).toString(16).padStart(2, "0") +
  (hex.length / 2).toString(16).padStart(2, "0") + hex;

const text = (value: string) => toHex(new TextEncoder().encode(value));
const tag = (name: string) => field(2, text(name));
const height = (value: number) => `08${value.toString(16).padStart(2, "0")}`;

/** The requests of 6.3 and of 6.7 for an account. */
const asked63 = (address: string) => field(1, address);
const asked67 = (address: string, block: string) => field(1, field(1, address)) + field(2, block);

const word = (value: number) => value.toString(16).padStart(64, "0");
const STORE_ABI = "ffffffffffffffffffffffffffffffffff010001";
/** Made by the first transaction of the sender (spec/executor_evm.md, 17.3). */
const FIRST_CONTRACT = "3c952d36207c0d52743a646e7ac2649009bd358e";
/** Counts slot 0 up. */
const COUNTER = "60005460010160005500";

Deno.test("the served executor answers for an account at the last block to 6.3, at any block to 6.7", () =>
  withServedChain(async (ask, grow, test) => {
    await grow();
    await grow({ data: deploy(COUNTER) });
    const contract = FIRST_CONTRACT;
    await grow({ to: contract }, { to: STORE_ABI, data: `${contract}5b5d` });
    await grow({ to: contract });
    const nonce = (value: number) => field(1, word(value));
    assert.equal(await ask("GetTransactionCount", asked63(SENDER)), nonce(4));
    const at: [string, number][] = [
      [tag("pending"), 4],
      [tag("latest"), 3],
      [tag("anything"), 3],
      [tag(""), 3],
      [tag("earliest"), 0],
      [height(0), 0],
      [height(1), 1],
      [height(2), 3],
      [height(3), 4],
      [field(3, toHex(executorHash(test.chain.header, sm3))), 4],
    ];
    for (const [block, value] of at) {
      assert.equal(await ask("GetTransactionCount", asked67(SENDER, block)), nonce(value), block);
    }
    assert.equal(await ask("GetCode", asked63(contract)), field(1, COUNTER));
    assert.equal(await ask("GetCode", asked67(contract, height(1))), field(1, COUNTER));
    assert.equal(await ask("GetCode", asked67(contract, height(0))), "");
    assert.equal(await ask("GetAbi", asked63(contract)), field(1, "5b5d"));
    assert.equal(await ask("GetAbi", asked67(contract, tag("latest"))), field(1, "5b5d"));
    assert.equal(await ask("GetAbi", asked67(contract, height(1))), "");
    assert.equal(await ask("GetBalance", asked63(contract)), field(1, word(0)));
    assert.equal(await ask("GetBalance", asked67(contract, tag("pending"))), field(1, word(0)));
    const slot = (block: string) =>
      field(1, field(1, contract)) + field(2, field(1, word(0))) + field(3, block);
    assert.equal(await ask("GetStorageAt", slot(height(1))), field(1, word(0)));
    assert.equal(await ask("GetStorageAt", slot(tag("latest"))), field(1, word(1)));
    assert.equal(await ask("GetStorageAt", slot(tag("pending"))), field(1, word(2)));
  }));

Deno.test("the served executor names what a request of 6.7 lacks", () =>
  withServedChain(async (ask, grow) => {
    await grow();
    const address = field(1, field(1, SENDER));
    const position = field(2, field(1, word(0)));
    const block = tag("latest");
    const sized = (name: string, size: number, got: number) =>
      `3 Cannot use ${name}: it must have ${size} bytes, got ${got}`;
    const ofAccount: [string, string][] = [
      ["", "3 Address is none"],
      [field(2, block), "3 Address is none"],
      [address, "3 Block number is none"],
      [address + field(2, ""), "3 Block number is none"],
      [asked67("01", block), sized("address", 20, 1)],
      [asked67("01".repeat(18), block), sized("address", 20, 18)],
      [asked67("01".repeat(21), block), sized("address", 20, 21)],
      [asked63("01".repeat(19)), sized("address", 20, 19)],
      [asked63("01".repeat(21)), sized("address", 20, 21)],
      [asked67(SENDER, field(3, "01")), sized("block_number.hash", 32, 1)],
    ];
    const failures = { GetCode: "bytecode", GetBalance: "balance", GetTransactionCount: "nonce" };
    for (const [method, name] of Object.entries({ ...failures, GetAbi: "abi" })) {
      for (const [request, expected] of ofAccount) {
        assert.equal(await ask(method, request), expected, `${method} ${request}`);
      }
      for (const nowhere of [height(9), field(3, "07".repeat(32))]) {
        assert.equal(await ask(method, asked67(SENDER, nowhere)), `3 Not get the ${name}`);
      }
    }
    const ofSlot: [string, string][] = [
      ["", "3 Address is none"],
      [address, "3 Position is none"],
      [address + position, "3 Block number is none"],
      [address + field(2, field(1, "01")) + field(3, block), sized("position", 32, 1)],
      [address + position + field(3, height(9)), "3 Not storage slot info"],
    ];
    for (const [request, expected] of ofSlot) {
      assert.equal(await ask("GetStorageAt", request), expected, request);
    }
    assert.equal(await ask("GetRootsInfo", ""), "3 Block number is none");
    assert.equal(await ask("GetRootsInfo", height(9)), "3 Not get the roots info");
    assert.equal(await ask("GetReceiptProof", field(1, "01")), sized("hash", 32, 1));
    assert.equal(await ask("GetReceiptProof", field(1, word(1))), "3 Not get the receipt proof");
    const far = field(1, SENDER) + "2863"; // height 99
    assert.equal(await ask("EstimateQuota", far), "3 estimate quota failed");
  }));

/** Follows a proof as a client does, from what the spec says of its format only. */
function rootOfProof({ receipt, receiptProof }: ReceiptProof): string {
  const steps = decodeRlp(receiptProof);
  assert(!(steps instanceof Uint8Array));
  let at = sm3(receipt);
  for (const step of steps) {
    const [isRight, other] = step as Bytes[];
    assert(isRight !== undefined && other !== undefined);
    const [left, right] = isRight.length === 1 ? [at, other] : [other, at];
    at = sm3(concatBytes(fromHex("a0"), left, fromHex("a0"), right));
  }
  return toHex(at);
}

Deno.test("the served executor proves every receipt of a block against its receipts root", () =>
  withServedChain(async (ask, grow, test) => {
    await grow();
    const sizes = [1, 2, 3, 4, 7, 11];
    for (const [index, size] of sizes.entries()) {
      const hashes = Array.from({ length: size }, (_, i) => word(100 * (index + 1) + i));
      // a log, a failure, a creation, and nothing
      const kinds = [{ data: "6001600060006000a1" }, { data: "fe" }, { data: "" }, { to: SENDER }];
      await grow(...hashes.map((hash, i) => ({ ...kinds[i % 4], hash })));
      const { receiptsRoot, stateRoot } = test.chain.header;
      const roots = decode(RootsInfo, fromHex(await ask("GetRootsInfo", height(index + 1))));
      const expected = { height: BigInt(index + 1), stateRoot, receiptRoot: receiptsRoot };
      assert.deepEqual(roots, expected);
      for (const hash of hashes) {
        const proof = decode(ReceiptProof, fromHex(await ask("GetReceiptProof", field(1, hash))));
        assert.deepEqual(proof.rootsInfo, expected);
        assert.equal(rootOfProof(proof), toHex(receiptsRoot), `${hash} of ${size}`);
      }
    }
  }));
