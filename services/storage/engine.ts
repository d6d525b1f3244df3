import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import type { RecordKey, StoredRecord } from "./regions.ts";

/** Changes that happen together; where a place is in both lists, the delete wins. */
export interface EngineBatch {
  readonly puts: readonly StoredRecord[];
  readonly deletes: readonly RecordKey[];
}

/** The medium or the database under the service failed. */
export class EngineError extends Error {
  override name = "EngineError";
}

/**
 * Keeps records by region and key and checks neither. Every call may throw an
 * {@linkcode EngineError}. Byte strings that are handed in must not change until the call is
 * answered; those handed out belong to the caller.
 */
export interface Engine {
  /** The value of a record, null when there is none; an empty value is not null. */
  get(region: number, key: Bytes): Promise<Bytes | null>;
  /** The values of many records of one region in the order of the keys, from one instant. */
  getMany(region: number, keys: readonly Bytes[]): Promise<(Bytes | null)[]>;
  /** The records of one region in the order of their keys, from one instant; for offline tools. */
  scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]>;
  /** Applies all changes or none; resolves when they are safe from a power failure. */
  write(batch: EngineBatch): Promise<void>;
  /** Gives room of changed and deleted records back to the medium; for offline tools. */
  compact(): Promise<void>;
  /** Finishes what was begun, then frees the medium; closing twice is fine. */
  close(): Promise<void>;
}

/** What an engine gets from its process when it is opened. */
export interface EngineContext {
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts when the process is asked to stop; an engine that waits for others ends its wait. */
  readonly signal: AbortSignal;
}
