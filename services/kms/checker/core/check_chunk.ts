import { RawTransactions } from "../../../../proto/gen/blockchain.ts";
import { tryDecode } from "../../../../shared/codec/mod.ts";
import type { CryptoSuite } from "../../../../shared/crypto/mod.ts";
import { checkTransactions } from "../../check_transactions.ts";
import type { Chunk, ChunkReport } from "./chunk.ts";

/** Does the work that a chunk asks for. */
export function checkChunk(
  suite: CryptoSuite,
  { body, isToBeVerified }: Pick<Chunk, "body" | "isToBeVerified">,
): ChunkReport {
  const decoded = tryDecode(RawTransactions, body);
  if (decoded === null) return { kind: "malformed" };
  const refusal = isToBeVerified ? checkTransactions(suite, decoded.body) : null;
  return { kind: "checked", refusal };
}
