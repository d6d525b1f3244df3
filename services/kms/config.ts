import {
  ignored,
  optional,
  port,
  secret,
  text,
  u64,
  type ValuesOf,
} from "../../shared/config/mod.ts";

/** Keys of the tables `[kms_sm]` and `[kms_eth]` (spec/storage_kms.md, B1). */
export const KMS_KEYS = {
  kms_port: port({ default: 50005, doc: "gRPC port of this service, on every interface" }),
  db_path: text({ default: "kms.db", doc: "key database, created when absent" }),
  db_key: secret({ default: "123456", doc: "password of the key database" }),
  db_key_file: optional(text({ doc: "file that holds the password instead of `db_key`" })),
  crypto_key_id: optional(
    u64({ doc: "account with which `crypto.CryptoService` signs: the only one, or else 1" }),
  ),
};

/** Values of either table. */
export type KmsConfig = ValuesOf<typeof KMS_KEYS>;

const NO_EFFECT = "of 6.7, without effect";

/** Keys of the tables `[crypto_sm]` and `[crypto_eth]` (spec/storage_kms.md, B9). */
export const CRYPTO_KEYS = {
  crypto_port: port({ default: 50005, doc: "gRPC port of this service, on every interface" }),
  domain: ignored({ doc: NO_EFFECT }),
  enable_metrics: ignored({ doc: NO_EFFECT }),
  metrics_port: ignored({ doc: NO_EFFECT }),
  metrics_buckets: ignored({ doc: NO_EFFECT }),
  log_config: ignored({ doc: `${NO_EFFECT}: a log4rs file says what is logged` }),
};

/** Values of either table. */
export type CryptoConfig = ValuesOf<typeof CRYPTO_KEYS>;
