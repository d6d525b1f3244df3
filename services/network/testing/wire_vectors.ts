import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";

/** One entry of the recording of two Rust nodes: bytes of a direction, or what was done. */
export interface WireEntry {
  readonly dir?: "A->B" | "B->A";
  readonly hex?: string;
  /** Size of the bytes when `hex` has only their beginning; the rest repeats the last byte. */
  readonly len?: number;
  readonly mark?: string;
}

/** A recorded gRPC call. */
export interface WireCall {
  readonly label: string;
  readonly at: "A" | "B";
  readonly method: string;
  readonly request_hex: string;
  /** Absent when the call failed. */
  readonly response_hex?: string;
}

/** A recording in which A dials B; both are Rust nodes of one flavour. */
export interface WireVectors {
  readonly wire: readonly WireEntry[];
  readonly received: readonly { readonly at: "A" | "B"; readonly request_hex: string }[];
  readonly calls: readonly WireCall[];
}

/** Reads the recording of a flavour. */
export function loadWireVectors(flavour: "p2p" | "tls"): WireVectors {
  const name = `network_${flavour}_wire.json`;
  const path = new URL(`../../../tests/vectors/network/${name}`, import.meta.url);
  return JSON.parse(Deno.readTextFileSync(path));
}

/** The whole bytes of an entry as hex. */
export function entryHex({ hex = "", len }: WireEntry): string {
  const known = hex.replace("...", "");
  if (len === undefined) return known;
  return known + known.slice(-2).repeat(len - known.length / 2);
}

/** The whole request of a call. */
export function requestBytes({ request_hex }: WireCall): Bytes {
  if (!request_hex.endsWith("...")) return fromHex(request_hex);
  const start = fromHex(request_hex.slice(0, -3));
  const header = fromHex("0a026d31120362696722a08d06"); // module, type and 100,000 bytes
  const whole = new Uint8Array(header.length + 100_000).fill(start.at(-1) ?? 0);
  whole.set(start);
  return whole;
}

/** A recorded gRPC call between a module and the network service of a Rust node. */
export interface TapCall {
  readonly method: string;
  readonly request_hex: string;
  readonly response_hex: string;
}

/** Calls of a controller and a consensus on their network service, in a chain of four nodes. */
export async function loadTapCalls(): Promise<TapCall[]> {
  const path = new URL("../../../tests/vectors/network/raft_tap_node0.jsonl.gz", import.meta.url);
  const file = await Deno.open(path);
  const text = await new Response(
    file.readable.pipeThrough(new DecompressionStream("gzip")),
  ).text();
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}
