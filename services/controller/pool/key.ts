import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { toHex } from "../../../shared/bytes/mod.ts";

/** The key of a transaction wherever it is looked up: its hash in hex; empty without a variant. */
export function transactionKey(raw: RawTransaction): string {
  const hash = rawTransactionHash(raw);
  return hash === null ? "" : toHex(hash);
}
