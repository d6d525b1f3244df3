import { port, secret, text, type ValuesOf } from "../../shared/config/mod.ts";

/** Keys of the tables `[kms_sm]` and `[kms_eth]` (spec/storage_kms.md, B1). */
export const KMS_KEYS = {
  kms_port: port({ default: 50005, doc: "gRPC port of this service, on every interface" }),
  db_path: text({ default: "kms.db", doc: "key database, created when absent" }),
  db_key: secret({ default: "123456", doc: "password of the key database" }),
};

/** Values of either table. */
export type KmsConfig = ValuesOf<typeof KMS_KEYS>;
