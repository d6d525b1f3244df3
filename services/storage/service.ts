import type { StorageServiceService } from "../../proto/gen/storage.ts";
import { type Bytes, EMPTY_BYTES, readU64be, toHex } from "../../shared/bytes/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import type { Handlers, Refusals, ServerLimits } from "../../shared/rpc/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import { EngineError } from "./engine.ts";
import { checkKey, type RecordKey, Region } from "./regions.ts";
import type { RecordStore } from "./region_store.ts";

/**
 * Room for many more callers than a node has: 100 calls of one connection with values of 1 MB, or
 * 4,096 small ones of 41 connections. 64 that are handled at a time keep the engine busy: its
 * groups grow while a write is under way. The bytes of requests and answers are in memory about
 * twice.
 */
export const SERVER_LIMITS: ServerLimits = {
  connectionCallsMax: 100,
  callsMax: 4_096,
  requestBytesMax: 128 * 1024 * 1024,
  handledCallsMax: 64,
  answerBytesMax: 32 * 1024 * 1024,
  answerTimeoutMs: 30_000,
};

/** What a call beyond {@linkcode SERVER_LIMITS} answers: the code of a failure of its kind. */
export const REFUSALS: Refusals<typeof StorageServiceService> = {
  store: { code: StatusCode.StoreError },
  load: { status: { code: StatusCode.LoadError }, value: EMPTY_BYTES },
  delete: { code: StatusCode.DeleteError },
};

/** What the handlers work with. */
export interface StorageHandlersDeps {
  readonly store: RecordStore;
  readonly log: Logger;
}

/** gRPC face of the store: maps outcomes to codes and log lines and decides nothing itself. */
export function storageHandlers(
  { store, log }: StorageHandlersDeps,
): Handlers<typeof StorageServiceService> {
  return {
    async store(content) {
      const isFullBlock = isStoredAsFullBlock(content);
      if (isFullBlock) log.info(`store_full_block: height(${readU64be(content.key)}) start`);
      const { code, cause } = await orFailureCode(
        StatusCode.StoreError,
        () => store.store(content),
      );
      if (code !== StatusCode.Success) {
        const call = isFullBlock ? "store_full_block" : "store";
        log.warn(`${call} failed: ${statusName(code)}`, placeFields(content, cause));
      } else if (isFullBlock) {
        log.info(`store_full_block: height(${readU64be(content.key)}) finish`);
      }
      return { code };
    },

    async load(place) {
      let value: Bytes = EMPTY_BYTES;
      const { code, cause } = await orFailureCode(StatusCode.LoadError, async () => {
        const outcome = await store.load(place);
        if (outcome.code === StatusCode.Success) value = outcome.value;
        return outcome.code;
      });
      if (code !== StatusCode.Success) {
        const { region, key } = place;
        const call = region === Region.FullBlock ? "load_full_block" : "load";
        if (code === StatusCode.NotFound) {
          // an answer like any other: a new chain asks for much that is not there
          log.info(`load: region(${region}), key(${toHex(key)}) not found`);
        } else {
          log.warn(`${call} failed: ${statusName(code)}`, placeFields(place, cause));
        }
      }
      return { status: { code }, value };
    },

    async delete(place) {
      const { code, cause } = await orFailureCode(
        StatusCode.DeleteError,
        () => store.delete(place),
      );
      if (code !== StatusCode.Success) {
        log.warn(`delete error: ${statusName(code)}`, placeFields(place, cause));
      }
      return { code };
    },
  };
}

function isStoredAsFullBlock({ region, key }: RecordKey): boolean {
  return region === Region.FullBlock && checkKey(region, key) === StatusCode.Success;
}

/** Keys in log lines are cut: a caller may send any length. */
const LOGGED_KEY_SIZE_MAX = 64;

function placeFields({ region, key }: RecordKey, cause: unknown): Record<string, unknown> {
  const place = { region, key: toHex(key.subarray(0, LOGGED_KEY_SIZE_MAX)) };
  return cause === undefined ? place : { ...place, cause };
}

/** The code of an action; a failure of the engine becomes the code that stands for it. */
async function orFailureCode(
  failureCode: StatusCode,
  action: () => Promise<StatusCode>,
): Promise<{ code: StatusCode; cause?: EngineError }> {
  try {
    return { code: await action() };
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause;
    return { code: failureCode, cause };
  }
}
