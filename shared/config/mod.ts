/**
 * Tables of the shared `config.toml`: declared once, read with defaults and checks.
 *
 * @module
 */

export { type ConfigDocument, ConfigError, loadDocument, parseDocument } from "./document.ts";
export {
  findSecret,
  findSecretOutside,
  type FoundSecret,
  readSecretFile,
  type SecretPlaces,
} from "./find_secret.ts";
export {
  bool,
  choice,
  type ConfigKey,
  type ConfigKeys,
  hexBytes,
  hexBytesList,
  ignored,
  integer,
  type KeyOptions,
  matching,
  numbers,
  optional,
  port,
  relativePath,
  secret,
  subTable,
  tableList,
  text,
  textList,
  u32,
  u64,
  type ValuesOf,
} from "./keys.ts";
export {
  type ConfigOf,
  type ConfigTable,
  defineTable,
  describeTable,
  readTable,
  unknownKeys,
} from "./table.ts";
