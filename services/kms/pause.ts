import type { Clock } from "../../shared/clock/mod.ts";

/**
 * How long this thread works at a stretch. A call takes some turns of the event loop and may wait
 * for a slice in each of them; handing over costs a millisecond.
 */
const SLICE_MS = 3;

/**
 * A pause function for all such work: resolves at once until a slice of time is used up, then after
 * other events had their turn. Unlike with the pause of shared/clock, all that is done within one
 * turn of the event loop shares a slice.
 */
export function createSharedPause(clock: Clock): () => Promise<void> {
  let sliceEnd: number | null = null;
  return async () => {
    if (sliceEnd === null) {
      sliceEnd = clock.monotonicMs() + SLICE_MS;
      clock.setTimer(0, () => sliceEnd = null);
    } else if (clock.monotonicMs() >= sliceEnd) {
      await clock.sleep(0);
    }
  };
}
