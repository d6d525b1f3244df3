import assert from "node:assert/strict";
import { Block } from "../../../../proto/gen/blockchain.ts";
import { Receipt } from "../../../../proto/gen/evm.ts";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../../shared/codec/mod.ts";
import { MemoryRecords } from "../../testing/memory_records.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { readVector, type RecordedFuzz } from "../../testing/vectors.ts";
import { Chain } from "./chain.ts";
import { readBlock } from "./open_block.ts";
import { findCode, findReceipt } from "./query.ts";

const parts = await loadChainParts();

for (const { seed, blocks, final_codes } of await readVector<RecordedFuzz[]>("fuzz_sm3_15seeds")) {
  Deno.test(`Chain executes the random chain of seed ${seed} as recorded, restarted at every block`, () => {
    const reader = new MemoryRecords();
    let chain = new Chain({ ...parts, reader });
    for (const recorded of blocks) {
      const where = `height ${recorded.height}`;
      const block = readBlock(decode(Block, fromHex(recorded.block_hex)));
      assert("header" in block);
      const executed = chain.execute(block);
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
