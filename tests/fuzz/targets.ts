import { StatusCode } from "../../shared/status/mod.ts";
import { cryptoTarget, kmsTarget } from "./kms_target.ts";
import { storageTarget } from "./storage_target.ts";
import type { Target } from "./target.ts";

/** All that is tried, by the names of the tables. */
export const TARGETS: Readonly<Record<string, () => Promise<Target> | Target>> = {
  storage_rocksdb: () => storageTarget("storage_rocksdb", StatusCode.BadRegion),
  storage_sled: () => storageTarget("storage_sled", StatusCode.Success),
  storage_sqlite: () => storageTarget("storage_sqlite", StatusCode.BadRegion),
  kms_sm: () => kmsTarget("sm"),
  kms_eth: () => kmsTarget("eth"),
  crypto_sm: () => cryptoTarget("sm"),
  crypto_eth: () => cryptoTarget("eth"),
};
