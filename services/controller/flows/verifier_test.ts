import assert from "node:assert/strict";
import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { address, normalTx, transaction } from "../testing/builders.ts";
import { FakeKms } from "../testing/fake_kms.ts";
import { SignatureVerifier } from "./verifier.ts";

const HASH = await loadSm3();

function good(nonce: number): RawTransaction {
  return normalTx(HASH, transaction(`${nonce}`));
}

function forged(nonce: number): RawTransaction {
  const { tx } = good(nonce);
  assert(tx?.$case === "normalTx");
  const witness = { signature: new Uint8Array(128), sender: address(1) };
  return { tx: { $case: "normalTx", value: { ...tx.value, witness } } };
}

function mishashed(nonce: number): RawTransaction {
  const { tx } = good(nonce);
  assert(tx?.$case === "normalTx");
  const transactionHash = new Uint8Array(32);
  return { tx: { $case: "normalTx", value: { ...tx.value, transactionHash } } };
}

Deno.test("SignatureVerifier gathers single transactions into few calls", async () => {
  const kms = new FakeKms(HASH, address(1));
  const verifier = new SignatureVerifier(kms);
  const codes = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => verifier.verify([good(i)])),
  );
  assert(codes.every((code) => code === StatusCode.Success));
  assert(kms.checkedCounts.length <= 5, `${kms.checkedCounts.length} calls`);
  assert.equal(kms.checkedCounts.reduce((sum, count) => sum + count), 1_000);
});

Deno.test("SignatureVerifier tells every caller about its own transactions", async () => {
  const verifier = new SignatureVerifier(new FakeKms(HASH, address(1)));
  const made = Array.from({ length: 300 }, (_, i) => {
    if (i % 7 === 0) return [forged(i), StatusCode.SigCheckError] as const;
    if (i % 11 === 0) return [mishashed(i), StatusCode.HashCheckError] as const;
    return [good(i), StatusCode.Success] as const;
  });
  const codes = await Promise.all(made.map(([raw]) => verifier.verify([raw])));
  assert.deepEqual(codes, made.map(([, wanted]) => wanted));
});

Deno.test("SignatureVerifier reports the first bad transaction of a large batch", async () => {
  const kms = new FakeKms(HASH, address(1));
  const verifier = new SignatureVerifier(kms);
  const batch = Array.from({ length: 1_500 }, (_, i) => good(i));
  assert.equal(await verifier.verify(batch), StatusCode.Success);
  assert(kms.checkedCounts.every((count) => count <= 512));
  batch[700] = mishashed(700);
  batch[1_400] = forged(1_400);
  assert.equal(await verifier.verify(batch), StatusCode.HashCheckError);
  assert.equal(await verifier.verify([]), StatusCode.Success);
});

Deno.test("SignatureVerifier does not blame transactions for an absent kms", async () => {
  const kms = new FakeKms(HASH, address(1));
  const verifier = new SignatureVerifier(kms);
  kms.isAway = true;
  const codes = await Promise.all([1, 2, 3].map((i) => verifier.verify([good(i)])));
  assert(codes.every((code) => code === StatusCode.KmsServerNotReady));
  kms.isAway = false;
  assert.equal(await verifier.verify([good(1)]), StatusCode.Success);
});

