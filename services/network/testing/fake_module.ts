import { type NetworkMsg, NetworkMsgHandlerServiceService } from "../../../proto/gen/network.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../../../shared/rpc/mod.ts";
import { Inbox } from "./inbox.ts";

/** A module that takes every message, served over gRPC; disposal stops it. */
export interface FakeModule extends AsyncDisposable {
  readonly port: number;
  readonly messages: Inbox<NetworkMsg>;
}

/** Starts a module on a port, by default one of the system's choice. */
export async function startModule(port = 0): Promise<FakeModule> {
  const messages = new Inbox<NetworkMsg>();
  const handler = grpcService(NetworkMsgHandlerServiceService, {
    processNetworkMsg(message) {
      messages.push(message);
      return Promise.resolve({ code: 0 });
    },
  });
  const options = { host: "127.0.0.1", port, services: [handler], log: SILENT_LOGGER };
  const server = await serveGrpc(options);
  return { port: server.port, messages, [Symbol.asyncDispose]: () => server.close() };
}
