/** Waiting for what other processes do. */

import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";

/** What to wait for, and how long. */
export interface WaitOptions {
  /** Named in the error when it does not happen. */
  readonly what: string;
  readonly timeoutMs: number;
}

/** Between two looks at another process, which cannot tell us. */
const POLL_INTERVAL_MS = 200;

/** Asks again and again until the answer is not null; failures of asking count as null. */
export async function waitFor<Value>(
  ask: () => Promise<Value | null>,
  { what, timeoutMs }: WaitOptions,
): Promise<Value> {
  const deadline = SYSTEM_CLOCK.monotonicMs() + timeoutMs;
  let lastFailure: unknown = null;
  while (SYSTEM_CLOCK.monotonicMs() < deadline) {
    try {
      const answer = await ask();
      if (answer !== null) return answer;
      lastFailure = null;
    } catch (failure) {
      lastFailure = failure;
    }
    await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
  }
  throw new Error(`${what} did not happen within ${timeoutMs} ms`, { cause: lastFailure });
}
