import type { KmsDbError } from "../../shared/kms_db/mod.ts";

/** The reference kms panics over a file of another password or suite, with this exit code. */
const WRONG_DB_EXIT_CODE = 101;

/** The exit code over a key database that cannot be used. */
export function exitCodeOf({ problem }: KmsDbError): number {
  return ["password", "type"].includes(problem) ? WRONG_DB_EXIT_CODE : 1;
}
