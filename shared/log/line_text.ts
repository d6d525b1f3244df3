/** Longest message, and longest text of one value, in characters: peers must not fill the disk. */
const TEXT_SIZE_MAX = 8192;

/** Control characters, and what some programs take for the end of a line. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/gu;

/** The same but for the ends of lines in the stack of an error. */
const CONTROLS_OF_STACK = /(?!\n {4}at )[\p{Cc}\u2028\u2029]/gu;

/** How the usual ones are written; the others have their number. */
const NAMES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A message as it goes into a line, which it cannot break apart. */
export function showMessage(message: string): string {
  return shorten(escapeControls(bounded(message)));
}

/** Text that says when it is not all. */
export function shorten(text: string): string {
  return text.length > TEXT_SIZE_MAX ? `${text.slice(0, TEXT_SIZE_MAX)}...` : text;
}

/** As much of a text as is worth work; {@linkcode shorten} still sees whether it was all. */
export function bounded(text: string): string {
  return text.slice(0, TEXT_SIZE_MAX + 1);
}

/** As {@linkcode bounded} for bytes, which have two digits each. */
export function boundedBytes(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, TEXT_SIZE_MAX);
}

/** Writes control characters as JavaScript would in a string. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, escaped);
}

/** Likewise for the stack of an error, whose lines stay; the lines of its message do not. */
export function escapeStack(stack: string): string {
  return stack.replace(CONTROLS_OF_STACK, escaped);
}

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return NAMES[character] ?? `\\u${code.padStart(4, "0")}`;
}
