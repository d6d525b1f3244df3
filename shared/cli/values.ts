import { InvalidArgumentError } from "commander";

export { InvalidArgumentError };

/** Reads digits as the reference programs do: no sign but `+`, no blanks, no other base. */
function parseUnsigned(text: string, max: bigint): bigint {
  if (text === "") throw new InvalidArgumentError("cannot parse integer from empty string");
  if (!/^\+?[0-9]+$/.test(text)) throw new InvalidArgumentError("invalid digit found in string");
  const value = BigInt(text.replace("+", ""));
  if (value > max) throw new InvalidArgumentError("number too large to fit in target type");
  return value;
}

/** Value parser of an option that holds 0..max; any other text is a usage error. */
export function unsignedInteger(max: number): (text: string) => number {
  return (text) => Number(parseUnsigned(text, BigInt(max)));
}

/** Value parser of an option that holds an unsigned 64-bit number. */
export function unsignedLong(text: string): bigint {
  return parseUnsigned(text, 2n ** 64n - 1n);
}
