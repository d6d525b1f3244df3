import { Buffer } from "node:buffer";
import { RPCServiceService } from "../../../proto/gen/controller.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { connect, RpcFault } from "../../../shared/rpc/mod.ts";

/** What a call brought: the bytes of the response in hex, or the gRPC error. */
export type RawAnswer =
  | { readonly response_hex: string }
  | { readonly grpc_error: { readonly code: number; readonly details: string } };

/** A user of a controller who sends and receives bytes. */
export interface RawClient {
  /** Calls a method by its name on the wire, such as `GetBlockNumber`. */
  call(method: string, request: Bytes): Promise<RawAnswer>;
  close(): void;
}

/** Connects to the user service at a port of this machine. */
export function connectRaw(port: number): RawClient {
  const methods = Object.values(RPCServiceService).map(({ path, ...method }) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const { requestStream, responseStream } = method;
    return [name, { path, requestStream, responseStream, ...PASS_BYTES }] as const;
  });
  const definition = Object.fromEntries(methods);
  const client = connect(definition, { port });
  return {
    async call(method, request) {
      const send = client[method];
      if (send === undefined) throw new TypeError(`There is no method ${method}`);
      try {
        return { response_hex: toHex(await send(Buffer.from(request))) };
      } catch (fault) {
        if (!(fault instanceof RpcFault)) throw fault;
        return { grpc_error: { code: fault.code, details: fault.details } };
      }
    },
    close: () => client.close(),
  };
}

const pass = (bytes: Buffer): Buffer => bytes;

const PASS_BYTES = {
  requestSerialize: pass,
  requestDeserialize: pass,
  responseSerialize: pass,
  responseDeserialize: pass,
};
