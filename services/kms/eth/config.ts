import { defineTable } from "../../../shared/config/mod.ts";
import { KMS_KEYS } from "../config.ts";

/** Table of the kms with secp256k1 and Keccak-256. */
export const KMS_ETH_TABLE = defineTable("kms_eth", KMS_KEYS);
