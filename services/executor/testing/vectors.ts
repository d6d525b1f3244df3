const FOLDER = new URL("../../../tests/vectors/executor/", import.meta.url);

/** Reads a recording of `tests/vectors/executor`. */
export async function readVector<Content>(name: string): Promise<Content> {
  const file = await Deno.open(new URL(`${name}.json.gz`, FOLDER));
  const text = file.readable.pipeThrough(new DecompressionStream("gzip"));
  return await new Response(text).json() as Content;
}

/** One gRPC call as it was recorded. */
export interface RecordedCall {
  readonly label?: string;
  readonly after_height?: string | number;
  readonly method: string;
  readonly request_hex: string;
  readonly response_hex?: string;
  readonly grpc_error?: { readonly code: number; readonly details: string };
}

/** A block of `evm_sm3` and `evm_sm3_ethcompat`. */
export interface RecordedBlock {
  readonly label?: string;
  readonly height: number;
  readonly block_hash: string;
  readonly block_hex: string;
  readonly response_hex?: string;
  readonly txs: readonly {
    readonly label: string;
    readonly tx_hash: string;
    readonly receipt_hex?: string;
    readonly grpc_error?: { readonly code: number; readonly details: string };
  }[];
}

/** The recordings of an executor alone. */
export interface RecordedExecutor {
  readonly blocks: readonly RecordedBlock[];
  readonly calls: readonly RecordedCall[];
}

/** One of the chains of random transactions. */
export interface RecordedFuzz {
  readonly seed: number;
  readonly blocks: readonly {
    readonly height: number;
    readonly block_hex: string;
    readonly state_root: string;
    readonly status: number;
    readonly receipts: readonly string[];
  }[];
  readonly final_codes: readonly (readonly [address: string, code: string | null])[];
}

/** The executor's part of a whole chain. */
export interface RecordedChain {
  readonly exec: readonly { readonly request_hex: string; readonly response_hex: string }[];
  readonly receipts: readonly {
    readonly tx_hash: string;
    readonly receipt_hex?: string;
    readonly error?: { readonly code: number; readonly details: string };
  }[];
  readonly calls: readonly RecordedCall[];
}
