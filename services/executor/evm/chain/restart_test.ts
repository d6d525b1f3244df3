import assert from "node:assert/strict";
import fc from "fast-check";
import type { Block } from "../../../../proto/gen/blockchain.ts";
import type { Pace } from "../work.ts";
import { toHex } from "../../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../../shared/clock/mod.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { deploy } from "../../testing/code.ts";
import { pausingAtRandom } from "../../testing/pausing.ts";
import { FIRST_CONTRACTS, randomProgram } from "../../testing/random_program.ts";
import { SENDER, TestChain, type TestTransaction } from "../../testing/test_chain.ts";

const parts = await loadChainParts();

const OTHER_SENDER = "b0".repeat(20);
const STORE = "ffffffffffffffffffffffffffffffffff010000";
const STORE_ABI = "ffffffffffffffffffffffffffffffffff010001";

const SENDERS = fc.constantFrom(SENDER, OTHER_SENDER);
const QUOTA = fc.constantFrom(20_000n, 60_000n, 600_000n);
const PROGRAM = randomProgram([
  ...FIRST_CONTRACTS,
  ...FIRST_CONTRACTS,
  SENDER,
  "4".padStart(40, "0"),
]);

/** Everything that a transaction may be. */
const TRANSACTION: fc.Arbitrary<TestTransaction> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ data: PROGRAM.map(deploy), quota: QUOTA, sender: SENDERS }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      to: fc.constantFrom(...FIRST_CONTRACTS),
      quota: QUOTA,
      sender: SENDERS,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      to: fc.constantFrom(STORE, STORE_ABI),
      data: fc.tuple(fc.constantFrom(...FIRST_CONTRACTS), fc.uint8Array({ maxLength: 20 }))
        .map(([address, bytes]) => address + toHex(bytes)),
      quota: QUOTA,
      sender: SENDERS,
    }),
  },
);

/** Blocks, each with whether the chain is loaded again before it. */
const HISTORY = fc.array(
  fc.record({ transactions: fc.array(TRANSACTION, { maxLength: 8 }), isRestarted: fc.boolean() }),
  { minLength: 1, maxLength: 8 },
);

/** Executes a block that follows; gives the root. */
function rootAfter(test: TestChain, block: Block, pace?: Pace): string {
  const outcome = test.execute(block, pace);
  assert(outcome.kind === "executed");
  return toHex(outcome.header.stateRoot);
}

Deno.test("a chain that is loaded again between blocks and pauses within them has the same roots, receipts and records", () => {
  fc.assert(
    fc.property(HISTORY, fc.nat(), (history, seed) => {
      const pace = pausingAtRandom(seededRandom(seed));
      const [hash] = parts.hashes;
      assert(hash !== undefined);
      const [kept, restarted] = [new TestChain(parts, hash), new TestChain(parts, hash)];
      const blocks: Block[] = [];
      for (
        const { transactions, isRestarted } of [{ transactions: [], isRestarted: true }, ...history]
      ) {
        if (isRestarted) restarted.restart();
        const block = kept.build(transactions);
        blocks.push(block);
        assert.equal(rootAfter(restarted, block, pace), rootAfter(kept, block));
      }
      restarted.restart();
      for (const block of blocks) {
        assert.deepEqual(restarted.receiptsOf(block), kept.receiptsOf(block));
        const again = restarted.execute(block);
        assert(again.kind === "reentered" && again.isSame);
      }
      assert.deepEqual(restarted.records.entries(), kept.records.entries());
    }),
    { numRuns: 100 },
  );
});
