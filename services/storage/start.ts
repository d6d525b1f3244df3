import { KmsServiceService } from "../../proto/gen/kms.ts";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { connect, grpcService, serveGrpc } from "../../shared/rpc/mod.ts";
import type { RunningService } from "../../shared/service/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import type { StoragePorts } from "./config.ts";
import type { Engine } from "./engine.ts";
import { GroupCommit } from "./group_commit.ts";
import { kmsHeaderHash } from "./header_hash.ts";
import { type RecordStore, RegionStore } from "./region_store.ts";
import { REFUSALS, SERVER_LIMITS, storageHandlers } from "./service.ts";

/** What a storage process runs with. */
export interface StorageOptions {
  readonly ports: StoragePorts;
  readonly log: Logger;
  /** Opens the records; throws with a text for the operator when they cannot be used. */
  readonly openEngine: () => Promise<Engine>;
  /** What deleting a full block answers: the flavours differ (spec/storage_kms.md A4). */
  readonly deleteFullBlockCode: StatusCode;
  /** Adds regions that 6.3.3 does not have. */
  readonly extend?: StoreExtension | undefined;
}

/** Makes a store that has more than the regions of 6.3.3. */
export type StoreExtension = (parts: { regions: RecordStore; engine: Engine }) => RecordStore;

/** A storage that accepts calls. */
export interface RunningStorage extends RunningService {
  /** The port that it listens on. */
  readonly port: number;
}

/** Opens the records and serves them; throws when they or the port cannot be used. */
export async function startStorage(options: StorageOptions): Promise<RunningStorage> {
  const { ports, log, openEngine, deleteFullBlockCode, extend } = options;
  const { storage_port: port, kms_port: kmsPort } = ports;
  log.info(`grpc port of this service: ${port}`);
  const engine = new GroupCommit(await openEngine());
  const kms = connect(KmsServiceService, { port: kmsPort, clientName: "storage" });
  const headerHash = kmsHeaderHash({ kms, log });
  const regions = new RegionStore({ engine, headerHash, deleteFullBlockCode });
  const store = extend === undefined ? regions : extend({ regions, engine });
  const services = [
    grpcService(StorageServiceService, storageHandlers({ store, log }), REFUSALS),
  ];
  try {
    const server = await serveGrpc({
      host: "127.0.0.1",
      port,
      services,
      log,
      limits: SERVER_LIMITS,
    });
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
