/** Random programs on our chain and on an EVM of others, see `TwinChain`. */

import fc from "fast-check";
import { toHex } from "../../../shared/bytes/mod.ts";
import { deploy } from "../testing/code.ts";
import { FIRST_CONTRACTS, randomProgram } from "../testing/random_program.ts";
import { SENDER, type TestTransaction, usedQuota } from "../testing/test_chain.ts";
import { TwinChain } from "../testing/twin_chain.ts";

/** What programs call: each other, precompiled contracts, the sender, and nobody. */
const ADDRESSES = [
  ...FIRST_CONTRACTS,
  ...FIRST_CONTRACTS,
  ...[1, 2, 3, 4, 4, 5, 8, 9].map((address) => address.toString(16).padStart(40, "0")),
  SENDER,
  "99".repeat(20),
];

const QUOTA = fc.oneof(
  { weight: 2, arbitrary: fc.constant(400_000n) },
  { weight: 1, arbitrary: fc.bigInt(20_900n, 120_000n) },
);

/** A call of what used less is compared as well: it has a quota of 50,000,000. */
const CHEAP_QUOTA = 60_000;

const TRANSACTION: fc.Arbitrary<TestTransaction> = fc.record({
  to: fc.constantFrom(...FIRST_CONTRACTS),
  data: fc.uint8Array({ maxLength: 80 }).map(toHex),
  quota: QUOTA,
  sender: fc.constantFrom(SENDER, "b0".repeat(20)),
  version: fc.constantFrom(0, 3),
});

const PROGRAMS = fc.tuple(
  randomProgram(ADDRESSES),
  randomProgram(ADDRESSES, 15),
  randomProgram(ADDRESSES, 100),
);

const BLOCK = fc.array(TRANSACTION, { minLength: 1, maxLength: 5 });

Deno.test("random programs that call each other leave the same receipts and states as elsewhere", async () => {
  await fc.assert(
    fc.asyncProperty(PROGRAMS, BLOCK, BLOCK, async (programs, ...blocks) => {
      const twin = await TwinChain.create();
      await twin.grow(...programs.map((code) => ({ data: deploy(code), quota: 1_000_000n })));
      for (const block of blocks) {
        const receipts = await twin.grow(...block);
        for (const [index, { to = "", data = "" }] of block.entries()) {
          const receipt = receipts[index];
          // what calls itself with all gas would do so for all the quota of a call
          if (receipt && usedQuota(receipt) < CHEAP_QUOTA) await twin.call(to, data);
        }
      }
    }),
    { numRuns: 250 },
  );
});

Deno.test("random programs as init code, short of quota or not, deploy the same", async () => {
  const creation: fc.Arbitrary<TestTransaction> = fc.record({
    data: randomProgram(ADDRESSES, 20),
    quota: QUOTA,
    version: fc.constantFrom(0, 3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(creation, { minLength: 1, maxLength: 8 }), async (creations) => {
      const twin = await TwinChain.create();
      await twin.grow(...creations);
    }),
    { numRuns: 250 },
  );
});
