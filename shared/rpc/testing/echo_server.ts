import { StorageServiceService } from "../../../proto/gen/storage.ts";
import { SILENT_LOGGER } from "../../log/mod.ts";
import { grpcService, type Handlers, type RpcServer, serveGrpc } from "../mod.ts";

/** Handlers of the service that the tests call. */
export type StorageHandlers = Handlers<typeof StorageServiceService>;

/** Answers a load with its key, and everything else with 0. */
export const ECHO: StorageHandlers = {
  store: () => Promise.resolve({ code: 0 }),
  load: ({ key }) => Promise.resolve({ status: { code: 0 }, value: key }),
  delete: () => Promise.resolve({ code: 0 }),
};

/** Serves {@linkcode ECHO} with some methods replaced. */
export function serveEcho(handlers: Partial<StorageHandlers> = {}, port = 0): Promise<RpcServer> {
  const services = [grpcService(StorageServiceService, { ...ECHO, ...handlers })];
  return serveGrpc({ host: "127.0.0.1", port, services, log: SILENT_LOGGER });
}

/** Runs a test against such a server and closes it. */
export async function withEcho(
  handlers: Partial<StorageHandlers>,
  test: (server: RpcServer) => Promise<void>,
): Promise<void> {
  const server = await serveEcho(handlers);
  try {
    await test(server);
  } finally {
    await server.close();
  }
}
