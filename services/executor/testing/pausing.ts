import type { Random } from "../../../shared/clock/mod.ts";
import type { Pace } from "../evm/work.ts";

/** A pace that pauses at every question, and asks after every single gas. */
export const PAUSING_ALWAYS: Pace = { gasSlice: 1, mustPause: () => true };

/** A pace that pauses at half of the questions, which come after up to 1,000 of gas. */
export function pausingAtRandom(random: Random): Pace {
  return {
    get gasSlice() {
      return 1 + Math.floor(random() * 1000);
    },
    mustPause: () => random() < 0.5,
  };
}
