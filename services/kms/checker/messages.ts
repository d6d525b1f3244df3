import type { SuiteName } from "../../../shared/crypto/mod.ts";
import type { Chunk, ChunkReport } from "./core/chunk.ts";

/** What a worker of the checker is asked. */
export type CheckRequest =
  /** The first of all: loads the algorithms. */
  | { readonly kind: "open"; readonly suite: SuiteName }
  | { readonly kind: "check"; readonly chunks: readonly Pick<Chunk, "body" | "isToBeVerified">[] };

/** What it answers, in the order of {@linkcode CheckRequest}. */
export type CheckResponse =
  | { readonly kind: "opened" }
  /** One for each chunk. */
  | { readonly kind: "checked"; readonly reports: readonly ChunkReport[] };
