import assert from "node:assert/strict";
import fc from "fast-check";
import { RawTransactions } from "../../../proto/gen/blockchain.ts";
import { concatBytes, fromHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { DecodeError, encode, useStrictUtf8 } from "../../../shared/codec/mod.ts";
import { type CryptoSuite, loadSuite } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { checkTransactions } from "../check_transactions.ts";
import { CheckerBusy, CheckerStopped, startChecker, type TransactionChecker } from "./checker.ts";
import {
  createSigner,
  type Flaw,
  FLAWS,
  makeTransaction,
  manyOf,
  transactionBatches,
} from "./testing/transactions.ts";

useStrictUtf8();

const SUITES = [await loadSuite("sm"), await loadSuite("eth")];

async function withChecker(
  suite: CryptoSuite,
  use: (checker: TransactionChecker) => Promise<void>,
): Promise<void> {
  const checker = await startChecker({ suite, clock: SYSTEM_CLOCK, workerCount: 2 });
  try {
    await use(checker);
  } finally {
    await stopChecker(checker);
  }
}

async function stopChecker(checker: TransactionChecker): Promise<void> {
  checker.stop();
  await SYSTEM_CLOCK.sleep(0); // the timer of the last slice of work fires
}

for (const suite of SUITES) {
  const plan = {
    hash: suite.hash,
    signer: createSigner(suite),
    kind: "normal",
    serial: 1,
  } as const;
  const request = (...flaws: readonly Flaw[]) =>
    encode(RawTransactions, { body: flaws.map((flaw) => makeTransaction({ ...plan, flaw })) });

  Deno.test(`TransactionChecker of ${suite.name} has a code for every flaw`, () =>
    withChecker(suite, async (checker) => {
      const codes: Record<Flaw, StatusCode> = {
        "none": StatusCode.Success,
        "empty": StatusCode.NoneRawTx,
        "no witness": StatusCode.NoneWitness,
        "no transaction": StatusCode.NoneTransaction,
        "short hash": StatusCode.HashLenError,
        "wrong hash": StatusCode.HashCheckError,
        "short signature": StatusCode.SigLenError,
        "wrong signature": StatusCode.SigCheckError,
        "wrong sender": StatusCode.SigCheckError,
      };
      assert.equal(await checker.check(request()), null);
      assert.equal(await checker.check(request("none")), null);
      for (const flaw of FLAWS) {
        const refusal = await checker.check(request("none", flaw, "none"));
        assert.equal(refusal?.position, 1, flaw);
        assert.equal(refusal.code, codes[flaw], flaw);
      }
    }));

  Deno.test(`TransactionChecker of ${suite.name} answers as checking one after the other does`, () =>
    withChecker(suite, async (checker) => {
      const signers = [createSigner(suite), createSigner(suite)];
      const batches = fc.array(transactionBatches(suite.hash, signers, 60), { maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(batches, async (bodies) => {
          const requests = bodies.map((body) => encode(RawTransactions, { body }));
          const answers = await Promise.all(requests.map((each) => checker.check(each)));
          assert.deepEqual(answers, bodies.map((body) => checkTransactions(suite, body)));
        }),
        { numRuns: 10 },
      );
    }));
}

const [, eth] = SUITES;

Deno.test("TransactionChecker.check() takes odd requests and refuses malformed ones", async () => {
  assert(eth !== undefined);
  await withChecker(eth, async (checker) => {
    const good = manyOf(eth, 3);
    assert.equal(await checker.check(concatBytes(fromHex("1005"), good)), null);
    const unknownFields = new Uint8Array(20_000).map((_, i) => i % 2 === 0 ? 0x10 : 5);
    assert.equal(await checker.check(concatBytes(unknownFields, good, unknownFields)), null);
    const refusal = await checker.check(concatBytes(good, unknownFields, fromHex("8a0000")));
    assert.deepEqual([refusal?.position, refusal?.code], [3, StatusCode.NoneRawTx]);
    for (const rest of ["0a", "0a05aa", "0c0b0a", "0a060a050a020801", "ff", "00", "08", "0801"]) {
      const malformed = concatBytes(good, fromHex(rest));
      await assert.rejects(checker.check(malformed), DecodeError, rest);
    }
    assert.equal(await checker.check(good), null);
  });
});

/** Time that this thread has worked; unlike a clock it stands still while other programs run. */
function threadMs(): number {
  const [nanoseconds] = Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ");
  return Number(nanoseconds) / 1e6;
}

Deno.test("TransactionChecker.check() never holds up its thread", async () => {
  assert(eth !== undefined);
  const request = manyOf(eth, 30_000);
  await withChecker(eth, async (checker) => {
    for (const run of ["all new", "all known"]) {
      let longestMs = 0;
      let isDone = false;
      const batch = checker.check(request).finally(() => isDone = true);
      for (let lastMs = threadMs(); !isDone;) {
        await SYSTEM_CLOCK.sleep(0);
        const nowMs = threadMs();
        longestMs = Math.max(longestMs, nowMs - lastMs);
        lastMs = nowMs;
      }
      assert.equal(await batch, null);
      // 2 ms for new ones, 5 ms for known ones, and what the collection of garbage adds;
      // decoding at once takes more than 200 ms
      assert(longestMs < 40, `${run}: ${longestMs} ms`);
    }
  });
});

Deno.test("TransactionChecker.check() answers small batches while a long one runs", async () => {
  assert(eth !== undefined);
  const [long, small] = [manyOf(eth, 5_000), manyOf(eth, 2)];
  await withChecker(eth, async (checker) => {
    const finished: string[] = [];
    const batch = checker.check(long).then(() => finished.push("long"));
    await checker.check(small);
    finished.push("small");
    await batch;
    assert.deepEqual(finished, ["small", "long"]);
  });
});

Deno.test("TransactionChecker.check() refuses what is too much together, not what is large", async () => {
  assert(eth !== undefined);
  const options = { suite: eth, clock: SYSTEM_CLOCK, workerCount: 1, waitingSizeMax: 1_000 };
  const checker = await startChecker(options);
  const [large, small] = [manyOf(eth, 10), manyOf(eth, 2)];
  const first = checker.check(large);
  await assert.rejects(checker.check(small), CheckerBusy);
  assert.equal(await first, null);
  assert.deepEqual(await Promise.all([checker.check(small), checker.check(small)]), [null, null]);
  await stopChecker(checker);
});

Deno.test("TransactionChecker.stop() rejects batches under way and later ones", async () => {
  assert(eth !== undefined);
  const checker = await startChecker({ suite: eth, clock: SYSTEM_CLOCK, workerCount: 2 });
  const batches = [manyOf(eth, 1_000), fromHex("0a")].map((request) => checker.check(request));
  const underWay = Promise.allSettled(batches);
  await stopChecker(checker);
  const later = Promise.allSettled([checker.check(manyOf(eth, 1))]);
  for (const outcome of [...await underWay, ...await later]) {
    assert(outcome.status === "rejected" && outcome.reason instanceof CheckerStopped);
  }
});
