import { to0xHex } from "../../../../shared/bytes/mod.ts";

/** What a command tells, by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** One line of JSON; byte strings are hex, large integers decimal text. */
export function jsonLine(fields: Fields): string {
  return `${JSON.stringify(fields, (_, value) => plain(value))}\n`;
}

/** A line for each field, the values below each other. */
export function fieldLines(fields: Fields): string {
  const width = Math.max(...Object.keys(fields).map((name) => name.length)) + 1;
  const lines = Object.entries(fields).map(([name, value]) =>
    `${`${name}:`.padEnd(width)}  ${value === null ? "none" : plain(value)}\n`
  );
  return lines.join("");
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return to0xHex(value);
  return typeof value === "bigint" ? String(value) : value;
}
