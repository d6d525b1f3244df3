/** Reads what the reference services answered, from tests/vectors. */

const VECTORS = new URL("../../vectors/", import.meta.url);

/** One recorded call: its answer is a message, or a gRPC status. */
export interface RecordedCall {
  readonly label?: string;
  /** `/package.Service/Method`. */
  readonly method: string;
  readonly request_hex: string;
  readonly response_hex?: string;
  readonly grpc_error?: { readonly code: number; readonly details: string };
}

/** Where a file of tests/vectors is. */
export function vectorPath(name: string): string {
  return new URL(name, VECTORS).pathname;
}

/** Reads a file of tests/vectors as text; one that ends in `.gz` is unpacked. */
export async function readText(name: string): Promise<string> {
  const { readable } = await Deno.open(vectorPath(name));
  const stream = name.endsWith(".gz")
    ? readable.pipeThrough(new DecompressionStream("gzip"))
    : readable;
  return await new Response(stream).text();
}

/** Reads a JSON file of tests/vectors; the caller names the shape that it was written in. */
export async function readJson<Shape>(name: string): Promise<Shape> {
  return JSON.parse(await readText(name));
}

/** Reads a file of tests/vectors that has one JSON value per line. */
export async function readLines<Shape>(name: string): Promise<Shape[]> {
  const lines = (await readText(name)).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}
