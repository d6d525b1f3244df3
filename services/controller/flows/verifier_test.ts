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
  const batch = Array.from({ length: 512 }, (_, i) => good(i));
  const users = ["a", "b", "c", "d"].map((name) =>
    verifier.verify(batch).then(() => order.push(name))
  );
  const urgent = verifier.verify(batch, true).then(() => order.push("urgent"));
  for (let i = 0; i < 5; i++) {
    calls[i]?.();
    await Promise.resolve();
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
  await Promise.all([...users, urgent]);
  assert.deepEqual(order, ["a", "b", "urgent", "c", "d"]);
});
