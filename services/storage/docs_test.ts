import assert from "node:assert/strict";
import {
  type ConfigTable,
  parseDocument,
  readTable,
  unknownKeys,
} from "../../shared/config/mod.ts";
import { OPENDAL_TABLE } from "./engines/layered/config.ts";
import { POSTGRES_TABLE } from "./engines/postgres/config.ts";

const TABLES: readonly ConfigTable[] = [POSTGRES_TABLE, OPENDAL_TABLE];

Deno.test("docs/storage.md has configurations that work as they are", async () => {
  const docs = await Deno.readTextFile(new URL("../../docs/storage.md", import.meta.url));
  const blocks = [...docs.matchAll(/^```toml\n([\s\S]*?)^```/gm)].map(([, block]) => block ?? "");
  let readCount = 0;
  for (const block of blocks) {
    const document = parseDocument(block, "docs/storage.md");
    for (const table of TABLES.filter(({ name }) => name in document.tables)) {
      readTable(table, document);
      assert.deepEqual(unknownKeys(table, document), []);
      readCount += 1;
    }
  }
  assert(readCount >= 4);
});
