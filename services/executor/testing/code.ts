import { bytesOfWord, type Word } from "../evm/word.ts";
import { toHex } from "../../../shared/bytes/mod.ts";

/** Hex code that pushes a word, with as few bytes as possible. */
export function push(word: Word): string {
  const digits = toHex(bytesOfWord(word, 32)).replace(/^(00)+/, "") || "00";
  return (0x5f + digits.length / 2).toString(16) + digits;
}

/** Hex code that pushes words, the last one on top. */
export function pushAll(...words: readonly Word[]): string {
  return words.map(push).join("");
}

/** Hex code that returns the word on top of the stack. */
export const RETURN_WORD = "60005260206000f3";

/** Hex init code that deploys code of less than 64 KiB. */
export function deploy(code: string): string {
  const size = (code.length / 2).toString(16).padStart(4, "0");
  return `61${size}600e60003961${size}6000f3${code}`;
}