Deno.test("SignatureVerifier lets consensus pass the queue", async () => {
  const order: string[] = [];
  const calls: (() => void)[] = [];
  const kms = {
    checkTransactions: () =>
      new Promise<StatusCode>((resolve) => calls.push(() => resolve(StatusCode.Success))),
  };
  const verifier = new SignatureVerifier(kms);
  const batch = (first: number) => Array.from({ length: 512 }, (_, i) => good(first + i));
  const users = ["a", "b", "c", "d"].map((name, i) =>
    verifier.verify(batch(512 * i)).then(() => order.push(name))
  );
  const urgent = verifier.verify(batch(512 * 4), true).then(() => order.push("urgent"));
  for (let i = 0; i < 5; i++) {
    calls[i]?.();
    await Promise.resolve();
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
  await Promise.all([...users, urgent]);
  assert.deepEqual(order, ["a", "b", "urgent", "c", "d"]);
});

/** A kms that answers when it is told to. */
function slowKms() {
  const kms = new FakeKms(HASH, address(1));
  const waiting: (() => void)[] = [];
  const checked: (readonly RawTransaction[])[] = [];
  const checkTransactions = async (raws: readonly RawTransaction[]) => {
    checked.push(raws);
    await new Promise<void>((resolve) => waiting.push(resolve));
    return await kms.checkTransactions(raws);
  };
  const answerAll = async () => {
    for (let turn = 0; turn < 50; turn++) {
      waiting.shift()?.();
      await Promise.resolve();
    }
  };
  return { port: { checkTransactions }, checked, answerAll };
}

Deno.test("SignatureVerifier verifies equal transactions in flight once", async () => {
  const { port, checked, answerAll } = slowKms();
  const verifier = new SignatureVerifier(port);
  const twice = [verifier.verify([good(1)]), verifier.verify([good(1), good(2)])];
  await answerAll();
  assert.deepEqual(await Promise.all(twice), [StatusCode.Success, StatusCode.Success]);
  assert.deepEqual(checked, [[good(1)], [good(2)]]);
  assert.equal(await verifier.verify([good(2), good(1)]), StatusCode.Success);
  assert.equal(checked.length, 2, "nor is what was verified before");
});

Deno.test("SignatureVerifier blames nobody for what was sent beside its equal", async () => {
  const { port, answerAll } = slowKms();
  const verifier = new SignatureVerifier(port);
  const codes = [
    verifier.verify([good(1), forged(2)]),
    verifier.verify([good(1)]),
    verifier.verify([mishashed(3), good(1)]),
    verifier.verify([forged(2), mishashed(3)]),
  ];
  await answerAll();
  assert.deepEqual(await Promise.all(codes), [
    StatusCode.SigCheckError,
    StatusCode.Success,
    StatusCode.HashCheckError,
    StatusCode.SigCheckError,
  ]);
});

Deno.test("SignatureVerifier takes another signature of the same hash for another one", async () => {
  const { port, answerAll } = slowKms();
  const verifier = new SignatureVerifier(port);
  const codes = [verifier.verify([good(1)]), verifier.verify([forged(1)])];
  await answerAll();
  assert.deepEqual(await Promise.all(codes), [StatusCode.Success, StatusCode.SigCheckError]);
});

Deno.test("SignatureVerifier moves what consensus needs too to the front", async () => {
  const { port, checked, answerAll } = slowKms();
  const verifier = new SignatureVerifier(port);
  const batch = (first: number) => Array.from({ length: 512 }, (_, i) => good(first + i));
  const users = [0, 512, 1_024, 1_536].map((first) => verifier.verify(batch(first)));
  const urgent = verifier.verify([good(1_536)], true);
  await answerAll();
  await Promise.all([...users, urgent]);
  assert.deepEqual(checked.map(([first]) => first), [0, 512, 1_536, 1_024].map(good));
});

Deno.test("SignatureVerifier never asks the kms about an entry without variant", async () => {
  const kms = new FakeKms(HASH, address(1));
  const verifier = new SignatureVerifier({
    // as the reference, which dies of it
    checkTransactions: (raws) =>
      raws.some(({ tx }) => tx === undefined)
        ? Promise.resolve(StatusCode.KmsServerNotReady)
        : kms.checkTransactions(raws),
  });
  const codes = await Promise.all([
    verifier.verify([good(1)]),
    verifier.verify([{ tx: undefined }]),
    verifier.verify([good(2), { tx: undefined }, forged(3)]),
    verifier.verify([forged(4), { tx: undefined }]),
  ]);
  assert.deepEqual(codes, [
    StatusCode.Success,
    StatusCode.NoneRawTx,
    StatusCode.NoneRawTx,
    StatusCode.SigCheckError,
  ]);
});
