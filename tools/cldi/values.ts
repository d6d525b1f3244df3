import { ADDRESS_SIZE, HASH_SIZE } from "../../shared/block/mod.ts";
import { type Bytes, fromHex, parseHex } from "../../shared/bytes/mod.ts";
import { InvalidArgumentError, unsignedLong } from "../../shared/cli/mod.ts";

const U64_MAX = 2n ** 64n - 1n;
const VALUE_DIGITS = 64;

/** Hex data with or without `0x` (spec/cldi.md, section 3). */
export function parseData(text: string): Bytes {
  const bytes = text.startsWith("0X") ? null : parseHex(text);
  if (bytes === null) throw new InvalidArgumentError("invalid hex input");
  return bytes;
}

function parseSized(text: string, size: number): Bytes {
  const bytes = parseData(text);
  if (bytes.length !== size) {
    throw new InvalidArgumentError(
      `length mismatched, expected: \`${size}\`, got: \`${bytes.length}\``,
    );
  }
  return bytes;
}

/** An address: 20 bytes of hex data. */
export function parseAddress(text: string): Bytes {
  return parseSized(text, ADDRESS_SIZE);
}

/** A hash: 32 bytes of hex data. */
export function parseHash(text: string): Bytes {
  return parseSized(text, HASH_SIZE);
}

/** A value: up to 64 hex digits, always hexadecimal, as 32 bytes. */
export function parseValue(text: string): Bytes {
  const digits = text.startsWith("0x") ? text.slice(2) : text;
  if (digits.length > VALUE_DIGITS) {
    throw new InvalidArgumentError("can't parse value, the given str is too long");
  }
  const padded = digits.padStart(VALUE_DIGITS, "0");
  const wrong = /[^0-9a-fA-F]/.exec(padded);
  if (wrong !== null) {
    throw new InvalidArgumentError(
      `invalid value: Invalid character '${wrong[0]}' at position ${wrong.index}`,
    );
  }
  return fromHex(padded);
}

/** A height, absolute or relative to the current one. */
export interface Position {
  readonly sign: "" | "+" | "-";
  readonly distance: bigint;
}

/** `N`, `+N` or `-N`. */
export function parsePosition(text: string): Position {
  const sign = text.startsWith("+") ? "+" : text.startsWith("-") ? "-" : "";
  return { sign, distance: unsignedLong(text.slice(sign.length)) };
}

/** The height of a position; `current` is asked for relative ones only. */
export async function resolvePosition(
  { sign, distance }: Position,
  current: () => Promise<bigint>,
): Promise<bigint> {
  if (sign === "") return distance;
  const height = await current();
  if (sign === "-") return distance > height ? 0n : height - distance;
  return height + distance > U64_MAX ? U64_MAX : height + distance;
}

/** A block is named by its height, or by its hash with `0x`. */
export type BlockName =
  | { readonly kind: "height"; readonly height: bigint }
  | { readonly kind: "hash"; readonly hash: Bytes };

/** A height in decimal, or a hash prefixed with `0x`. */
export function parseBlockName(text: string): BlockName {
  if (text.startsWith("0x")) return { kind: "hash", hash: parseHash(text) };
  try {
    return { kind: "height", height: unsignedLong(text) };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new InvalidArgumentError(
      "cannot parse block number, if you want to get block by hash, please prefix it with `0x`",
    );
  }
}

/** Where a service is. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

const HTTP_PORT = 80;

/** `host`, `host:port` or `[v6]:port`, without scheme or path; null for anything else. */
export function splitServiceAddress(text: string): ServiceAddress | null {
  const match = /^(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+)(?::(\d{1,5}))?$/.exec(text);
  const [, host, portText] = match ?? [];
  const port = portText === undefined ? HTTP_PORT : Number(portText);
  return host === undefined || port > 65535 ? null : { host, port };
}

/** A service address as it is kept in files: the text, checked. */
export function parseServiceAddress(text: string): string {
  if (text === "") throw new InvalidArgumentError("empty string");
  if (/[\s"<>\\^`{|}]/.test(text)) throw new InvalidArgumentError("invalid uri character");
  if (splitServiceAddress(text) === null) throw new InvalidArgumentError("invalid format");
  return text;
}
