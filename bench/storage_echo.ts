/**
 * The limit that gRPC sets: a server with the codec, the limits and the message sizes of the
 * storage whose handlers do nothing. Prints its port and serves until it is killed.
 *
 * @module
 */

import { StorageServiceService } from "../proto/gen/storage.ts";
import { REFUSALS, SERVER_LIMITS } from "../services/storage/service.ts";
import { SILENT_LOGGER } from "../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../shared/rpc/mod.ts";

const [valueSize = "256"] = Deno.args;
const value = new Uint8Array(Number(valueSize)).fill(7);
const handlers = {
  store: () => Promise.resolve({ code: 0 }),
  load: () => Promise.resolve({ status: { code: 0 }, value }),
  delete: () => Promise.resolve({ code: 0 }),
};
const { port } = await serveGrpc({
  host: "127.0.0.1",
  port: 0,
  services: [grpcService(StorageServiceService, handlers, REFUSALS)],
  log: SILENT_LOGGER,
  limits: SERVER_LIMITS,
});
console.log(port);
