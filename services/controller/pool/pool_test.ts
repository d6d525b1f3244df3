import assert from "node:assert/strict";
import fc from "fast-check";
import { RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { toHex, u32be } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { checkFields, History, type Rules } from "../auth/mod.ts";
import { initialSystemConfig, LockId } from "../system_config/mod.ts";
import { address, normalTx, settings, transaction, utxoTx } from "../testing/builders.ts";
import {
  dropExpired,
  estimateSize,
  packAhead,
  packBlock,
  Pool,
  VerifiedTransactions,
} from "./mod.ts";

const HASH = await loadSm3();
const LIMITS = { countMax: 30_000, sizeMax: 12_000_000, quotaMax: null };
const POOL_LIMITS = { countMax: 1_000, sizeMax: 1_000_000 };

function rules(height = 10n, changes: Partial<Rules["config"]> = {}): Rules {
  const config = { ...initialSystemConfig(settings(1).systemConfig), ...changes };
  return { config, height, history: new History() };
}

function keyOf(raw: RawTransaction): string {
  return toHex(rawTransactionHash(raw) ?? new Uint8Array());
}

function poolOf(...raws: readonly RawTransaction[]): Pool {
  const pool = new Pool(POOL_LIMITS);
  for (const raw of raws) pool.add(raw);
  return pool;
}

/** What {@linkcode packBlock} takes, as it was added. */
function pack(...args: Parameters<typeof packBlock>): RawTransaction[] {
  return packBlock(...args).map(({ raw }) => raw);
}

function normal(nonce: string, validUntilBlock = 90n, senderByte = 0x5e): RawTransaction {
  return normalTx(HASH, transaction(nonce, { validUntilBlock }), address(senderByte));
}

/** The first byte of the sender's address. */
function senderByteOf({ tx }: RawTransaction): number {
  assert(tx?.$case === "normalTx");
  return tx.value.witness?.sender[0] ?? 0;
}

Deno.test("Pool.add() takes a transaction once", () => {
  const pool = new Pool(POOL_LIMITS);
  assert(pool.add(normal("1")));
  assert(!pool.add(normal("1")));
  assert(!pool.add({ tx: undefined }));
  assert.equal(pool.count, 1);
});

Deno.test("packBlock() takes transactions in order of arrival up to the limits", () => {
  const raws = ["1", "2", "3", "4"].map((nonce) => normal(nonce));
  const packed = pack(poolOf(...raws), rules(), { ...LIMITS, countMax: 3 });
  assert.deepEqual(packed, raws.slice(0, 3));
  const size = encode(RawTransactions, { body: raws.slice(0, 1) }).length;
  assert.equal(pack(poolOf(...raws), rules(), { ...LIMITS, sizeMax: 2 * size }).length, 2);
});

Deno.test("packBlock() leaves out a transaction that is too large for any block", () => {
  const large = normalTx(HASH, transaction("1", { data: new Uint8Array(1_000) }));
  const pool = poolOf(large, normal("2"));
  const packed = pack(pool, rules(), { ...LIMITS, sizeMax: 900 });
  assert.deepEqual(packed, [normal("2")]);
  assert.equal(pool.count, 1, "it is dropped: no block has room for it");
});

Deno.test("packBlock() drops what the next block cannot hold", () => {
  const kept = normal("kept", 12n);
  const pool = poolOf(normal("expired", 10n), normal("last block", 11n), kept);
  assert.deepEqual(pack(pool, rules(10n), LIMITS), [kept]);
  assert.equal(pool.count, 1);
});

Deno.test("packBlock() drops normal transactions while the brake is on", () => {
  const change = utxoTx(HASH, { lockId: LockId.EmergencyBrake });
  const pool = poolOf(normal("1"), change);
  assert.deepEqual(pack(pool, rules(10n, { emergencyBrake: true }), LIMITS), [change]);
  assert.equal(pool.count, 1);
});

Deno.test("packBlock() takes one change per item and drops overtaken ones", () => {
  const first = utxoTx(HASH, { lockId: LockId.BlockInterval, output: new Uint8Array(4) });
  const second = utxoTx(HASH, { lockId: LockId.BlockInterval, output: new Uint8Array(5) });
  const other = utxoTx(HASH, { lockId: LockId.Admin });
  const pool = poolOf(first, second, other);
  assert.deepEqual(pack(pool, rules(), LIMITS), [first, other]);
  assert.equal(pool.count, 3);
  const preHashes = new Map([[LockId.BlockInterval, new Uint8Array(32)]]);
  dropExpired(pool, rules(10n, { preHashes }));
  assert.deepEqual([...pool.values()].map(({ raw }) => raw), [other]);
});

Deno.test("packBlock() fills a block to the byte", () => {
  const pool = poolOf(...["1", "2", "3"].map((nonce) => normal(nonce)));
  const sizeMax = encode(RawTransactions, { body: [normal("1"), normal("2")] }).length;
  assert.equal(pack(pool, rules(), { ...LIMITS, sizeMax }).length, 2);
  assert.equal(pack(pool, rules(), { ...LIMITS, sizeMax: sizeMax - 1 }).length, 1);
});

Deno.test("packAhead() packs only when more waits than fits, and drops nothing", () => {
  const pool = poolOf(normal("expired", 11n), ...["1", "2", "3"].map((nonce) => normal(nonce)));
  assert.equal(packAhead(pool, rules(10n), LIMITS), null);
  const packed = packAhead(pool, rules(10n), { ...LIMITS, countMax: 2 });
  assert.deepEqual(packed?.map(({ raw }) => raw), [normal("1"), normal("2")]);
  assert.equal(pool.count, 4);
});

Deno.test("estimateSize() is never below the encoded size", () => {
  const text = fc.oneof(fc.string({ maxLength: 130, unit: "grapheme" }), fc.constant(""));
  fc.assert(fc.property(text, fc.nat(2_000), fc.bigInt(0n, 2n ** 64n - 1n), (nonce, size, u64) => {
    const changes = { data: new Uint8Array(size), quota: u64, validUntilBlock: u64 };
    const raw = normalTx(HASH, transaction(nonce, changes));
    assert(estimateSize(raw) >= encode(RawTransactions, { body: [raw] }).length);
  }));
  const change = utxoTx(HASH, { output: new Uint8Array(2_000) });
  assert(estimateSize(change) >= encode(RawTransactions, { body: [change] }).length);
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
      const packed = pack(pool, judged, { ...LIMITS, countMax });
      const keys = packed.map(keyOf);
      assert(packed.length <= countMax);
      assert.equal(new Set(keys).size, keys.length);
      for (const raw of packed) assert.equal(checkFields(raw, judged), StatusCode.Success);
      // one sender: its own and the changes are each in order of arrival
      const order = [...new Set(raws.map(keyOf))];
      for (const kind of ["normalTx", "utxoTx"]) {
        const own = packed.filter(({ tx }) => tx?.$case === kind).map(keyOf);
        const positions = own.map((key) => order.indexOf(key));
        assert.deepEqual(positions, positions.toSorted((a, b) => a - b));
      }
      for (const key of keys) assert(pool.get(key) !== undefined);
      pool.remove(keys);
      assert.deepEqual(keys.filter((key) => pool.get(key) !== undefined), []);
    },
  ));
});

