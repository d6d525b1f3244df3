/** The precompiled contracts as code and transactions call them (spec/executor_evm.md, 7.1 and 8.1). */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import {
  type Bytes,
  concatBytes,
  fromHex,
  toHex,
  uintToBytes,
} from "../../../../shared/bytes/mod.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { push } from "../../testing/code.ts";
import { runCode } from "../../testing/run_code.ts";
import { TestChain, usedQuota } from "../../testing/test_chain.ts";

const parts = await loadChainParts();

const OPS = { CALL: "f1", CALLCODE: "f2", DELEGATECALL: "f4", STATICCALL: "fa" } as const;
type Op = keyof typeof OPS;

/** What came of a call that code made. */
interface Called {
  readonly success: bigint;
  /** Gas of the call besides its fixed price. */
  readonly gas: bigint;
  /** What RETURNDATACOPY gives. */
  readonly output: string;
}

/** Gas that a precompiled contract is given, and what it is given to read. */
interface Given {
  readonly input: Bytes;
  readonly gas: number;
}

function call(op: Op, address: number, { input, gas }: Given): Called {
  const hasValue = op === "CALL" || op === "CALLCODE";
  const copyInput = "366000600037";
  const invoke = `60006000366000${hasValue ? "6000" : ""}${push(address)}${push(gas)}${OPS[op]}`;
  // success, the gas between both GAS, and what was returned
  const show = "90600052" + "9003602052" + "3d600060403e" + "3d6040016000f3";
  const { outcome } = runCode(`${copyInput}5a${invoke}5a${show}`, {
    input: toHex(input),
    gas: 10_000_000,
  });
  assert(outcome.kind === "success", `${op} of ${address}`);
  const word = (index: number) =>
    BigInt(`0x${toHex(outcome.output.subarray(32 * index, 32 * index + 32))}`);
  // the pushed words, GAS, the call, and for CALL an account that does not exist
  const fixed = (hasValue ? 20 : 17) + 2 + 40 + (op === "CALL" ? 25_000 : 0);
  const output = toHex(outcome.output.subarray(64));
  return { success: word(0), gas: word(1) - BigInt(fixed), output };
}

const bytesOf = (size: number) => Uint8Array.from({ length: size }, (_, i) => i * 31 + 7);
const words = (size: number) => Math.ceil(size / 32);
const digest = (name: string, input: Bytes) =>
  createHash(name).update(input).digest("hex").padStart(64, "0");

const HASH = fromHex("18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c");
const R = 0x73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75fn;
const S = 0xeeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549n;
const SIGNER = "a94f5374fce5edbc8e2a8697c15331677e6ebf0b".padStart(64, "0");

function signature(v: bigint, r: bigint, s: bigint, hash = HASH): Bytes {
  return concatBytes(hash, ...[v, r, s].map((word) => uintToBytes(word, 32)));
}

/** Contracts that answer: input, gas and output. */
const ANSWERING:
  readonly (readonly [address: number, input: Bytes, gas: number, output: string])[] = [
    [1, signature(28n, R, S), 3000, SIGNER],
    [1, bytesOf(0), 3000, ""],
    ...[0, 1, 32, 33, 500].flatMap((size) => {
      const input = bytesOf(size);
      return [
        [2, input, 60 + 12 * words(size), digest("sha256", input)],
        [3, input, 600 + 120 * words(size), digest("ripemd160", input)],
        [4, input, 15 + 3 * words(size), toHex(input)],
      ] as const;
    }),
  ];

for (const op of Object.keys(OPS) as Op[]) {
  Deno.test(`${op} of the contracts 1 to 4 needs just their gas, and loses it when one is missing`, () => {
    for (const [address, input, gas, output] of ANSWERING) {
      const what = `${address} with ${input.length} bytes`;
      const enough = call(op, address, { input, gas });
      assert.deepEqual(enough, { success: 1n, gas: BigInt(gas), output }, what);
      const more = call(op, address, { input, gas: gas + 999 });
      assert.deepEqual(more, { success: 1n, gas: BigInt(gas), output }, what);
      const less = call(op, address, { input, gas: gas - 1 });
      assert.deepEqual(less, { success: 0n, gas: BigInt(gas - 1), output: "" }, what);
    }
  });

  Deno.test(`${op} of the contracts 5 to 8 fails and loses the gas that it was given`, () => {
    for (const address of [5, 6, 7, 8]) {
      for (
        const [size, gas] of [[0, 0], [96, 499], [128, 500], [192, 40_000], [384, 900_000]] as const
      ) {
        const failed = call(op, address, { input: bytesOf(size), gas });
        assert.deepEqual(failed, { success: 0n, gas: BigInt(gas), output: "" }, `${address}`);
      }
    }
  });

  Deno.test(`${op} of the addresses 0 and 9 finds no contract and costs nothing more`, () => {
    for (const address of [0, 9, 10, 256]) {
      const nobody = call(op, address, { input: bytesOf(40), gas: 5000 });
      assert.deepEqual(nobody, { success: 1n, gas: 0n, output: "" });
    }
  });
}

Deno.test("a transaction runs the contracts 1 to 4 for their gas, with data of version 3 besides", () => {
  const test = new TestChain(parts, parts.hashes[0]!);
  test.grow();
  for (const [address, input, gas] of ANSWERING) {
    const to = address.toString(16).padStart(40, "0");
    const data = toHex(input);
    const perData = 68 * input.length;
    const needed = BigInt(21_000 + gas);
    const { receipts } = test.grow(
      { to, data },
      { to, data, quota: needed },
      { to, data, quota: needed - 1n },
      { to, data, version: 3 },
    );
    const outcomes = receipts.map((receipt) => [receipt.errorMessage, usedQuota(receipt)]);
    assert.deepEqual(outcomes, [
      ["", 21_000 + gas],
      ["", 21_000 + gas],
      ["Out of quota.", 21_000 + gas - 1],
      ["", 21_000 + gas + perData],
    ]);
  }
});

