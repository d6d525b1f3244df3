import assert from "node:assert/strict";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { LogBlooms, mergeBlooms } from "./bloom.ts";
import { loadFastKeccak } from "./keccak.ts";

const keccak = await loadFastKeccak();
const blooms = new LogBlooms(keccak);

function setBytes(bloom: Bytes): [number, number][] {
  return Array.from(bloom).map((byte, i): [number, number] => [i, byte]).filter(([, b]) => b !== 0);
}

Deno.test("LogBlooms of the zero address sets the published bits", () => {
  const bloom = blooms.of([{ address: new Uint8Array(20), topics: [] }]);
  assert.equal(bloom.length, 256);
  assert.deepEqual(setBytes(bloom), [[9, 0x80], [47, 0x02], [143, 0x01]]);
});

Deno.test("LogBlooms adds the bits of each topic", () => {
  const bloom = blooms.of([{ address: new Uint8Array(20), topics: [new Uint8Array(32)] }]);
  assert.deepEqual(setBytes(bloom), [
    [9, 0x80],
    [47, 0x02],
    [100, 0x02],
    [110, 0x08],
    [143, 0x01],
    [222, 0x20],
  ]);
});

Deno.test("LogBlooms without logs is zero and mergeBlooms() is the bitwise or", () => {
  assert.deepEqual(setBytes(blooms.of([])), []);
  const logs = ["00", "aa", "bb"].map((byte) => ({
    address: fromHex(byte.repeat(20)),
    topics: [fromHex(byte.repeat(32))],
  }));
  const apart = mergeBlooms(logs.map((log) => blooms.of([log])));
  assert.deepEqual(apart, blooms.of(logs));
  assert.deepEqual(setBytes(mergeBlooms([])), []);
});

Deno.test("LogBlooms gives an item the same bits when it knows them already", () => {
  let hashed = 0;
  const counting = new LogBlooms((data) => {
    hashed++;
    return keccak(data);
  });
  const log = { address: fromHex("aa".repeat(20)), topics: [fromHex("bb".repeat(32))] };
  assert.deepEqual(counting.of([log]), counting.of([log, log]));
  assert.equal(hashed, 2);
});
