import fc from "fast-check";
import { toWord, type Word } from "../evm/word.ts";

const MODULUS = 1n << 256n;

/** Where representations, signs and sizes of words change. */
export const EDGES: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 31n, 32n, 33n, 127n, 128n, 255n, 256n, 257n, 65_535n],
  ...[31n, 32n, 52n, 53n, 54n, 63n, 64n, 65n, 106n, 128n, 160n, 192n, 254n, 255n].flatMap((
    bits,
  ) => [
    (1n << bits) - 1n,
    1n << bits,
    (1n << bits) + 1n,
  ]),
  ...[1n, 2n, 3n, 31n, 32n, 255n, 256n, 2n ** 53n, 2n ** 64n].map((below) => MODULUS - below),
  0x5555555555555555555555555555555555555555555555555555555555555555n,
  0x8000000000000000000000000000000080000000000000000000000000000000n,
  0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ffn,
];

/** Words of every size, every other one at an edge. */
export const ANY_WORD: fc.Arbitrary<bigint> = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.tuple(fc.bigInt(0n, MODULUS - 1n), fc.nat({ max: 255 })).map(([value, shift]) =>
    value >> BigInt(shift)
  ),
);

/** The word that the machine must have for an integer of any sign and size. */
export function wrapped(value: bigint): Word {
  return toWord(BigInt.asUintN(256, value));
}
