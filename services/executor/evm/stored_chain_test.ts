import assert from "node:assert/strict";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { deploy, push } from "../testing/code.ts";
import { MemoryRecords } from "../testing/memory_records.ts";
import { TestChain, type TestTransaction } from "../testing/test_chain.ts";
import type { Chain } from "./chain/chain.ts";
import { readBlock } from "./chain/open_block.ts";
import { findSlot } from "./chain/query.ts";
import { CALL_LIMITS } from "./state/committed_state.ts";
import { addressKey } from "./state/world_state.ts";
import { StoredChain } from "./stored_chain.ts";
import { bytesOfWord, wordOfBytes } from "./word.ts";
import { finish, WITHOUT_PAUSE } from "./work.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

/** Made by the first transaction of the sender (spec/executor_evm.md, 17.3). */
const TO = "3c952d36207c0d52743a646e7ac2649009bd358e";
const CONTRACT = fromHex(TO);
const SLOTS = 3_000;
/** Sets each of the slots from the last one to 1 to its number. */
const CODE = `${push(SLOTS)}5b808055600190038060035700`;

/** Grows a chain by a block; gives what was shown before that was written. */
async function grow(
  { stored, blocks }: { readonly stored: StoredChain; readonly blocks: TestChain },
  ...transactions: readonly TestTransaction[]
): Promise<Chain> {
  const block = blocks.build(transactions);
  blocks.execute(block);
  const open = readBlock(block);
  assert(!("refusal" in open));
  const outcome = finish(stored.execute(open, WITHOUT_PAUSE));
  assert(outcome.kind === "executed");
  const { shown } = stored;
  await stored.write(outcome);
  return shown;
}

function slotOf({ state }: Chain, slot: number): Bytes {
  return findSlot(state, CONTRACT, bytesOfWord(slot, 32));
}

Deno.test("StoredChain shows what is on disk with the memory of one call and the code of all", async () => {
  const stored = new StoredChain(parts, new MemoryRecords());
  const blocks = new TestChain(parts, sm3);
  await grow({ stored, blocks });
  await grow({ stored, blocks }, { data: deploy(CODE) });
  await grow({ stored, blocks }, { to: TO, quota: 1_000_000_000n });
  const shown = await grow({ stored, blocks });
  const { latest } = stored;
  assert.notEqual(shown, latest);
  for (let slot = 1; slot <= SLOTS; slot++) {
    assert.deepEqual(slotOf(shown, slot), bytesOfWord(slot, 32));
  }
  const { entries, nodes } = shown.state.inMemory;
  assert(entries <= CALL_LIMITS.entriesMax && nodes <= 2 * CALL_LIMITS.nodesMax);
  const code = shown.state.account(addressKey(wordOfBytes(CONTRACT)))?.code;
  assert(code !== undefined);
  assert.equal(shown.state.program(code), latest.state.program(code));
});
