import { KmsServiceService } from "../../proto/gen/kms.ts";
import { type CryptoSuite, loadSuite, type SuiteName } from "../../shared/crypto/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import { type KmsDb, KmsDbError, openKmsDb } from "../../shared/kms_db/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../../shared/rpc/mod.ts";
import { type RunningService, StartRefusal } from "../../shared/service/mod.ts";
import type { KmsConfig } from "./config.ts";
import { kmsHandlers } from "./service.ts";

/** A kms that accepts calls. */
export interface RunningKms extends RunningService {
  /** The port it listens on. */
  readonly port: number;
}

/** What a kms gets from its process. */
export interface KmsContext {
  readonly config: KmsConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Opens the key database and serves it; the lines of the log are those of the reference kms
 * (spec/storage_kms.md, B1).
 */
export async function startKms(
  suiteName: SuiteName,
  { config, clock, log }: KmsContext,
): Promise<RunningKms> {
  log.info(`grpc port of this service: ${config.kms_port}`);
  log.info(`db path of this service: ${config.db_path}`);
  const suite = await loadSuite(suiteName);
  if (suite.fallbackReason !== null) log.error(suite.fallbackReason);
  const db = openDb(suite, config, log);
  try {
    log.info(`curve implementation: ${suite.implementation}`);
    log.info("start grpc server!");
    const server = await serveGrpc({
      host: "0.0.0.0",
      port: config.kms_port,
      services: [grpcService(KmsServiceService, kmsHandlers({ suite, db, clock, log }))],
      log,
    });
    const stop = async () => {
      await server.close();
      db.close();
    };
    return { port: server.port, stop };
  } catch (cause) {
    db.close();
    throw cause;
  }
}

/** The reference kms panics over a file of another password or suite, with this exit code. */
const WRONG_DB_EXIT_CODE = 101;

function openDb(suite: CryptoSuite, { db_path, db_key }: KmsConfig, log: Logger): KmsDb {
  try {
    return openKmsDb({ path: db_path, password: db_key, suite, log });
  } catch (cause) {
    if (cause instanceof KmsDbError && ["password", "type"].includes(cause.problem)) {
      throw new StartRefusal(cause.message, WRONG_DB_EXIT_CODE, { cause });
    }
    throw cause;
  }
}