Deno.test("packBlock() gives senders their turns when more waits than fits", () => {
  const flood = Array.from({ length: 50 }, (_, i) => normal(`${i}`, 90n, 1));
  const others = [normal("a", 90n, 2), normal("b", 90n, 3), normal("c", 90n, 3)];
  const pool = poolOf(...flood, ...others);
  const packed = pack(pool, rules(), { ...LIMITS, countMax: 6 });
  assert.deepEqual(packed.map(senderByteOf), [1, 2, 3, 1, 3, 1]);
  assert.deepEqual(
    packed.filter((raw) => senderByteOf(raw) === 1),
    flood.slice(0, 3),
    "a sender's own in order of arrival",
  );
});

Deno.test("packBlock() serves every sender in time when there are more than a block holds", () => {
  const pool = poolOf();
  for (const sender of [1, 2, 3, 4, 5]) {
    for (let i = 0; i < 4; i++) pool.add(normal(`${sender}/${i}`, 90n, sender));
  }
  const served: number[] = [];
  while (pool.count > 0) {
    const packed = pack(pool, rules(), { ...LIMITS, countMax: 2 });
    served.push(...packed.map(senderByteOf));
    pool.remove(packed.map(keyOf));
  }
  for (let turn = 0; turn < 4; turn++) {
    assert.deepEqual(served.slice(5 * turn, 5 * turn + 5).toSorted(), [1, 2, 3, 4, 5]);
  }
});

Deno.test("packBlock() takes changes of the configuration before a flood", () => {
  const change = utxoTx(HASH, { lockId: LockId.EmergencyBrake });
  const pool = poolOf(...["1", "2", "3"].map((nonce) => normal(nonce)), change);
  assert.deepEqual(pack(pool, rules(), { ...LIMITS, countMax: 1 }), [change]);
});

function asking(quota: bigint, sender: number, nonce = "1"): RawTransaction {
  return normalTx(HASH, transaction(nonce, { quota }), address(sender));
}

