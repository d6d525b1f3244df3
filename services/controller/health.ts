import type { Controller } from "./controller.ts";
import { patienceMs } from "./flows/stall_watch.ts";

/**
 * Whether blocks come (6.4): the last one, or the start, is not too long ago. The node measures that
 * itself, so it does not matter how often it is asked. A chain whose blocks are meant to be farther
 * apart than the limit is not unhealthy for that.
 */
export function isHealthy({ node }: Controller, stallMs: number): boolean {
  return node.activity.standstillMs < Math.max(stallMs, patienceMs(node));
}
