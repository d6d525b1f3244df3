import assert from "node:assert/strict";
import { Block } from "../../../../proto/gen/blockchain.ts";
import { Receipt } from "../../../../proto/gen/evm.ts";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../../shared/crypto/mod.ts";
import { loadFastKeccak } from "../keccak.ts";
import { loadPrecompiles } from "../precompiles/mod.ts";
import { MemoryRecords } from "../../testing/memory_records.ts";
import { readVector, type RecordedFuzz } from "../../testing/vectors.ts";
import { Chain } from "./chain.ts";
import { readBlock } from "./open_block.ts";
import { findCode, findReceipt } from "./query.ts";

const keccak = await loadFastKeccak();
const sm3 = await loadSm3();
const natives = { keccak, precompiles: await loadPrecompiles() };

Deno.test("fuzz", async () => {
  const seeds = await readVector<RecordedFuzz[]>("fuzz_sm3_15seeds");
  for (const seed of seeds) {
    const reader = new MemoryRecords();
    const chain = new Chain({ reader, natives, hashes: [sm3, keccak], isEthCompatible: false });
    for (const recorded of seed.blocks) {
      const block = readBlock(decode(Block, fromHex(recorded.block_hex)));
      assert("header" in block);
      const executed = chain.execute(block);
      assert(executed.kind === "executed");
      reader.put(executed.puts);
      const where = `seed ${seed.seed} height ${recorded.height}`;
      recorded.receipts.forEach((hex, i) => {
        const hash = block.transactions[i]?.hash;
        assert(hash);
        const found = findReceipt(chain, hash);
        assert(found);
        const expected = decode(Receipt, fromHex(hex));
        assert.equal(found.receipt.errorMessage, expected.errorMessage, `${where} ${i}`);
        assert.equal(toHex(found.receipt.quotaUsed), toHex(expected.quotaUsed), `${where} ${i}`);
        assert.equal(toHex(encode(Receipt, found.receipt)), hex, `${where} ${i}`);
      });
      assert.equal(toHex(executed.header.stateRoot), recorded.state_root, where);
    }
    for (const [address, code] of seed.final_codes) {
      assert.equal(toHex(findCode(chain, fromHex(address))), code ?? "");
    }
  }
});
