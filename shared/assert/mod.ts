/**
 * Invariants that must hold whatever the outside does.
 *
 * @module
 */

/** A broken invariant: a defect of this program. The process logs it and exits, nothing catches it. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/** Throws an {@linkcode InvariantError} unless the condition holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Closes a switch over a union: the compiler reports a case that was left out. */
export function unreachable(value: never): never {
  throw new InvariantError(`Unexpected value ${String(value)}`);
}
