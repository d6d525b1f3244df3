/**
 * The service under test of `storage.ts`, a process of its own: `storage_server.ts memory|level DIR`.
 * Prints its port and serves until it is killed.
 *
 * @module
 */

import { StorageServiceService } from "../proto/gen/storage.ts";
import { LevelEngine } from "../services/storage/engines/level/engine.ts";
import { MemoryEngine } from "../services/storage/engines/memory/engine.ts";
import { GroupCommit } from "../services/storage/group_commit.ts";
import { RegionStore } from "../services/storage/region_store.ts";
import { storageHandlers } from "../services/storage/service.ts";
import { loadSm3 } from "../shared/crypto/mod.ts";
import { openLevel } from "../shared/level/mod.ts";
import { SILENT_LOGGER } from "../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../shared/rpc/mod.ts";
import { StatusCode } from "../shared/status/mod.ts";

const [engineName, folder = ""] = Deno.args;
const level = () =>
  LevelEngine.open({
    open: () => openLevel(folder),
    freeBytes: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
  });
const engine = new GroupCommit(engineName === "level" ? await level() : new MemoryEngine());
const sm3 = await loadSm3();
const store = new RegionStore({
  engine,
  headerHash: (header) => Promise.resolve({ code: StatusCode.Success, value: sm3(header) }),
  deleteFullBlockCode: StatusCode.BadRegion,
});
const handlers = storageHandlers({ store, log: SILENT_LOGGER });
const services = [grpcService(StorageServiceService, handlers)];
const { port } = await serveGrpc({ host: "127.0.0.1", port: 0, services, log: SILENT_LOGGER });
console.log(port);
