/**
 * An ordered key-value store on disk: the only owner of the package `classic-level` (LevelDB).
 *
 * @module
 */
export { LevelError, type LevelErrorReason } from "./errors.ts";
export {
  type LevelBatch,
  type LevelOptions,
  type LevelRange,
  type LevelStore,
  openLevel,
} from "./store.ts";
