import type { Clock } from "../../shared/clock/mod.ts";

/** How long other calls may wait for a batch; handing over costs about a millisecond. */
const SLICE_MS = 15;

/** A pause function of one batch: resolves at once until a slice of time is used up. */
export function createPause(clock: Clock): () => Promise<void> {
  let sliceEnd = clock.monotonicMs() + SLICE_MS;
  return async () => {
    if (clock.monotonicMs() < sliceEnd) return;
    await clock.sleep(0);
    sliceEnd = clock.monotonicMs() + SLICE_MS;
  };
}
