import assert from "node:assert/strict";
import { parseDocument, readTable } from "../../../../shared/config/mod.ts";
import { SQLITE_TABLE } from "./config.ts";

Deno.test("SQLITE_TABLE has the file of the legacy service as default, and takes any path", () => {
  const read = (source: string) => readTable(SQLITE_TABLE, parseDocument(source, "config.toml"));
  assert.deepEqual(read("[storage_sqlite]"), {
    storage_port: 50003,
    kms_port: 50005,
    db_path: "storage.db",
  });
  assert.equal(read('[storage_sqlite]\ndb_path = "/data/x.db"').db_path, "/data/x.db");
});
