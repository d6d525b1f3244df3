import { defineTable } from "../../../shared/config/mod.ts";
import { CRYPTO_KEYS, KMS_KEYS } from "../config.ts";

/** Table of the kms with SM2 and SM3. */
export const KMS_SM_TABLE = defineTable("kms_sm", KMS_KEYS);

/** Table of the same for nodes of 6.5 and later, which have one key in a file. */
export const CRYPTO_SM_TABLE = defineTable("crypto_sm", CRYPTO_KEYS);
