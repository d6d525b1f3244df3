import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { connectRaw, RpcFault } from "../../../shared/rpc/mod.ts";

/** What a call brought: the bytes of the response in hex, or the gRPC error. */
export type RawAnswer =
  | { readonly response_hex: string }
  | { readonly grpc_error: { readonly code: number; readonly details: string } };

/** A user of a controller who sends and receives bytes. */
export interface RawUser {
  /** Calls a method by its name on the wire, such as `GetBlockNumber`. */
  call(method: string, request: Bytes): Promise<RawAnswer>;
  close(): void;
}

/** Connects to the user service at a port of this machine. */
export function connectUser(port: number): RawUser {
  const client = connectRaw({ port });
  return {
    async call(method, request) {
      try {
        const response = await client.call(`/controller.RPCService/${method}`, request);
        return { response_hex: toHex(response) };
      } catch (fault) {
        if (!(fault instanceof RpcFault)) throw fault;
        return { grpc_error: { code: fault.code, details: fault.details } };
      }
    },
    close: () => client.close(),
  };
}
