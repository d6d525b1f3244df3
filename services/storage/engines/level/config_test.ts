import assert from "node:assert/strict";
import { parseDocument, readTable } from "../../../../shared/config/mod.ts";
import { ROCKSDB_TABLE, SLED_TABLE } from "./config.ts";

Deno.test("ROCKSDB_TABLE has the defaults of the reference service", () => {
  const config = readTable(ROCKSDB_TABLE, parseDocument("[storage_rocksdb]", "config.toml"));
  assert.deepEqual(config, {
    storage_port: 50003,
    kms_port: 50005,
    db_path: "chain_data",
    max_open_file: 512,
    write_buffer_size: 268435456n,
    background_jobs: 2,
    target_file_size_base: 67108864n,
  });
});

Deno.test("ROCKSDB_TABLE refuses an absolute data folder, SLED_TABLE takes it", () => {
  const read = (name: string) =>
    parseDocument(`[${name}]\ndb_path = "/data"\nmax_open_file = -1\n`, "config.toml");
  assert.throws(
    () => readTable(ROCKSDB_TABLE, read("storage_rocksdb")),
    /storage_rocksdb\.db_path of "config\.toml": it must be a relative path, got "\/data"/,
  );
  assert.equal(readTable(SLED_TABLE, read("storage_sled")).db_path, "/data");
});
