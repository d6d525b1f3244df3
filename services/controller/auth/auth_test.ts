import assert from "node:assert/strict";
import type { RawTransaction, Transaction } from "../../../proto/gen/blockchain.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { initialSystemConfig, LockId } from "../system_config/mod.ts";
import { address, ADMIN, normalTx, settings, transaction, utxoTx } from "../testing/builders.ts";
import {
  checkDigest,
  checkFields,
  checkSingleFields,
  History,
  type Rules,
  sameTransaction,
} from "./mod.ts";

const HASH = await loadSm3();
const U64_MAX = 0xffff_ffff_ffff_ffffn;
const DIGEST = { hash: HASH, signatureSize: 128 };

function rules(changes: Partial<Rules["config"]> = {}, height = 10n): Rules {
  const config = { ...initialSystemConfig(settings(1).systemConfig), ...changes };
  return { config, height, history: new History() };
}

function normal(changes: Partial<Transaction> = {}): RawTransaction {
  return normalTx(HASH, transaction("1", changes));
}

function expectCode(raw: RawTransaction, wanted: StatusCode, judged = rules()): void {
  assert.equal(statusName(checkSingleFields(raw, judged)), statusName(wanted));
}

Deno.test("checkSingleFields() judges the fields of a normal transaction", () => {
  const cases: [Partial<Transaction>, StatusCode][] = [
    [{}, StatusCode.Success],
    [{ version: 1 }, StatusCode.InvalidVersion],
    [{ to: new Uint8Array(0) }, StatusCode.Success],
    [{ to: new Uint8Array(19) }, StatusCode.InvalidTo],
    [{ to: new Uint8Array(21) }, StatusCode.InvalidTo],
    [{ nonce: "" }, StatusCode.Success],
    [{ nonce: "x".repeat(128) }, StatusCode.Success],
    [{ nonce: "x".repeat(129) }, StatusCode.InvalidNonce],
    [{ nonce: "é".repeat(64) }, StatusCode.Success],
    [{ nonce: "é".repeat(65) }, StatusCode.InvalidNonce],
    [{ nonce: "汉".repeat(43) }, StatusCode.InvalidNonce],
    [{ validUntilBlock: 10n }, StatusCode.InvalidValidUntilBlock],
    [{ validUntilBlock: 11n }, StatusCode.Success],
    [{ validUntilBlock: 110n }, StatusCode.Success],
    [{ validUntilBlock: 111n }, StatusCode.InvalidValidUntilBlock],
    [{ validUntilBlock: U64_MAX }, StatusCode.InvalidValidUntilBlock],
    [{ value: new Uint8Array(31) }, StatusCode.InvalidValue],
    [{ value: new Uint8Array(33) }, StatusCode.InvalidValue],
    [{ value: new Uint8Array(0) }, StatusCode.InvalidValue],
    [{ chainId: new Uint8Array(32) }, StatusCode.InvalidChainId],
    [{ chainId: new Uint8Array(0) }, StatusCode.InvalidChainId],
    [{ quota: 0n }, StatusCode.Success],
    [{ quota: U64_MAX }, StatusCode.Success],
  ];
  for (const [changes, wanted] of cases) expectCode(normal(changes), wanted);
});

Deno.test("checkSingleFields() reports the first of several problems", () => {
  const raw = normal({ version: 1, to: new Uint8Array(1), value: new Uint8Array(1) });
  expectCode(raw, StatusCode.InvalidVersion);
  expectCode(raw, StatusCode.EmergencyBrake, rules({ emergencyBrake: true }));
  expectCode(withoutWitness(raw), StatusCode.NoneWitness, rules({ emergencyBrake: true }));
  expectCode({ tx: undefined }, StatusCode.NoTransaction);
});

function withoutWitness({ tx }: RawTransaction): RawTransaction {
  assert(tx?.$case === "normalTx");
  return { tx: { $case: "normalTx", value: { ...tx.value, witness: undefined } } };
}

function withoutTransaction({ tx }: RawTransaction): RawTransaction {
  assert(tx !== undefined);
  return tx.$case === "normalTx"
    ? { tx: { $case: "normalTx", value: { ...tx.value, transaction: undefined } } }
    : { tx: { $case: "utxoTx", value: { ...tx.value, transaction: undefined } } };
}

Deno.test("checkFields() of a batch knows nothing of witnesses", () => {
  assert.equal(checkFields(withoutWitness(normal()), rules()), StatusCode.Success);
  assert.equal(checkFields({ tx: undefined }, rules()), StatusCode.NoneRawTx);
  assert.equal(checkFields(withoutTransaction(normal()), rules()), StatusCode.NoneTransaction);
});

Deno.test("checkFields() wraps the last block at 64 bits as the reference does", () => {
  const judged = rules({ blockLimit: U64_MAX }, 5n);
  expectCode(normal({ validUntilBlock: 6n }), StatusCode.InvalidValidUntilBlock, judged);
  expectCode(
    normal({ validUntilBlock: 6n }),
    StatusCode.InvalidValidUntilBlock,
    rules({ blockLimit: 0n }, 5n),
  );
});

Deno.test("checkFields() refuses what is in the history", () => {
  const history = new History();
  const raw = normal();
  const hashes = [toHex(raw.tx?.value.transactionHash ?? new Uint8Array())];
  history.add({ height: 9n, hashes, blockLimit: 100n });
  expectCode(raw, StatusCode.HistoryDupTx, { ...rules(), history });
});

