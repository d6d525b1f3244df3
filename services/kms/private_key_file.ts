import { type Bytes, parseHex } from "../../shared/bytes/mod.ts";
import { readSecretFile } from "../../shared/config/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { StartRefusal } from "../../shared/service/mod.ts";

/** The reference panics over a file that holds no key, with this exit code. */
const PANIC_EXIT_CODE = 101;

/** 32 bytes. */
const HEX_DIGITS = 64;

/**
 * Reads the secret key of a node (spec/storage_kms.md, B9): 64 hex digits, `0x` before and white
 * space around them allowed. Warns when other users of the machine may read the file.
 *
 * @throws {StartRefusal} when there is no usable key; the text does not show what is there
 */
export function readPrivateKey(path: string, suite: CryptoSuite, log: Logger): Bytes {
  const { text, isExposed } = readFile(path);
  if (isExposed) log.warn(`OTHER USERS MAY READ THE KEY: run: chmod 600 ${path}`);
  const trimmed = text.trim();
  const digits = trimmed.startsWith("0x") ? trimmed.slice(2) : trimmed;
  if (digits.length !== HEX_DIGITS) {
    throw refusal(path, `not private key in private_key_path, it must be ${HEX_DIGITS} hex digits`);
  }
  // parseHex() would take another 0x
  const secretKey = /^[0-9a-f]*$/i.test(digits) ? parseHex(digits) : null;
  if (secretKey === null) throw refusal(path, "it must be hex digits only");
  if (!suite.isSecretKey(secretKey)) {
    throw refusal(path, `it must be a secret key of ${suite.name}`);
  }
  return secretKey;
}

function readFile(path: string) {
  try {
    return readSecretFile(path);
  } catch (cause) {
    throw refusal(path, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function refusal(path: string, reason: string, options?: ErrorOptions): StartRefusal {
  return new StartRefusal(`Cannot use "${path}": ${reason}`, PANIC_EXIT_CODE, options);
}
