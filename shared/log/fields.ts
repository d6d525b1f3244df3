import { to0xHex } from "../bytes/mod.ts";
import type { LogFields } from "./logger.ts";

/** Longest text of one value in characters: data of a peer must not fill the disk. */
const VALUE_SIZE_MAX = 8192;

/** Errors of a chain of causes that are shown on one line. */
const CAUSES_MAX = 4;

/** Characters that would break a line apart or make its values ambiguous. */
const NEEDS_QUOTES = /[\s"\p{Cc}]/u;

/**
 * ` name=value` for each field; never throws, whatever the values are. Errors are shown on one line:
 * a neighbour that is away is no news worth a page. Their stacks come with `withStacks`.
 */
export function showFields(fields: LogFields, { withStacks = false } = {}): string {
  const showError = withStacks ? showWithStack : showOnOneLine;
  let text = "";
  for (const name of Object.keys(fields)) {
    const shown = showSafely(() => fields[name], showError);
    const isLong = shown.length > VALUE_SIZE_MAX;
    text += ` ${name}=${isLong ? `${shown.slice(0, VALUE_SIZE_MAX)}...` : shown}`;
  }
  return text;
}

type ShowError = (error: Error) => string;

function showSafely(read: () => unknown, showError: ShowError): string {
  try {
    return showValue(read(), showError);
  } catch {
    return "(cannot be shown)"; // a cycle, or a getter or conversion that throws
  }
}

function showValue(value: unknown, showError: ShowError): string {
  if (typeof value === "string") return quoteIfNeeded(value);
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

function quoteIfNeeded(text: string): string {
  return NEEDS_QUOTES.test(text) ? JSON.stringify(text) : text;
}

function showOnOneLine(error: Error): string {
  const texts: string[] = [];
  // a chain of causes may be a cycle
  for (let at: unknown = error; at instanceof Error && texts.length < CAUSES_MAX; at = at.cause) {
    texts.push(`${at.name}: ${at.message}`);
  }
  return quoteIfNeeded(texts.join(", caused by "));
}

/** An error with its stack and what caused it, each on lines of its own. */
function showWithStack(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  if (error.cause === undefined) return own;
  return `${own}\ncaused by: ${showSafely(() => error.cause, showWithStack)}`;
}
