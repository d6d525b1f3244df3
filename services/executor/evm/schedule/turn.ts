import { setImmediate } from "node:timers";

/**
 * As long as something is to be done, Deno's event loop (tokio) looks at the sockets in every 61st
 * pass only: with 4 passes a request was noticed after 13 ms of turns, with 61 after 0.6 ms.
 */
const PASSES = 61;

/** Lets the events in that wait: takes 0.1 ms without any, where a timer takes 2 ms. */
export async function nextTurn(): Promise<void> {
  for (let i = 0; i < PASSES; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
