import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { type Logger, SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { PostgresEngine, type PostgresEngineOptions } from "../engines/postgres/engine.ts";
import type { EngineFixture } from "./engine_contract.ts";
import { POSTGRES_USER, type PostgresServer } from "./postgres_server.ts";

let tables = 0;

/** Options of an engine at a server, with a table of its own and short bounds. */
export function postgresOptions(
  { port }: PostgresServer,
  log: Logger = SILENT_LOGGER,
): PostgresEngineOptions {
  const address = { host: "127.0.0.1", port, ...POSTGRES_USER, tls: null };
  return {
    session: { address, connectTimeoutMs: 2_000, callTimeoutMs: 10_000, clock: SYSTEM_CLOCK },
    table: { schema: "public", table: `storage_${tables++}` },
    readSessionsMax: 4,
    log,
    clock: SYSTEM_CLOCK,
  };
}

/** A postgres engine with a fresh table at a server. */
export function postgresFixture(server: PostgresServer): EngineFixture {
  const options = postgresOptions(server);
  const open = () => PostgresEngine.open(options);
  return { open, reopen: open, dispose: () => Promise.resolve() };
}