Deno.test("packBlock() fills a block up to its quota; what asks for too much blocks nobody", () => {
  const [first, large, last] = [asking(60_000n, 1), asking(50_000n, 2), asking(30_000n, 3)];
  const pool = poolOf(asking(2n ** 64n - 1n, 4), first, large, last);
  const packed = pack(pool, rules(), { ...LIMITS, quotaMax: 100_000n });
  assert.deepEqual(packed, [first, last]);
  assert.equal(pool.count, 3);
});

Deno.test("packBlock() drops what exceeds the quota of a block, however many senders it has", () => {
  const pool = new Pool({ countMax: 10_000, sizeMax: 100_000_000 });
  const inner = transaction("1", { quota: 100_001n });
  for (let i = 0; i < 1_500; i++) {
    const sender = new Uint8Array(20);
    sender.set(u32be(i));
    pool.add(normalTx(HASH, { ...inner, nonce: `${i}` }, sender));
  }
  const good = asking(100_000n, 0xee);
  pool.add(good);
  assert.deepEqual(pack(pool, rules(), { ...LIMITS, quotaMax: 100_000n }), [good]);
  assert.equal(pool.count, 1);
});

Deno.test("packBlock() lets nothing of a sender overtake what does not fit", () => {
  const own = [asking(60_000n, 1, "1"), asking(50_000n, 1, "2"), asking(30_000n, 1, "3")];
  const other = asking(25_000n, 2);
  const pool = poolOf(...own, other);
  const packed = pack(pool, rules(), { ...LIMITS, quotaMax: 120_000n });
  assert.deepEqual(packed, [own[0], other]);
  pool.remove(packed.map(keyOf));
  const next = pack(pool, rules(), { ...LIMITS, quotaMax: 100_000n });
  assert.deepEqual(next, own.slice(1));
});

/** A transaction of the same content under any hash; tells of every look at it. */
function watched(i: number, onLook: () => void): RawTransaction {
  const hash = new Uint8Array(32);
  hash.set(u32be(i));
  const { tx } = WATCHED;
  assert(tx?.$case === "normalTx");
  const sender = address(i % 200);
  const value = { ...tx.value, transactionHash: hash, witness: { signature: hash, sender } };
  return Object.defineProperty({ tx: undefined }, "tx", {
    get() {
      onLook();
      return { $case: "normalTx", value };
    },
  });
}

const WATCHED = normal("watched");

Deno.test("a block costs what it holds while 100,000 transactions wait", () => {
  let looks = 0;
  const pool = new Pool({ countMax: 200_000, sizeMax: 1_000_000_000 });
  for (let i = 0; i < 100_000; i++) pool.add(watched(i, () => looks++));
  looks = 0;
  const limits = { ...LIMITS, countMax: 100, quotaMax: 10n ** 12n };
  const packed = pack(pool, rules(), limits);
  pool.remove(packed.map(keyOf));
  dropExpired(pool, rules(11n));
  assert(pool.hasRoom(watched(200_000, () => looks++)));
  assert.deepEqual([packed.length, pool.count], [100, 99_900]);
  assert(looks < 20 * packed.length, `${looks} looks`);
});

Deno.test("VerifiedTransactions remembers the last ones within its limits", () => {
  const raws = Array.from({ length: 30 }, (_, i) => normal(`${100 + i}`));
  const size = estimateSize(normal("100"));
  for (
    const limits of [{ countMax: 4, sizeMax: 1e9 }, { countMax: 1e9, sizeMax: 4 * size }]
  ) {
    const verified = new VerifiedTransactions(limits);
    for (const [i, raw] of raws.entries()) {
      assert(!verified.has(raw));
      verified.add(raw);
      const known = raws.filter((other) => verified.has(other));
      assert.deepEqual(known, raws.slice(i + 1 - known.length, i + 1));
      assert(known.length >= Math.min(i + 1, 4) && known.length <= 8, `${known.length}`);
    }
  }
});

let lastNonce = 0;

/** Sends until there is no room; gives the number of those that were taken. */
function flood(pool: Pool, sender: number, dataSize = 0): number {
  const data = new Uint8Array(dataSize);
  for (let taken = 0;; taken++) {
    const raw = normalTx(HASH, transaction(`${lastNonce++}`, { data }), address(sender));
    if (!pool.hasRoom(raw)) return taken;
    pool.add(raw);
  }
}

function heldBy(pool: Pool, sender: number): string[] {
  return [...pool.values()].filter(({ raw }) => senderByteOf(raw) === sender)
    .map(({ key }) => key);
}

