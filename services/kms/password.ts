import { findSecret, type FoundSecret } from "../../shared/config/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import type { KmsConfig } from "./config.ts";

/** The password of the key database, from the first place that has one (docs/kms.md). */
export function findPassword({ db_key, db_key_file }: KmsConfig): FoundSecret {
  return findSecret({
    file: db_key_file,
    credential: "kms_db_key",
    variable: "CITA_CLOUD_KMS_DB_KEY",
    inConfig: db_key,
  });
}

/** A warning about the place of a secret; null when nobody else can read it there. */
export function exposureOf({ source, isExposed }: FoundSecret): string | null {
  return isExposed ? `OTHER USERS MAY READ THE SECRET in ${source}: its mode should be 600` : null;
}

/** Logs where the password comes from, never what it is. */
export function logPassword(password: FoundSecret, log: Logger): void {
  log.info(`password of the key database is from ${password.source}`);
  const exposure = exposureOf(password);
  if (exposure !== null) log.warn(exposure);
}
