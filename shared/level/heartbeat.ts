import { SYSTEM_CLOCK } from "../clock/mod.ts";

/** How late a timer of the process may be; a beat costs some 20 µs. */
const BEAT_MS = 20;

/**
 * Keeps the timers of this process going after a native addon has resolved a promise, to its end.
 *
 * Deno 2.7.14 has a defect (denoland/deno#35212, mended in 2.9): the first promise that a Node-API
 * addon resolves makes V8 run microtasks earlier than the runtime expects. A timer that is set in
 * one of them, right behind the callback of another timer, is then never armed, and from there on
 * no timer fires any more. One that beats steadily, armed again inside of its own callback, makes
 * the runtime look at all of them: they are at most a beat late.
 *
 * The harm outlasts the addon's last call, therefore so does the beat: a program that uses this
 * package ends with `process.exit`.
 */
function beat(): void {
  SYSTEM_CLOCK.setTimer(BEAT_MS, beat);
}

beat();
