/** A call that a server answered, or that a client got an answer or an error to. */
export interface FinishedCall {
  /** Its last name alone, as in the proto file: `SendRawTransaction`. */
  readonly method: string;
  /** The gRPC status code; 0 says nothing of a code inside the answer. */
  readonly code: number;
  readonly durationMs: number;
  /**
   * What the caller says that it is in the metadata `client-name`, as clients of 6.7 do; null when
   * it says nothing. Anyone may call himself anything.
   */
  readonly clientName: string | null;
}

/** Learns of every finished call; it must be quick and never throw. */
export type CallObserver = (call: FinishedCall) => void;

/** Key of the metadata in which a client says its name (spec/controller.md, 17). */
export const CLIENT_NAME_KEY = "client-name";

/** The last name of a path like `/controller.RPCService/SendRawTransaction`. */
export function methodOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The name before it: `controller.RPCService`. */
export function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf("/"));
}
