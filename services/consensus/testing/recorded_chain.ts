import { gunzipSync } from "node:zlib";
import { ProposalWithProof } from "../../../proto/gen/common.ts";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";

/** One gRPC call between the services of the recorded chain, in the order of their answers. */
export interface RecordedCall {
  readonly method: string;
  readonly request: Bytes;
  /** Null when the call failed. */
  readonly response: Bytes | null;
}

const FILE = "../../../tests/vectors/consensus_bft/chain_single.json.gz";

/** Every call that concerns consensus on a one-node chain of the reference, 41 blocks of it. */
export function recordedCalls(): RecordedCall[] {
  const packed = Deno.readFileSync(new URL(FILE, import.meta.url));
  const rows: [string, string, string | null][] = JSON.parse(gunzipSync(packed).toString());
  return rows.map(([method, request, response]) => ({
    method: method.slice(method.lastIndexOf("/") + 1),
    request: fromHex(request),
    response: response === null ? null : fromHex(response),
  }));
}

/** The blocks that the recorded chain decided, with their proofs. */
export function recordedBlocks(): ProposalWithProof[] {
  return recordedCalls()
    .filter(({ method }) => method === "CommitBlock")
    .map(({ request }) => decode(ProposalWithProof, request));
}
