import type { CryptoSuite } from "../crypto/mod.ts";

/** What is wrong with a key database. */
export type KmsDbProblem =
  /** The file cannot be opened, or is not a key database. */
  | "file"
  /** The file cannot be used now: it is being converted, or must not be in use and is. */
  | "busy"
  /** The strong format's parameters are damaged, out of bounds or of a later version. */
  | "format"
  /** The password is not the one that the file was created with, or the file was tampered with. */
  | "password"
  /** The file belongs to the other suite. */
  | "type"
  /** An account that is stored is damaged, or one that should be stored has no usable key. */
  | "account";

/** A key database that cannot be used as wanted. */
export class KmsDbError extends Error {
  override name = "KmsDbError";

  constructor(readonly problem: KmsDbProblem, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The refusal of a wrong password, in the words of the reference kms. */
export function passwordMismatch(path: string, hint = ""): KmsDbError {
  return new KmsDbError("password", `Cannot open "${path}": password mismatch!${hint}`);
}

/** Refuses a file of the other suite, in the words of the reference kms. */
export function checkType(
  type: unknown,
  { path, suite }: { readonly path: string; readonly suite: CryptoSuite },
): void {
  if (type === suite.name) return;
  const types = `it must be "${suite.name}", got "${type}"`;
  throw new KmsDbError("type", `Cannot open "${path}": config_type is not match! ${types}`);
}
