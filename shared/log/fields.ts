import { to0xHex } from "../bytes/mod.ts";
import type { LogFields } from "./logger.ts";

/** Longest text of one value in characters: data of a peer must not fill the disk. */
const VALUE_SIZE_MAX = 8192;

/** Characters that would break a line apart or make its values ambiguous. */
const NEEDS_QUOTES = /[\s"\p{Cc}]/u;

/** ` name=value` for each field; never throws, whatever the values are. */
export function showFields(fields: LogFields): string {
  let text = "";
  for (const name of Object.keys(fields)) {
    const shown = showSafely(() => fields[name]);
    const isLong = shown.length > VALUE_SIZE_MAX;
    text += ` ${name}=${isLong ? `${shown.slice(0, VALUE_SIZE_MAX)}...` : shown}`;
  }
  return text;
}

function showSafely(read: () => unknown): string {
  try {
    return showValue(read());
  } catch {
    return "(cannot be shown)"; // a cycle, or a getter or conversion that throws
  }
}

function showValue(value: unknown): string {
  if (typeof value === "string") return NEEDS_QUOTES.test(value) ? JSON.stringify(value) : value;
  if (value instanceof Error) return showError(value);
  if (value instanceof Uint8Array) return to0xHex(value);
  if (typeof value === "object" && value !== null) {
    return JSON.stringify(value, (_, part: unknown) => jsonValue(part));
  }
  return String(value);
}

function jsonValue(part: unknown): unknown {
  if (typeof part === "bigint") return String(part);
  if (part instanceof Uint8Array) return to0xHex(part);
  return part instanceof Error ? `${part.name}: ${part.message}` : part;
}

/** An error with its stack and what caused it, each on lines of its own. */
function showError(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\ncaused by: ${showSafely(() => error.cause)}`;
}
