import assert from "node:assert/strict";
import { concatBytes, fromHex, toHex, uintToBytes } from "../../../../shared/bytes/mod.ts";
import { loadPrecompiles, type Precompile } from "./mod.ts";

const precompiles = await loadPrecompiles();

function at(address: number): Precompile {
  const precompile = precompiles(address);
  assert.ok(precompile !== undefined);
  return precompile;
}

const run = (address: number, input: string) => {
  const output = at(address).run(fromHex(input));
  return output === null ? null : toHex(output);
};

const HASH = "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c";
const R = "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f";
const S = "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549";
const word = (value: bigint) => toHex(uintToBytes(value, 32));
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

Deno.test("ecrecover finds the published signer, whose s is high", () => {
  const signer = "000000000000000000000000a94f5374fce5edbc8e2a8697c15331677e6ebf0b";
  assert.equal(run(1, HASH + word(28n) + R + S), signer);
  assert.equal(run(1, HASH + word(28n) + R + S + "ff".repeat(40)), signer);
  const lowS = word(ORDER - BigInt(`0x${S}`));
  assert.equal(run(1, HASH + word(27n) + R + lowS), signer);
  assert.equal(at(1).gas(new Uint8Array(1000)), 3000n);
});

const NO_SIGNER: readonly [string, string][] = [
  ["an empty input", ""],
  ["v = 0", HASH + word(0n) + R + S],
  ["v = 29", HASH + word(29n) + R + S],
  ["v with a high byte", HASH + "01" + word(28n).slice(2) + R + S],
  ["r = 0", HASH + word(28n) + word(0n) + S],
  ["s = 2^56 - 1, below upstream's bound", HASH + word(28n) + R + word((1n << 56n) - 1n)],
  ["r = the order", HASH + word(28n) + word(ORDER) + S],
  ["s = the order", HASH + word(28n) + R + word(ORDER)],
  ["an r that is no point", HASH + word(28n) + word(ORDER - 1n) + S],
  ["s cut off, padded with zeros", HASH + word(28n) + R],
];

for (const [name, input] of NO_SIGNER) {
  Deno.test(`ecrecover gives an empty output for ${name}`, () => assert.equal(run(1, input), ""));
}

Deno.test("ecrecover accepts s = 2^56, upstream's lower bound", () => {
  assert.match(run(1, HASH + word(28n) + R + word(1n << 56n)) ?? "", /^0{24}[0-9a-f]{40}$/);
});

Deno.test("sha256 gives the published digests and costs 60 + 12 per word", () => {
  assert.equal(run(2, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(
    run(2, "616263"),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assert.deepEqual([0, 1, 32, 33].map((size) => at(2).gas(new Uint8Array(size))), [
    60n,
    72n,
    72n,
    84n,
  ]);
});

Deno.test("ripemd160 gives the published digests as a word and costs 600 + 120 per word", () => {
  const zeros = "0".repeat(24);
  assert.equal(run(3, ""), `${zeros}9c1185a5c5e9fc54612808977ee8f548b2258d31`);
  assert.equal(run(3, "616263"), `${zeros}8eb208f7e05d987a9b044a8e98c6b087f15a0bfc`);
  assert.deepEqual([0, 1, 33].map((size) => at(3).gas(new Uint8Array(size))), [600n, 720n, 840n]);
});

Deno.test("identity copies its input and costs 15 + 3 per word", () => {
  const input = fromHex("01020304");
  const output = at(4).run(input);
  assert.deepEqual(output, input);
  assert.notEqual(output, input);
  assert.equal(at(4).gas(input), 18n);
});

Deno.test("modexp and the three contracts on bn256 have a price and always fail", () => {
  const pairs = concatBytes(new Uint8Array(192), new Uint8Array(191));
  const prices = [[5, 0n], [6, 500n], [7, 40_000n], [8, 180_000n]] as const;
  for (const [address, gas] of prices) {
    assert.equal(at(address).gas(pairs), gas);
    assert.equal(at(address).run(pairs), null);
  }
});

Deno.test("loadPrecompiles() knows the addresses 1 to 8 only", () => {
  assert.equal(precompiles(0), undefined);
  assert.equal(precompiles(9), undefined);
});
