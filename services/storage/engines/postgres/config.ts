import {
  choice,
  type ConfigOf,
  defineTable,
  integer,
  matching,
  optional,
  port,
  secret,
  text,
} from "../../../../shared/config/mod.ts";
import { PORT_KEYS } from "../../config.ts";

/** A name that needs no quotes in SQL and is no word of it. */
const NAME = { pattern: /^[a-z_][a-z0-9_]{0,47}$/, wanted: "be 1 to 48 of a-z, 0-9 and _" };

/** Table `[storage_postgres]` of config.toml, a flavour of our own. */
export const POSTGRES_TABLE = defineTable("storage_postgres", {
  ...PORT_KEYS,
  host: text({ default: "127.0.0.1", doc: "host of the server, or the folder of its Unix socket" }),
  port: port({ default: 5432, doc: "port of the server" }),
  database: text({ default: "cita_cloud", doc: "database, which must exist" }),
  schema: matching({ ...NAME, default: "public", doc: "schema, created when it is not there" }),
  table: matching({ ...NAME, default: "storage", doc: "table of this node, created likewise" }),
  user: text({ default: "cita_cloud", doc: "role that logs in and owns the table" }),
  password: secret({ default: "", doc: "its password; better kept in one of the places below" }),
  password_file: optional(text({ doc: "file that holds the password" })),
  tls: choice({
    choices: ["disable", "require", "verify-full"],
    default: "disable",
    doc: "whether to encrypt, and to check the certificate of the server",
  }),
  ca_file: optional(
    text({ doc: "certificates (PEM) that `verify-full` trusts instead of the system's" }),
  ),
  connections: integer({
    default: 8,
    min: 1,
    max: 100,
    doc: "connections for reading, one more writes",
  }),
  connect_timeout: integer({ default: 5, min: 1, max: 300, doc: "seconds to connect and log in" }),
  call_timeout: integer({
    default: 20,
    min: 1,
    max: 3600,
    doc: "seconds after which a call fails",
  }),
});

/** The keys that have an effect on the engine. */
export type PostgresConfig = Omit<ConfigOf<typeof POSTGRES_TABLE>, keyof typeof PORT_KEYS>;
