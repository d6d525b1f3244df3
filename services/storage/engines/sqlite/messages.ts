import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { PackedRecords } from "./packed_records.ts";

/** What the thread of a database file is asked for; requests are served one after another. */
export type SqliteRequest =
  /** First of all; opening for writing creates what is missing. */
  | { readonly kind: "open"; readonly path: string; readonly access: "read" | "write" }
  | { readonly kind: "read"; readonly region: number; readonly keys: readonly Bytes[] }
  | { readonly kind: "write"; readonly puts: PackedRecords; readonly deletes: PackedRecords }
  | { readonly kind: "compact" }
  | { readonly kind: "close" };

/** The values of a read in the order of its keys; nothing for other requests. */
export type SqliteResponse = readonly (Bytes | null)[];
