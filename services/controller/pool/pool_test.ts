import assert from "node:assert/strict";
import fc from "fast-check";
import { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { toHex } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { checkFields, History, type Rules } from "../auth/mod.ts";
import { initialSystemConfig, LockId } from "../system_config/mod.ts";
import { normalTx, settings, transaction, utxoTx } from "../testing/builders.ts";
import { dropExpired, estimateSize, packBlock, Pool } from "./mod.ts";

const HASH = await loadSm3();
const LIMITS = { countMax: 30_000, sizeMax: 12_000_000 };

function rules(height = 10n, changes: Partial<Rules["config"]> = {}): Rules {
  const config = { ...initialSystemConfig(settings(1).systemConfig), ...changes };
  return { config, height, history: new History() };
}

function keyOf(raw: RawTransaction): string {
  return toHex(rawTransactionHash(raw) ?? new Uint8Array());
}

function poolOf(...raws: readonly RawTransaction[]): Pool {
  const pool = new Pool();
  for (const raw of raws) pool.add(raw);
  return pool;
}

function normal(nonce: string, validUntilBlock = 90n): RawTransaction {
  return normalTx(HASH, transaction(nonce, { validUntilBlock }));
}

Deno.test("Pool.add() takes a transaction once", () => {
  const pool = new Pool();
  assert(pool.add(normal("1")));
  assert(!pool.add(normal("1")));
  assert(!pool.add({ tx: undefined }));
  assert.equal(pool.count, 1);
});

Deno.test("packBlock() takes transactions in order of arrival up to the limits", () => {
  const raws = ["1", "2", "3", "4"].map((nonce) => normal(nonce));
  const packed = packBlock(poolOf(...raws), rules(), { ...LIMITS, countMax: 3 });
  assert.deepEqual(packed, raws.slice(0, 3));
  const size = estimateSize(raws[0] ?? { tx: undefined });
  assert.equal(packBlock(poolOf(...raws), rules(), { ...LIMITS, sizeMax: 2 * size }).length, 2);
});

Deno.test("packBlock() leaves out a transaction that is too large for any block", () => {
  const large = normalTx(HASH, transaction("1", { data: new Uint8Array(1_000) }));
  const pool = poolOf(large, normal("2"));
  const packed = packBlock(pool, rules(), { ...LIMITS, sizeMax: 900 });
  assert.deepEqual(packed, [normal("2")]);
  assert.equal(pool.count, 2);
});

Deno.test("packBlock() drops what the next block cannot hold", () => {
  const kept = normal("kept", 12n);
  const pool = poolOf(normal("expired", 10n), normal("last block", 11n), kept);
  assert.deepEqual(packBlock(pool, rules(10n), LIMITS), [kept]);
  assert.equal(pool.count, 1);
});

Deno.test("packBlock() drops normal transactions while the brake is on", () => {
  const change = utxoTx(HASH, { lockId: LockId.EmergencyBrake });
  const pool = poolOf(normal("1"), change);
  assert.deepEqual(packBlock(pool, rules(10n, { emergencyBrake: true }), LIMITS), [change]);
  assert.equal(pool.count, 1);
});

Deno.test("packBlock() takes one change per item and drops overtaken ones", () => {
  const first = utxoTx(HASH, { lockId: LockId.BlockInterval, output: new Uint8Array(4) });
  const second = utxoTx(HASH, { lockId: LockId.BlockInterval, output: new Uint8Array(5) });
  const other = utxoTx(HASH, { lockId: LockId.Admin });
  const pool = poolOf(first, second, other);
  assert.deepEqual(packBlock(pool, rules(), LIMITS), [first, other]);
  assert.equal(pool.count, 3);
  const preHashes = new Map([[LockId.BlockInterval, new Uint8Array(32)]]);
  dropExpired(pool, rules(10n, { preHashes }));
  assert.deepEqual([...pool.values()].map(({ raw }) => raw), [other]);
});

Deno.test("estimateSize() is never below the encoded size", () => {
  const text = fc.oneof(fc.string({ maxLength: 130, unit: "grapheme" }), fc.constant(""));
  fc.assert(fc.property(text, fc.nat(2_000), fc.bigInt(0n, 2n ** 64n - 1n), (nonce, size, u64) => {
    const changes = { data: new Uint8Array(size), quota: u64, validUntilBlock: u64 };
    const raw = normalTx(HASH, transaction(nonce, changes));
    assert(estimateSize(raw) >= encode(RawTransaction, raw).length);
  }));
  const change = utxoTx(HASH, { output: new Uint8Array(2_000) });
  assert(estimateSize(change) >= encode(RawTransaction, change).length);
});

Deno.test("packBlock() gives only transactions that a checking node accepts, each once", () => {
  const entry = fc.record({
    nonce: fc.nat(30),
    validUntilBlock: fc.bigInt(8n, 125n),
    lockId: fc.option(fc.constantFrom(...Object.values(LockId))),
  });
  fc.assert(fc.property(
    fc.array(entry, { maxLength: 40 }),
    fc.nat(20),
    fc.boolean(),
    (entries, countMax, emergencyBrake) => {
      const raws = entries.map(({ nonce, validUntilBlock, lockId }) =>
        lockId === null
          ? normal(`${nonce}`, validUntilBlock)
          : utxoTx(HASH, { lockId, output: new Uint8Array(nonce) })
      );
      const judged = rules(10n, { emergencyBrake });
      const pool = poolOf(...raws);
      const packed = packBlock(pool, judged, { ...LIMITS, countMax });
      const keys = packed.map(keyOf);
      assert(packed.length <= countMax);
      assert.equal(new Set(keys).size, keys.length);
      for (const raw of packed) assert.equal(checkFields(raw, judged), StatusCode.Success);
      const order = [...new Set(raws.map(keyOf))];
      const positions = keys.map((key) => order.indexOf(key));
      assert.deepEqual(positions, positions.toSorted((a, b) => a - b));
      for (const key of keys) assert(pool.get(key) !== undefined);
      pool.remove(keys);
      assert.deepEqual(keys.filter((key) => pool.get(key) !== undefined), []);
    },
  ));
});
