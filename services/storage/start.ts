import { statfs } from "node:fs/promises";
import { KmsServiceService } from "../../proto/gen/kms.ts";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { type LevelOptions, openLevel } from "../../shared/level/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { connect, grpcService, serveGrpc } from "../../shared/rpc/mod.ts";
import type { RunningService } from "../../shared/service/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import type { StorageConfig } from "./config.ts";
import { LevelEngine } from "./engines/level/engine.ts";
import { GroupCommit } from "./group_commit.ts";
import { kmsHeaderHash } from "./header_hash.ts";
import { RegionStore } from "./region_store.ts";
import { storageHandlers } from "./service.ts";

/** What a storage process runs with. */
export interface StorageOptions {
  readonly config: StorageConfig;
  readonly log: Logger;
  /** What deleting a full block answers: the flavours differ (spec/storage_kms.md A4). */
  readonly deleteFullBlockCode: StatusCode;
}

/** A storage that accepts calls. */
export interface RunningStorage extends RunningService {
  /** The port that it listens on. */
  readonly port: number;
}

/** Opens the data folder and serves it; throws when the folder or the port cannot be used. */
export async function startStorage(options: StorageOptions): Promise<RunningStorage> {
  const { config, log, deleteFullBlockCode } = options;
  const { storage_port: port, kms_port: kmsPort, db_path: path } = config;
  log.info(`grpc port of this service: ${port}`);
  log.info(`db path of this service: ${path}`);
  const levelOptions = config.max_open_file > 0 ? { openFilesMax: config.max_open_file } : {};
  const engine = new GroupCommit(await openEngine(path, levelOptions, log));
  const kms = connect(KmsServiceService, { port: kmsPort });
  const headerHash = kmsHeaderHash({ kms, log });
  const store = new RegionStore({ engine, headerHash, deleteFullBlockCode });
  const services = [grpcService(StorageServiceService, storageHandlers({ store, log }))];
  try {
    const server = await serveGrpc({ host: "127.0.0.1", port, services, log });
    return {
      port: server.port,
      async stop() {
        await server.close();
        kms.close();
        await engine.close();
      },
    };
  } catch (error) {
    kms.close();
    await engine.close();
    throw error;
  }
}

function openEngine(path: string, options: LevelOptions, log: Logger): Promise<LevelEngine> {
  return LevelEngine.open({
    async open() {
      const level = await openLevel(path, options);
      for (const piece of level.leftOut) {
        log.error("records may be lost, data are damaged", { piece });
      }
      return level;
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    },
  });
}
