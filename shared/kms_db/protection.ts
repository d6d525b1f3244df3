import type { Bytes } from "../bytes/mod.ts";
import type { CryptoSuite } from "../crypto/mod.ts";
import type { Logger } from "../log/mod.ts";

/**
 * How a file keeps its secret keys: as the reference kms does, which protects them from nobody who
 * has the file, or sealed under a key that is made from the password at some cost.
 */
export type KmsDbFormat = "upstream" | "strong";

/** Which account a secret key belongs to. */
export interface AccountName {
  readonly keyId: bigint;
  readonly publicKey: Bytes;
}

/** The cipher of an open file. */
export interface KeyProtection {
  readonly format: KmsDbFormat;
  /** What the file keeps of a secret key. */
  protect(account: AccountName, secretKey: Bytes): Bytes;
  /**
   * The secret key, in an array of its own; null when what is stored is damaged or of another
   * account. Upstream's format cannot tell: the caller checks that the key is usable.
   */
  reveal(account: AccountName, stored: Bytes): Bytes | null;
  /** Overwrites the cipher key; nothing else may be called afterwards. */
  forget(): void;
}

/** What unlocks a file. */
export interface Unlocking {
  /** For error texts. */
  readonly path: string;
  readonly password: string;
  readonly suite: CryptoSuite;
  /** Gets the steps as the reference kms logs them. */
  readonly log: Logger;
}
