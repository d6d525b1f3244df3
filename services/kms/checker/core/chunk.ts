import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { TransactionRefusal } from "../../check_transactions.ts";

/** Some transactions of a batch, to be worked on by one thread in one go. */
export interface Chunk {
  /** An encoded `RawTransactions` with these transactions, each as it was received. */
  readonly body: Bytes;
  /** Places of the transactions in the batch. */
  readonly indexes: readonly number[];
  /** Under which each is remembered once it passed; null for those that are not remembered. */
  readonly digests: readonly (string | null)[];
  /**
   * False behind a transaction that is refused: all that matters there is whether the bytes can be
   * decoded, `indexes` and `digests` are empty.
   */
  readonly isToBeVerified: boolean;
}

/** What became of a chunk. */
export type ChunkReport =
  | { readonly kind: "checked"; readonly refusal: TransactionRefusal | null }
  | { readonly kind: "malformed" };
