/** Many callers that write without a break until the storage is killed. */

import type { Random } from "../../shared/clock/mod.ts";
import { RpcFault } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { ABSENT, type History } from "./history.ts";
import { blockPlace, keyOf, plainPlace, recordOf } from "./records.ts";
import type { StorageClient } from "./victim.ts";

const CALLERS = 24;
/** Few places are overwritten again and again, many are written now and then. */
const HOT_PLACES = 40;
const PLACES = 20_000;
const HEIGHTS = 1_500;

/** The load of one round. */
export interface LoadOptions {
  readonly history: History;
  readonly random: Random;
  /** Gives every version a number of its own. */
  readonly nextVersion: () => number;
  /** Aborted when the storage is killed: from then on calls may fail, not before. */
  readonly killed: AbortSignal;
}

/** What came of a round. */
export interface LoadOutcome {
  readonly acknowledged: number;
  /** Answers other than success. */
  readonly refused: number;
  /** Places that were written to. */
  readonly touched: ReadonlySet<string>;
}

/** Writes until the storage is gone; every call is in the history before it is sent. */
export async function writeUntilKilled(
  storage: StorageClient,
  { history, random, nextVersion, killed }: LoadOptions,
): Promise<LoadOutcome> {
  const touched = new Set<string>();
  let acknowledged = 0;
  let refused = 0;
  const caller = async () => {
    while (true) {
      const place = pickPlace(random);
      const isDelete = place.startsWith("plain") && random() < 0.15;
      const version = isDelete ? ABSENT : nextVersion();
      touched.add(place);
      const write = history.begin(place, version);
      try {
        const { code } =
          await (isDelete ? storage.delete(keyOf(place)) : storage.store(recordOf(place, version)));
        if (code === StatusCode.Success) {
          history.acknowledge(write);
          acknowledged += 1;
        } else {
          refused += 1;
        }
      } catch (error) {
        if (error instanceof RpcFault && killed.aborted) return;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return { acknowledged, refused, touched };
}

function pickPlace(random: Random): string {
  const pick = (count: number) => Math.floor(random() * count);
  const kind = random();
  if (kind < 0.1) return blockPlace(pick(HEIGHTS));
  if (kind < 0.4) return plainPlace(pick(HOT_PLACES));
  return plainPlace(pick(PLACES));
}
