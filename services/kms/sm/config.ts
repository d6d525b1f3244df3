import { defineTable } from "../../../shared/config/mod.ts";
import { KMS_KEYS } from "../config.ts";

/** Table of the kms with SM2 and SM3. */
export const KMS_SM_TABLE = defineTable("kms_sm", KMS_KEYS);
