import assert from "node:assert/strict";
import { CallRequest } from "../../../../proto/gen/executor.ts";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { FieldError } from "../../fields.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { deploy, push, pushAll, RETURN_WORD } from "../../testing/code.ts";
import { SENDER, TestChain } from "../../testing/test_chain.ts";
import { finish } from "../work.ts";
import { callContract, estimateQuota } from "./call.ts";
import { executorHash } from "./header.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

/** A chain with a contract of that code. */
function chainWith(code: string): { test: TestChain; to: string } {
  const test = new TestChain(parts, sm3);
  test.grow();
  const [receipt] = test.grow({ data: deploy(code) }).receipts;
  assert.equal(receipt?.errorMessage, "");
  return { test, to: toHex(receipt?.contractAddress ?? new Uint8Array()) };
}

function request(to: string, method = "", change: Partial<CallRequest> = {}): CallRequest {
  const from = new Uint8Array(0);
  return { to: fromHex(to), from, method: fromHex(method), args: [], height: 0n, ...change };
}

function call(
  { test, to }: { test: TestChain; to: string },
  change: Partial<CallRequest> = {},
): string {
  const answer = finish(callContract(test.chain, request(to, "", change)));
  return answer.kind === "value" ? toHex(answer.value) : answer.message;
}

const word = (value: number | bigint) => value.toString(16).padStart(64, "0");

Deno.test("callContract() shows the block and the transaction as the reference does", () => {
  const code = "60014303406000524360205" + "23a60405232606052465a60a05260c06000f3";
  const { test, to } = chainWith(code);
  while (test.chain.header.height < 6n) test.grow();
  const value = call({ test, to }, { from: fromHex("dd".repeat(20)) });
  const words = value.match(/.{64}/g) ?? [];
  assert.equal(words[0], toHex(executorHash(test.chain.header, sm3)), "one block off");
  assert.equal(words[1], word(6));
  assert.equal(words[2], word(0));
  assert.equal(words[3], "0".repeat(24) + "dd".repeat(20));
});

Deno.test("callContract() gives a call 49,979,000 of quota", () => {
  const contract = chainWith("5a" + RETURN_WORD);
  assert.equal(call(contract), word(50_000_000 - 21_000 - 2));
});

Deno.test("callContract() keeps no change", () => {
  const contract = chainWith("600054600101806000" + "55" + RETURN_WORD);
  assert.equal(call(contract), word(1));
  assert.equal(call(contract), word(1));
  const before = toHex(contract.test.chain.header.stateRoot);
  assert.equal(contract.test.grow().root, before);
});

Deno.test("callContract() of an address without code, also before the genesis, is empty", () => {
  const test = new TestChain(parts, sm3);
  assert.equal(call({ test, to: "01".repeat(20) }), "");
  assert.equal(call({ test, to: "ffffffffffffffffffffffffffffffffff010002" }), "");
});

/** Code that reverts with an ABI-encoded text of less than 33 bytes. */
function revertWith(text: string, size = text.length / 2): string {
  return push(BigInt(`0x08c379a0${"0".repeat(56)}`)) + "600052" + "6020600452" +
    push(size) + "602452" + push(BigInt(`0x${text.padEnd(64, "0")}`)) + "604452" + "60646000fd";
}

Deno.test("callContract() tells the reason of a revert, or gives its bytes", () => {
  const reason = toHex(new TextEncoder().encode("child says no"));
  assert.equal(call(chainWith(revertWith(reason))), "Reverted: child says no");
  // as the reference: no text is a reason if there is room for one
  assert.equal(call(chainWith(revertWith(""))), "Reverted: ");
  assert.match(call(chainWith(revertWith("").replace("6064", "6044"))), /^08c379a0.{128}$/);
  assert.match(call(chainWith(revertWith("ff"))), /^08c379a0/);
  assert.equal(call(chainWith("60aa60005260206000fd")), word(0xaa));
  assert.equal(call(chainWith("60006000fd")), "");
});

Deno.test("callContract() of code that fails is empty", () => {
  for (const code of ["fe", "5b600056", "01", "600156"]) {
    assert.equal(call(chainWith(code)), "");
  }
});

Deno.test("callContract() reads an earlier height when one is asked for", () => {
  const contract = chainWith("600054600101806000" + "55" + RETURN_WORD);
  const { test, to } = contract;
  test.grow({ to });
  test.grow({ to });
  assert.equal(call(contract), word(3));
  assert.equal(call(contract, { height: 2n }), word(2));
  assert.equal(call(contract, { height: 3n }), word(3));
  assert.match(call(contract, { height: 99n }), /^Call Error .*\(Couldn't find the transaction/);
});

Deno.test("callContract() refuses addresses of another size", () => {
  const { test } = chainWith("00");
  for (const [to, from] of [["", ""], ["01", ""], ["01".repeat(20), "02"]] as const) {
    assert.throws(
      () => finish(callContract(test.chain, request(to, "", { from: fromHex(from) }))),
      FieldError,
    );
  }
});

Deno.test("estimateQuota() is what the transaction then uses", () => {
  const { test, to } = chainWith("600054600101806000" + "55" + RETURN_WORD);
  const quota = finish(estimateQuota(test.chain, request(to)));
  assert.equal(quota, 21_000n + 50n + 20_000n + 10n * 3n);
  const [receipt] = test.grow({ to, quota: quota ?? 0n }).receipts;
  assert.equal(receipt?.errorMessage, "");
  const creation = request("00".repeat(20), "60006000f3", { from: fromHex(SENDER) });
  assert.equal(finish(estimateQuota(test.chain, creation)), 53_006n);
});

Deno.test("estimateQuota() searches when code needs more quota than it uses", () => {
  // fails with less than a million of gas at its start
  const { test, to } = chainWith(`${push(1_000_000)}5a11600a57fe5b00`);
  const needed = 1_021_000n + 6n;
  const quota = finish(estimateQuota(test.chain, request(to))) ?? 0n;
  assert(quota >= needed && quota <= needed + 1024n, String(quota));
  assert.equal(test.grow({ to, quota }).receipts[0]?.errorMessage, "");
});

Deno.test("estimateQuota() of a transaction that fails is null, also of a loop without end", () => {
  for (const code of ["fe", "60006000fd", "5b600056"]) {
    const { test, to } = chainWith(code);
    assert.equal(finish(estimateQuota(test.chain, request(to))), null);
  }
});

Deno.test("contracts that destructed themselves are gone from the next transaction on", () => {
  const { test, to } = chainWith("6000ff");
  const caller = `0x${to}`;
  const callIt = pushAll(0, 0, 0, 0, 0, BigInt(caller), 5) + "f1";
  const [, again, viaCall] =
    test.grow({ to }, { to }, { data: callIt + "00", quota: 200_000n }).receipts;
  const used = (receipt: typeof again) =>
    Number(`0x${toHex(receipt?.cumulativeQuotaUsed ?? new Uint8Array())}`);
  assert.equal(used(again), 21_000);
  assert.equal(used(viaCall), 53_000 + 21 + 40 + 25_000);
});
