import type { Clock } from "../../shared/clock/mod.ts";
import { isDiskFull } from "../../shared/files/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";

/** How a wait for room on the disk is paced and told. */
export interface WaitForRoom {
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when nobody is interested any more. */
  readonly signal: AbortSignal;
  /** Learns that a wait begins. */
  readonly onFull: () => void;
}

/** Room is made by hand, so there is no hurry. */
const PAUSE_MS = 1_000;

/**
 * Writes, again and again while the disk is full; any other failure is thrown. Tells once of a wait.
 *
 * @returns false when it was given up because the signal aborted
 */
export async function untilWritten(
  write: () => Promise<void>,
  { clock, log, signal, onFull }: WaitForRoom,
): Promise<boolean> {
  for (let failures = 0;; failures++) {
    try {
      await write();
      if (failures > 0) log.info("the disk has room again: consensus goes on");
      return true;
    } catch (cause) {
      if (!isDiskFull(cause)) throw cause;
      if (failures === 0) {
        log.error("the disk is full: this node takes no part in consensus until it has room");
        onFull();
      }
    }
    await clock.sleep(PAUSE_MS, signal);
    if (signal.aborted) return false;
  }
}
