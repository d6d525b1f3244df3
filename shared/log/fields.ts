import { to0xHex } from "../bytes/mod.ts";
import { bounded, boundedBytes, escapeControls, escapeStack, shorten } from "./line_text.ts";
import type { LogFields } from "./logger.ts";

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
    text += ` ${name}=${shorten(showSafely(() => fields[name], showError))}`;
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
  if (value instanceof Uint8Array) return to0xHex(boundedBytes(value));
  if (typeof value === "object" && value !== null) {
    return escapeControls(JSON.stringify(value, (_, part: unknown) => jsonValue(part)));
  }
  return escapeControls(String(value));
}

function jsonValue(part: unknown): unknown {
  if (typeof part === "bigint") return String(part);
  if (typeof part === "string") return bounded(part);
  if (part instanceof Uint8Array) return to0xHex(boundedBytes(part));
  return part instanceof Error ? bounded(`${part.name}: ${part.message}`) : part;
}

function quoteIfNeeded(text: string): string {
  const start = bounded(text);
  return NEEDS_QUOTES.test(start) ? escapeControls(JSON.stringify(start)) : start;
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
  const own = escapeStack(bounded(error.stack ?? `${error.name}: ${error.message}`));
  if (error.cause === undefined) return own;
  return `${own}\ncaused by: ${showSafely(() => error.cause, showWithStack)}`;
}
