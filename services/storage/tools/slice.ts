/**
 * How long a command may compute before it looks for a signal of the user. Timers are up to 20 ms
 * late while a LevelDB is open (shared/level/heartbeat.ts), so not too often.
 */
export const SLICE_MS = 250;
