import { argon2id } from "hash-wasm";
import type { Bytes } from "../bytes/mod.ts";

/** What making a key from a password costs: the price of one guess for whoever has the file. */
export interface PasswordKeyCost {
  /** Memory in units of 1,024 bytes. */
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** The second recommended choice of RFC 9106, section 4: 64 MiB, half a second of one core. */
export const PASSWORD_KEY_COST: PasswordKeyCost = { memoryKib: 64 * 1024, passes: 3, lanes: 4 };

/** As the same section recommends. */
export const PASSWORD_SALT_SIZE = 16;

const KEY_SIZE = 32;

/** A fresh salt from the machine's secure randomness. */
export function generatePasswordSalt(): Bytes {
  return crypto.getRandomValues(new Uint8Array(PASSWORD_SALT_SIZE));
}

/**
 * Makes a key of 32 bytes from a password that is not empty, with Argon2id (RFC 9106). The caller
 * bounds the cost; the thread is busy meanwhile.
 */
export async function derivePasswordKey(
  password: string,
  salt: Bytes,
  cost: PasswordKeyCost,
): Promise<Bytes> {
  const passwordBytes = new TextEncoder().encode(password);
  try {
    return await argon2id({
      password: passwordBytes,
      salt,
      memorySize: cost.memoryKib,
      iterations: cost.passes,
      parallelism: cost.lanes,
      hashLength: KEY_SIZE,
      outputType: "binary",
    });
  } finally {
    passwordBytes.fill(0);
  }
}
