import { RpcCode, RpcFault } from "../../shared/rpc/mod.ts";

/** A command that failed: a text for people, and the texts of what caused it (spec/cldi.md, 1.2). */
export class CldiError extends Error {
  override name = "CldiError";

  constructor(message: string, readonly causes: readonly string[] = []) {
    super(message);
  }
}

const REFUSED = "Connection refused (os error 111)";

/** Every text of an error, the outermost first. */
function textsOf(error: unknown): string[] {
  if (error instanceof CldiError) return [error.message, ...error.causes];
  if (error instanceof RpcFault) return textsOfFault(error);
  return [error instanceof Error ? error.message : String(error)];
}

/** The status of a call in the one-line form that scripts search. */
function textsOfFault(fault: RpcFault): string[] {
  const isRefused = fault.code === RpcCode.Unavailable && fault.details.includes("ECONNREFUSED");
  const details = isRefused
    ? `error trying to connect: tcp connect error: ${REFUSED}`
    : fault.details;
  const codeName = Object.entries(RpcCode).find(([, code]) => code === fault.code)?.[0] ??
    "Unknown";
  const headers = fault.isTransport ? "{}" : '{"content-type": "application/grpc"}';
  const status = `status: ${codeName}, message: ${JSON.stringify(details)}, details: [], ` +
    `metadata: MetadataMap { headers: ${headers} }`;
  if (!isRefused) return [status];
  return [status, "transport error", details, `tcp connect error: ${REFUSED}`, REFUSED];
}

/** Puts a text on top of an error. */
export function withContext(message: string, error: unknown): CldiError {
  return new CldiError(message, textsOf(error));
}

/** Runs a step of a command; its failure gets a text on top. */
export async function inContext<Result>(
  message: string,
  step: () => Promise<Result>,
): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw withContext(message, error);
  }
}

/** The block that is printed to stderr. */
export function renderError(error: unknown): string {
  const [top, ...causes] = textsOf(error);
  const lines = causes.length === 1
    ? [`    ${causes[0]}`]
    : causes.map((cause, index) => `    ${index}: ${cause}`);
  const causedBy = causes.length === 0 ? "" : `\nCaused by:\n${lines.join("\n")}\n`;
  return `Error: ${top}\n${causedBy}\n`;
}
