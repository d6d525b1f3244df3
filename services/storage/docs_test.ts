import assert from "node:assert/strict";
import {
  type ConfigTable,
  describeTable,
  parseDocument,
  readTable,
  unknownKeys,
} from "../../shared/config/mod.ts";
import { OPENDAL_TABLE } from "./engines/layered/config.ts";
import { ROCKSDB_TABLE } from "./engines/level/config.ts";
import { POSTGRES_TABLE } from "./engines/postgres/config.ts";
import { SQLITE_TABLE } from "./engines/sqlite/config.ts";

/** Where the keys of each table are documented. */
const README_OF: readonly (readonly [table: ConfigTable, readme: string])[] = [
  [ROCKSDB_TABLE, "README.md"],
  [SQLITE_TABLE, "engines/sqlite/README.md"],
  [POSTGRES_TABLE, "engines/postgres/README.md"],
  [OPENDAL_TABLE, "engines/layered/README.md"],
];

const readText = (path: string) => Deno.readTextFile(new URL(path, import.meta.url));

/** The formatter pads the cells of a table. */
const squeeze = (text: string) => text.replaceAll(/[ -]+/g, "");

for (const [table, path] of README_OF) {
  Deno.test(`${path} shows the table ${table.name} as it is declared`, async () => {
    const readme = await readText(path);
    assert(squeeze(readme).includes(squeeze(describeTable(table))));
  });
}

Deno.test("docs/storage.md has configurations that work as they are", async () => {
  const docs = await readText("../../docs/storage.md");
  const blocks = [...docs.matchAll(/^```toml\n([\s\S]*?)^```/gm)].map(([, block]) => block ?? "");
  const shown = new Set<string>();
  for (const block of blocks) {
    const document = parseDocument(block, "docs/storage.md");
    for (const [table] of README_OF.filter(([{ name }]) => name in document.tables)) {
      readTable(table, document);
      assert.deepEqual(unknownKeys(table, document), []);
      shown.add(table.name);
    }
  }
  assert.deepEqual(shown, new Set(README_OF.map(([{ name }]) => name)));
});
