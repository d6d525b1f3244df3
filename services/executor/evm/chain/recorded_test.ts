import assert from "node:assert/strict";
import { Block } from "../../../../proto/gen/blockchain.ts";
import { Receipt } from "../../../../proto/gen/evm.ts";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../../shared/clock/mod.ts";
import { decode, encode } from "../../../../shared/codec/mod.ts";
import { MemoryRecords } from "../../testing/memory_records.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { PAUSING_ALWAYS, pausingAtRandom } from "../../testing/pausing.ts";
import { readVector, type RecordedFuzz } from "../../testing/vectors.ts";
import { finish } from "../work.ts";
import { Chain } from "./chain.ts";
import { readBlock } from "./open_block.ts";
import { findCode, findReceipt } from "./query.ts";

const parts = await loadChainParts();

const recordings = await readVector<RecordedFuzz[]>("fuzz_sm3_15seeds");

for (const { seed, blocks, final_codes } of recordings) {
  Deno.test(`Chain executes the random chain of seed ${seed} as recorded, restarted at every block`, () => {
    const reader = new MemoryRecords();
    let chain = new Chain({ ...parts, reader });
    for (const recorded of blocks) {
      const where = `height ${recorded.height}`;
      const block = readBlock(decode(Block, fromHex(recorded.block_hex)));
      assert("header" in block);
      const executed = finish(chain.execute(block));
      assert(executed.kind === "executed", where);
      reader.put(executed.puts);
      recorded.receipts.forEach((hex, index) => {
        const found = findReceipt(chain, block.transactions[index]?.hash ?? new Uint8Array());
        assert(found !== null);
        assert.deepEqual(found.receipt, decode(Receipt, fromHex(hex)), `${where}, tx ${index}`);
        assert.equal(toHex(encode(Receipt, found.receipt)), hex, `${where}, tx ${index}`);
      });
      assert.equal(toHex(executed.header.stateRoot), recorded.state_root, where);
      chain = new Chain({ ...parts, reader });
    }
    for (const [address, code] of final_codes) {
      assert.equal(toHex(findCode(chain.state, fromHex(address))), code ?? "");
    }
  });
}

Deno.test("Chain gives the recorded roots and receipts wherever a block pauses, beside calls that pause too", () => {
  for (const { seed, blocks } of recordings) {
    const random = seededRandom(seed);
    const reader = new MemoryRecords();
    const chain = new Chain({ ...parts, reader });
    for (const [index, recorded] of blocks.entries()) {
      const block = readBlock(decode(Block, fromHex(recorded.block_hex)));
      assert("header" in block);
      const work = chain.execute(block, index % 2 === 0 ? PAUSING_ALWAYS : pausingAtRandom(random));
      const calls = block.transactions.map((tx) => chain.simulate(tx, { pace: PAUSING_ALWAYS }));
      let step = work.next();
      while (step.done !== true) {
        calls[Math.floor(random() * calls.length)]?.next();
        step = work.next();
      }
      const outcome = step.value;
      assert(outcome.kind === "executed");
      reader.put(outcome.puts);
      assert.equal(toHex(outcome.header.stateRoot), recorded.state_root);
      recorded.receipts.forEach((hex, index) => {
        const found = findReceipt(chain, block.transactions[index]?.hash ?? new Uint8Array());
        assert.equal(toHex(encode(Receipt, found?.receipt ?? Receipt.create())), hex);
      });
    }
  }
});