Deno.test("Pool.hasRoom() refuses beyond the count and the size, never the admin", () => {
  const pool = new Pool({ countMax: 4, sizeMax: 1_000_000 });
  for (const sender of [5, 6, 7, 8]) {
    assert(pool.hasRoom(normal(`${sender}`, 90n, sender)));
    pool.add(normal(`${sender}`, 90n, sender));
  }
  assert(!pool.hasRoom(normal("2", 90n, 4)));
  assert(pool.hasRoom(utxoTx(HASH, { lockId: LockId.Admin })));
  const small = new Pool({ countMax: 100, sizeMax: 2 * estimateSize(normal("1")) });
  small.add(normal("1"));
  assert(small.hasRoom(normal("2", 90n, 2)));
  small.add(normal("2", 90n, 2));
  assert(!small.hasRoom(normal("3", 90n, 3)));
});

Deno.test("Pool.hasRoom() lets a lone sender use most of the pool and starves no later one", () => {
  const pool = new Pool({ countMax: 80, sizeMax: 1_000_000_000 });
  assert.equal(flood(pool, 1), 70);
  for (const sender of [2, 3]) assert(flood(pool, sender) > 0, `sender ${sender}`);
  // blocks take them in turns; however eager the first is, all come to have their share
  for (let block = 0; block < 20; block++) {
    pool.remove([...pool.inTurns(new Set())].slice(0, 9).map(({ key }) => key));
    for (const sender of [1, 2, 3]) flood(pool, sender);
  }
  const held = [1, 2, 3].map((sender) => heldBy(pool, sender).length);
  assert(held.every((count) => count >= 17), `${held}`);
  assert(pool.hasRoom(normal("late", 90n, 4)));
});

Deno.test("Pool.hasRoom() counts the bytes of a sender too", () => {
  const pool = new Pool({ countMax: 1_000_000, sizeMax: 800_000 });
  flood(pool, 1, 10_000);
  assert(pool.size > 600_000 && pool.size <= 710_000, `${pool.size}`);
  assert(flood(pool, 2, 10_000) > 3);
});

Deno.test("Pool.reserve() takes room for all or none until they are released", () => {
  const pool = new Pool({ countMax: 3, sizeMax: 1_000_000 });
  const raws = ["1", "2"].map((nonce) => normal(nonce));
  assert(pool.reserve(raws));
  assert.equal(pool.count, 0);
  const others = ["3", "4"].map((nonce) => normal(nonce, 90n, 2));
  assert(!pool.reserve(others));
  assert(pool.reserve(others.slice(0, 1)));
  assert(!pool.hasRoom(normal("5", 90n, 3)));
  pool.release(raws);
  assert(pool.reserve(others.slice(1)));
  assert(pool.hasRoom(normal("5", 90n, 3)));
});

Deno.test("Pool.reserve() bounds the changes of the configuration that nobody has verified", () => {
  const pool = poolOf();
  const forged = (i: number) => utxoTx(HASH, { lockId: LockId.Admin, output: u32be(i) });
  let taken = 0;
  while (taken < 2_000 && pool.reserve([forged(taken)])) taken++;
  assert(taken > 500 && taken < 1_000, `${taken}`);
  const large = utxoTx(HASH, { lockId: LockId.Admin, output: new Uint8Array(20_000_000) });
  assert(!poolOf().reserve([large]));
  assert(pool.hasRoom(normal("1")));
});

Deno.test("Pool keeps count, size and indexes together whatever comes and goes", () => {
  const step = fc.record({
    nonce: fc.nat(40),
    sender: fc.integer({ min: 1, max: 4 }),
    until: fc.bigInt(11n, 30n),
    action: fc.constantFrom("add", "add", "add", "remove", "expire", "change"),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const pool = poolOf();
    for (const { nonce, sender, until, action } of steps) {
      const raw = action === "change"
        ? utxoTx(HASH, { lockId: LockId.Admin, output: new Uint8Array(nonce) })
        : normal(`${nonce}`, until, sender);
      if (action === "expire") pool.removeExpired((last) => last <= until);
      else if (action === "remove") pool.remove([keyOf(raw)]);
      else pool.add(raw);
    }
    const all = [...pool.values()];
    const inTurns = [...pool.inTurns(new Set())];
    assert.equal(pool.count, all.length);
    assert.equal(pool.size, all.reduce((sum, { encoded }) => sum + encoded.length, 0));
    assert.deepEqual(new Set(inTurns), new Set(all));
    assert.equal(inTurns.length, all.length);
    pool.removeExpired(() => true);
    pool.remove([...pool.changes()].map(({ key }) => key));
    assert.deepEqual([pool.count, pool.size, [...pool.inTurns(new Set())].length], [0, 0, 0]);
  }));
});
