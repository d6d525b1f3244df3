import assert from "node:assert/strict";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { bloomOf, mergeBlooms } from "./bloom.ts";
import { loadFastKeccak } from "./keccak.ts";

const keccak = await loadFastKeccak();

function setBytes(bloom: Bytes): [number, number][] {
  return Array.from(bloom).map((byte, i): [number, number] => [i, byte]).filter(([, b]) => b !== 0);
}

Deno.test("bloomOf() of the zero address sets the published bits", () => {
  const bloom = bloomOf([{ address: new Uint8Array(20), topics: [] }], keccak);
  assert.equal(bloom.length, 256);
  assert.deepEqual(setBytes(bloom), [[9, 0x80], [47, 0x02], [143, 0x01]]);
});

Deno.test("bloomOf() adds the bits of each topic", () => {
  const bloom = bloomOf([{ address: new Uint8Array(20), topics: [new Uint8Array(32)] }], keccak);
  assert.deepEqual(setBytes(bloom), [
    [9, 0x80],
    [47, 0x02],
    [100, 0x02],
    [110, 0x08],
    [143, 0x01],
    [222, 0x20],
  ]);
});

Deno.test("bloomOf() without logs is zero and mergeBlooms() is the bitwise or", () => {
  assert.deepEqual(setBytes(bloomOf([], keccak)), []);
  const logs = ["00", "aa", "bb"].map((byte) => ({
    address: fromHex(byte.repeat(20)),
    topics: [fromHex(byte.repeat(32))],
  }));
  const apart = mergeBlooms(logs.map((log) => bloomOf([log], keccak)));
  assert.deepEqual(apart, bloomOf(logs, keccak));
  assert.deepEqual(setBytes(mergeBlooms([])), []);
});
