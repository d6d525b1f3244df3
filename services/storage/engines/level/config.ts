import {
  type ConfigOf,
  defineTable,
  integer,
  relativePath,
  text,
  u64,
} from "../../../../shared/config/mod.ts";
import { PORT_KEYS } from "../../config.ts";

/** Tuning keys of RocksDB. */
const TUNING_KEYS = {
  max_open_file: integer({
    default: 512,
    min: -(2 ** 31),
    max: 2 ** 31 - 1,
    doc: "data files held open at a time; at most 100, which below 1 stands for",
  }),
  write_buffer_size: u64({ default: 268435456n, doc: "accepted, without effect" }),
  background_jobs: integer({
    default: 2,
    min: -(2 ** 31),
    max: 2 ** 31 - 1,
    doc: "accepted, without effect",
  }),
  target_file_size_base: u64({ default: 67108864n, doc: "accepted, without effect" }),
};

/** Table `[storage_rocksdb]` of config.toml (spec/storage_kms.md A5). */
export const ROCKSDB_TABLE = defineTable("storage_rocksdb", {
  ...PORT_KEYS,
  db_path: relativePath({ default: "chain_data", doc: "data folder, below the working folder" }),
  ...TUNING_KEYS,
});

/** Table `[storage_sled]` of config.toml (spec/storage_kms.md A6). */
export const SLED_TABLE = defineTable("storage_sled", {
  ...PORT_KEYS,
  db_path: text({ default: "chain_data", doc: "data folder, may be absolute" }),
  log_file: text({ default: "storage-log4rs.yaml", doc: "accepted; the flag `-l` decides" }),
  ...TUNING_KEYS,
});

/** The keys of either table that have an effect on the engine. */
export type LevelConfig = Pick<ConfigOf<typeof ROCKSDB_TABLE>, "db_path" | "max_open_file">;
