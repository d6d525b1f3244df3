/** What can happen by itself in a state machine; returns whether it did. */
export type Rule<Machine> = (machine: Machine) => boolean;

/** No input sets off more steps than this: a rule that fires for ever is a defect. */
const STEPS_MAX = 10_000;

/** Applies the first rule that fires, again and again until none does. */
export function applyRules<Machine>(rules: readonly Rule<Machine>[], machine: Machine): void {
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    if (!rules.some((rule) => rule(machine))) return;
  }
  throw new Error(`The rules do not end after ${STEPS_MAX} steps`);
}
