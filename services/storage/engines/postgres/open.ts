import type { Clock } from "../../../../shared/clock/mod.ts";
import { ConfigError, findSecret } from "../../../../shared/config/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { StartRefusal } from "../../../../shared/service/mod.ts";
import type { EngineContext } from "../../engine.ts";
import type { PostgresConfig } from "./config.ts";
import { PostgresEngine, type PostgresEngineOptions } from "./engine.ts";
import { needsOperator, PostgresError } from "./errors.ts";
import { placeOf, type PostgresAddress } from "./session.ts";
import { nextWait } from "./write_session.ts";

/** How long a start waits for the session of a storage that was killed to be ended. */
const LOCK_WAIT_MS = 20_000;

/**
 * Opens the engine that the configuration names. While the server is away it waits; what only an
 * operator can mend (login, database, permissions, a second storage) is refused.
 */
export async function openPostgresEngine(
  config: PostgresConfig,
  { log, clock, signal }: EngineContext,
): Promise<PostgresEngine> {
  const options = engineOptions(config, { log, clock });
  const place = placeOf(options.session.address);
  log.info(`table of this service: ${config.schema}.${config.table} of PostgreSQL at ${place}`);
  const giveUpMs = clock.monotonicMs() + LOCK_WAIT_MS;
  let lastText: string | null = null;
  for (let waitMs = nextWait();; waitMs = nextWait(waitMs)) {
    try {
      return await PostgresEngine.open(options);
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      const mayPass = !needsOperator(error) ||
        error.reason === "locked" && clock.monotonicMs() < giveUpMs;
      if (!mayPass) throw new StartRefusal(error.message, 1, { cause: error });
      if (error.message !== lastText) log.warn(`${error.message}; waits for it`);
      lastText = error.message;
      await clock.sleep(waitMs, signal);
      if (signal.aborted) throw error;
    }
  }
}

function engineOptions(
  config: PostgresConfig,
  { log, clock }: { log: Logger; clock: Clock },
): PostgresEngineOptions {
  const address = addressOf(config, log);
  const session = {
    address,
    connectTimeoutMs: config.connect_timeout * 1000,
    callTimeoutMs: config.call_timeout * 1000,
    clock,
  };
  const { schema, table, connections } = config;
  return { session, table: { schema, table }, readSessionsMax: connections, log, clock };
}

function addressOf(config: PostgresConfig, log: Logger): PostgresAddress {
  const { host, port, database, user } = config;
  const { value: password, source, isExposed } = findSecret({
    file: config.password_file,
    credential: "storage_postgres_password",
    variable: "STORAGE_POSTGRES_PASSWORD",
    inConfig: config.password,
  });
  if (isExposed) log.warn(`the password is in ${source}, which other users may read`);
  if (config.tls === "disable" && !isLocal(host)) {
    log.warn(`the connection to ${host} is not encrypted: set tls = "verify-full"`);
  }
  const tls = config.tls === "disable"
    ? null
    : { isVerified: config.tls === "verify-full", ca: readCertificates(config.ca_file) };
  return { host, port, database, user, password, tls };
}

function isLocal(host: string): boolean {
  return host.startsWith("/") || host.startsWith("127.") || ["localhost", "::1"].includes(host);
}

function readCertificates(path: string | null): string | null {
  if (path === null) return null;
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot read the certificates in "${path}": ${reason}`, { cause });
  }
}