Deno.test("checkSingleFields() judges changes of the system configuration", () => {
  const two = utxoTx(HASH, {});
  assert(two.tx?.$case === "utxoTx");
  const [witness] = two.tx.value.witnesses;
  assert(witness !== undefined);
  const withWitnesses = (count: number): RawTransaction => ({
    tx: {
      $case: "utxoTx",
      value: { ...utxoValue(two), witnesses: Array.from({ length: count }, () => witness) },
    },
  });
  expectCode(withWitnesses(0), StatusCode.InvalidWitness);
  expectCode(withWitnesses(2), StatusCode.InvalidWitness);
  expectCode(utxoTx(HASH, { sender: address(1) }), StatusCode.AdminCheckError);
  expectCode(withoutTransaction(two), StatusCode.NoneUtxo);
  expectCode(utxoTx(HASH, { version: 1, lockId: 999n }), StatusCode.InvalidVersion);
  expectCode(utxoTx(HASH, { lockId: 999n }), StatusCode.InvalidLockId);
  expectCode(utxoTx(HASH, { lockId: 1007n }), StatusCode.InvalidLockId);
  expectCode(utxoTx(HASH, { lockId: U64_MAX }), StatusCode.InvalidLockId);
  expectCode(utxoTx(HASH, { preTxHash: new Uint8Array(32) }), StatusCode.InvalidPreHash);
  expectCode(two, StatusCode.Success, rules({ emergencyBrake: true }));
});

function utxoValue({ tx }: RawTransaction) {
  assert(tx?.$case === "utxoTx");
  return tx.value;
}

Deno.test("checkDigest() checks hash and lengths in order", () => {
  const good = normal();
  assert(good.tx?.$case === "normalTx" && good.tx.value.witness !== undefined);
  const { value } = good.tx;
  const { witness } = value;
  assert(witness !== undefined);
  const variant = (transactionHash: Bytes, signature: Bytes): RawTransaction => ({
    tx: {
      $case: "normalTx",
      value: { ...value, transactionHash, witness: { ...witness, signature } },
    },
  });
  const { transactionHash } = value;
  const short = new Uint8Array(1);
  assert.equal(checkDigest(good, DIGEST), StatusCode.Success);
  assert.equal(checkDigest(variant(short, short), DIGEST), StatusCode.HashLenError);
  assert.equal(checkDigest(variant(new Uint8Array(32), short), DIGEST), StatusCode.HashCheckError);
  assert.equal(checkDigest(variant(transactionHash, short), DIGEST), StatusCode.SigLenError);
  assert.equal(checkDigest(utxoTx(HASH, {}), DIGEST), StatusCode.Success);
});

Deno.test("sameTransaction() sees every difference", () => {
  assert(sameTransaction(normal(), normal()));
  assert(sameTransaction(utxoTx(HASH, {}), utxoTx(HASH, {})));
  const base = normal();
  assert(base.tx?.$case === "normalTx");
  const { value } = base.tx;
  const others: RawTransaction[] = [
    { tx: undefined },
    utxoTx(HASH, {}),
    withoutWitness(base),
    withoutTransaction(base),
    { tx: { $case: "normalTx", value: { ...value, transaction: transaction("2") } } },
    {
      tx: {
        $case: "normalTx",
        value: { ...value, witness: { signature: new Uint8Array(128), sender: address(0x5e) } },
      },
    },
  ];
  for (const other of others) assert(!sameTransaction(base, other));
  assert(!sameTransaction({ tx: undefined }, { tx: undefined }));
  const change = utxoTx(HASH, {});
  const bare = { ...utxoValue(change), witnesses: [] };
  assert(!sameTransaction(change, { tx: { $case: "utxoTx", value: bare } }));
  assert(!sameTransaction(change, withoutTransaction(change)));
});

Deno.test("History remembers the blocks of its window and no more", () => {
  const history = new History();
  for (let height = 1n; height <= 10n; height++) {
    history.add({ height, hashes: [`${height}`], blockLimit: 4n });
  }
  const remembered = [6, 7, 8, 9, 10].filter((height) => history.has(`${height}`));
  assert.deepEqual(remembered, [7, 8, 9, 10]);
  assert.equal(history.count, 4);
  assert(!history.after(-5n).has("never"));
  const recent = history.after(8n);
  assert.deepEqual([8, 9, 10, 11].filter((height) => recent.has(`${height}`)), [9, 10]);
});

Deno.test("History keeps a block for as long as the limit that it was made under says", () => {
  const history = new History();
  history.add({ height: 1n, hashes: ["long"], blockLimit: 10n });
  for (let height = 2n; height <= 10n; height++) {
    history.add({ height, hashes: [`${height}`], blockLimit: 2n });
    assert(history.has("long"), `height ${height}`);
    assert.equal(history.count, height === 2n ? 2 : 3);
  }
  history.add({ height: 11n, hashes: [], blockLimit: 100n });
  assert(!history.has("long"));
});

Deno.test("A transaction is in the history for as long as it is valid", () => {
  // valid_until_block of a transaction in block h is at most h - 1 + limit: at that height and
  // later the field check refuses it, before that the history does
  const limit = 5n;
  const history = new History();
  const raw = normal({ validUntilBlock: 4n + limit });
  const hashes = [toHex(raw.tx?.value.transactionHash ?? new Uint8Array())];
  history.add({ height: 5n, hashes, blockLimit: limit });
  for (let height = 5n; height < 20n; height++) {
    if (height > 5n) history.add({ height, hashes: [], blockLimit: limit });
    const judged = { ...rules({ blockLimit: limit }, height), history };
    assert.notEqual(checkFields(raw, judged), StatusCode.Success, `height ${height}`);
  }
});

Deno.test("The admin can take the brake off, whoever else cannot", () => {
  const judged = rules({ emergencyBrake: true });
  expectCode(utxoTx(HASH, { lockId: LockId.EmergencyBrake, sender: ADMIN }), 0, judged);
  expectCode(normal(), StatusCode.EmergencyBrake, judged);
});
