import type { Bytes } from "../../shared/bytes/mod.ts";
import { type CryptoSuite, loadSuite, type SuiteName } from "../../shared/crypto/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import { type KmsDb, KmsDbError, openKmsDb } from "../../shared/kms_db/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { type GrpcService, grpcService, serveGrpc } from "../../shared/rpc/mod.ts";
import { type RunningService, StartRefusal } from "../../shared/service/mod.ts";
import { type CheckTransactions, checkTransactionsHandler } from "./check_call.ts";
import { startChecker, type TransactionChecker } from "./checker/checker.ts";
import type { CryptoConfig, KmsConfig } from "./config.ts";
import { CRYPTO_SERVICE, cryptoHandlers } from "./crypto_service.ts";
import { exitCodeOf } from "./exit_code.ts";
import { findPassword, logPassword } from "./password.ts";
import { readPrivateKey } from "./private_key_file.ts";
import { KMS_SERVICE, kmsHandlers } from "./service.ts";
import { type AccountSigning, type Signed, signWithAccount, signWithKey } from "./signing.ts";

/** A kms that accepts calls. */
export interface RunningKms extends RunningService {
  /** The port it listens on. */
  readonly port: number;
}

/** What a kms gets from its process. */
export interface KmsContext<Config> {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Opens the key database and serves it; the lines of the log are those of the reference kms
 * (spec/storage_kms.md, B1). `crypto.CryptoService` is there too and signs with one account.
 */
export async function startKms(
  suiteName: SuiteName,
  { config, clock, log }: KmsContext<KmsConfig>,
): Promise<RunningKms> {
  log.info(`grpc port of this service: ${config.kms_port}`);
  log.info(`db path of this service: ${config.db_path}`);
  const suite = await loadSuite(suiteName);
  const db = await openDb(suite, config, log);
  const sign = accountSigner({ suite, db, log }, config.crypto_key_id);
  return await serve({
    port: config.kms_port,
    services: (checkTransactions) => [
      grpcService(KMS_SERVICE, kmsHandlers({ suite, db, checkTransactions, log })),
      grpcService(CRYPTO_SERVICE, cryptoHandlers({ suite, sign, checkTransactions })),
    ],
    suite,
    clock,
    log,
    release: () => db.close(),
  });
}

/** What a crypto service gets from its process. */
export interface CryptoContext extends KmsContext<CryptoConfig> {
  /** Path of the file with the node's secret key. */
  readonly privateKeyPath: string;
}

/**
 * Reads the key of a node and serves `crypto.CryptoService` alone (spec/storage_kms.md, B9): nodes
 * of 6.5 and later know neither `kms.KmsService` nor accounts.
 */
export async function startCrypto(
  suiteName: SuiteName,
  { config, privateKeyPath, clock, log }: CryptoContext,
): Promise<RunningKms> {
  log.info(`grpc port of this service: ${config.crypto_port}`);
  const suite = await loadSuite(suiteName);
  const secretKey = readPrivateKey(privateKeyPath, suite, log);
  const keyPair = { secretKey, publicKey: suite.publicKeyOf(secretKey) };
  const sign = (message: Bytes) => signWithKey(suite, keyPair, message);
  return await serve({
    port: config.crypto_port,
    services: (checkTransactions) => [
      grpcService(CRYPTO_SERVICE, cryptoHandlers({ suite, sign, checkTransactions })),
    ],
    suite,
    clock,
    log,
    release: () => void secretKey.fill(0),
  });
}

interface Serving {
  readonly port: number;
  readonly services: (checkTransactions: CheckTransactions) => readonly GrpcService[];
  readonly suite: CryptoSuite;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called once, when no call is served or none can be. */
  readonly release: () => void;
}

/** Serves calls, and batches on threads of their own. */
async function serve(serving: Serving): Promise<RunningKms> {
  const { port, services, suite, clock, log, release } = serving;
  let checker: TransactionChecker | null = null;
  const stopWork = () => {
    checker?.stop();
    release();
  };
  try {
    checker = await startChecker({ suite, clock });
    if (suite.fallbackReason !== null) log.error(suite.fallbackReason);
    log.info(`curve implementation: ${suite.implementation}`);
    log.info("start grpc server!");
    const checkTransactions = checkTransactionsHandler({ checker, log });
    const server = await serveGrpc({
      host: "0.0.0.0",
      port,
      services: services(checkTransactions),
      log,
    });
    const stop = async () => {
      await server.close();
      stopWork();
    };
    return { port: server.port, stop };
  } catch (cause) {
    stopWork();
    throw cause;
  }
}

/** Signs with the configured account, or the only one, or the first one that a file has. */
function accountSigner(signing: AccountSigning, keyId: bigint | null): (message: Bytes) => Signed {
  return (message) => signWithAccount(signing, keyId ?? signing.db.findOnlyKeyId() ?? 1n, message);
}

async function openDb(suite: CryptoSuite, config: KmsConfig, log: Logger): Promise<KmsDb> {
  const password = findPassword(config);
  logPassword(password, log);
  try {
    return await openKmsDb({ path: config.db_path, password: password.value, suite, log });
  } catch (cause) {
    if (cause instanceof KmsDbError) {
      throw new StartRefusal(cause.message, exitCodeOf(cause), { cause });
    }
    throw cause;
  }
}