Deno.test("a transaction to the contracts 5 to 8 uses all its quota", () => {
  const test = new TestChain(parts, parts.hashes[0]!);
  test.grow();
  const cases: readonly (readonly [address: number, size: number, quota: bigint, error: string])[] =
    [
      [5, 4, 21_000n, "EVM internal error."],
      [5, 4, 100_000n, "EVM internal error."],
      [6, 128, 21_499n, "Out of quota."],
      [6, 128, 21_500n, "EVM internal error."],
      [7, 96, 60_999n, "Out of quota."],
      [7, 96, 61_000n, "EVM internal error."],
      [8, 0, 120_999n, "Out of quota."],
      [8, 191, 121_000n, "EVM internal error."],
      [8, 192, 200_999n, "Out of quota."],
      [8, 384, 281_000n, "EVM internal error."],
    ];
  for (const [address, size, quota, error] of cases) {
    const to = address.toString(16).padStart(40, "0");
    const [receipt] = test.grow({ to, data: "01".repeat(size), quota }).receipts;
    assert.deepEqual([receipt?.errorMessage, receipt && usedQuota(receipt)], [
      error,
      Number(quota),
    ]);
  }
  const [nobody] = test.grow({ to: "9".padStart(40, "0"), data: "01" }).receipts;
  assert.equal(nobody && usedQuota(nobody), 21_000);
});

/** What ecrecover answers, as a transaction sees it. */
function recover(input: Bytes): string {
  const { success, output } = call("STATICCALL", 1, { input, gas: 3000 });
  assert.equal(success, 1n);
  return output;
}

const { Fn, Fp } = secp256k1.Point;

Deno.test("ecrecover finds the signer of any signature, with a low and with a high s", () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(
      bytes,
      bytes.filter((key) => secp256k1.utils.isValidSecretKey(key)),
      (hash, key) => {
        const signed = secp256k1.sign(hash, key, { prehash: false, format: "recovered" });
        const [r, s] = [signed.subarray(1, 33), signed.subarray(33)].map((part) =>
          BigInt(`0x${toHex(part)}`)
        );
        assert(r !== undefined && s !== undefined);
        const publicKey = secp256k1.getPublicKey(key, false);
        const signer = toHex(keccak_256(publicKey.subarray(1)).subarray(12)).padStart(64, "0");
        const odd = BigInt(signed[0] ?? 0);
        assert.equal(recover(signature(27n + odd, r, s, hash)), signer);
        assert.equal(recover(signature(28n - odd, r, Fn.ORDER - s, hash)), signer);
        assert.notEqual(recover(signature(28n - odd, r, s, hash)), signer);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("ecrecover takes v of 27 and 28 only, in the last of its 32 bytes", () => {
  const good = signature(28n, R, S);
  for (let v = 0; v < 256; v++) {
    const input = good.slice();
    input[63] = v;
    assert.equal(recover(input) === "", v !== 27 && v !== 28, `v = ${v}`);
  }
  for (let at = 32; at < 63; at++) {
    const input = good.slice();
    input[at] = 1;
    assert.equal(recover(input), "", `a byte at ${at}`);
  }
});

Deno.test("ecrecover ignores what is behind 128 bytes and takes what is missing for zeros", () => {
  const good = signature(28n, R, S);
  assert.equal(recover(concatBytes(good, bytesOf(1000))), SIGNER);
  // s ends in zeros
  const short = signature(27n, R, 1n << 200n);
  const whole = recover(short);
  assert.notEqual(whole, "");
  for (const size of [127, 110, 103]) {
    assert.equal(recover(short.subarray(0, size)), whole, `${size}`);
  }
  for (let size = 0; size <= 96; size += 8) assert.equal(recover(good.subarray(0, size)), "");
});

/** The first numbers from one on that are the x of a point, for r. */
function pointsFrom(first: bigint, step: bigint): bigint[] {
  const found: bigint[] = [];
  for (let x = first; found.length < 3; x += step) {
    try {
      Fp.sqrt(Fp.create(x * x * x + 7n));
      found.push(x);
    } catch {
      // no point has this x
    }
  }
  return found;
}

Deno.test("ecrecover takes r and s from 2^56 to below the order, as the reference does", () => {
  const bound = 1n << 56n;
  for (const r of pointsFrom(bound, 1n)) assert.notEqual(recover(signature(27n, r, S)), "", `${r}`);
  for (const r of pointsFrom(bound - 1n, -1n)) {
    assert.equal(recover(signature(27n, r, S)), "", `${r}`);
  }
  for (const r of pointsFrom(1n, 1n)) assert.equal(recover(signature(27n, r, S)), "", `${r}`);
  for (const r of pointsFrom(Fn.ORDER - 1n, -1n)) {
    assert.notEqual(recover(signature(28n, r, S)), "");
  }
  for (const r of pointsFrom(Fn.ORDER, 1n)) assert.equal(recover(signature(28n, r, S)), "", `${r}`);
  for (const s of [bound, bound + 1n, Fn.ORDER - 1n]) {
    assert.notEqual(recover(signature(28n, R, s)), "");
  }
  for (const s of [0n, 1n, 255n, bound - 1n, Fn.ORDER, 2n ** 256n - 1n]) {
    assert.equal(recover(signature(28n, R, s)), "", `${s}`);
  }
});
