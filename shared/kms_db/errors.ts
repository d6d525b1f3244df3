/** What is wrong with a key database. */
export type KmsDbProblem =
  /** The file cannot be opened, or is not a key database. */
  | "file"
  /** The password is not the one that the file was created with. */
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
