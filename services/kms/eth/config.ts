import { defineTable } from "../../../shared/config/mod.ts";
import { CRYPTO_KEYS, KMS_KEYS } from "../config.ts";

/** Table of the kms with secp256k1 and Keccak-256. */
export const KMS_ETH_TABLE = defineTable("kms_eth", KMS_KEYS);

/** Table of the same for nodes of 6.5 and later, which have one key in a file. */
export const CRYPTO_ETH_TABLE = defineTable("crypto_eth", CRYPTO_KEYS);
