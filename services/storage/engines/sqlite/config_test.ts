import assert from "node:assert/strict";
import { describeTable, parseDocument, readTable } from "../../../../shared/config/mod.ts";
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

Deno.test("README.md shows the table of SQLite as it is declared", async () => {
  const readme = await Deno.readTextFile(new URL("./README.md", import.meta.url));
  // the formatter pads the cells of a table
  const squeeze = (text: string) => text.replaceAll(/[ -]+/g, "");
  assert(squeeze(readme).includes(squeeze(describeTable(SQLITE_TABLE))));
});
