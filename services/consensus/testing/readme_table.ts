import assert from "node:assert/strict";
import { type ConfigTable, describeTable } from "../../../shared/config/mod.ts";

/** Fails unless README.md lists every key of a table as it is declared. */
export function assertReadmeLists(table: ConfigTable): void {
  const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
  const cells = (text: string) => text.split("\n").map((row) => row.replaceAll(/ +|-+/g, " "));
  const rows = cells(readme);
  for (const row of cells(describeTable(table)).slice(2)) {
    assert(rows.includes(row), `README.md lacks ${row}`);
  }
}
