/**
 * Finds out what of a script is to blame.
 *
 * @module
 */

import { GOOD_LINKS, type LinkFaults } from "../network.ts";
import { failureOf, type Suspect, withoutParts } from "../suspect.ts";
import { type Defect, violationOf } from "./planted.ts";
import type { Script, Step } from "./script.ts";

/** Whether a script still leads to harm. */
export type Fails = (script: Script) => boolean;

/**
 * Leaves out and softens whatever a failure does not need, until nothing more can go: with any one
 * of the steps that stay left out, all is well.
 */
export function shrink(script: Script, fails: Fails): Script {
  for (let current = script;;) {
    const next = withoutChanges(softened(withoutSteps(current, fails), fails), fails);
    if (JSON.stringify(next) === JSON.stringify(current)) return next;
    current = next;
  }
}

function withoutSteps(script: Script, fails: Fails): Script {
  return { ...script, steps: withoutParts(script.steps, (steps) => fails({ ...script, steps })) };
}

/** Makes single steps milder. */
function softened(script: Script, fails: Fails): Script {
  let current = script;
  for (const index of script.steps.keys()) {
    for (const soften of SOFTENINGS) {
      const steps = current.steps.map((step, other) => other === index ? soften(step) : step);
      const softer = { ...current, steps };
      if (fails(softer)) current = softer;
    }
  }
  return current;
}

/** Ways to make a step milder; the last one works again and again. */
const SOFTENINGS: readonly ((step: Step) => Step)[] = [
  (step) => withFaults(step, { dropRate: GOOD_LINKS.dropRate }),
  (step) => withFaults(step, { duplicateRate: GOOD_LINKS.duplicateRate }),
  (step) => withFaults(step, { delayMsMax: GOOD_LINKS.delayMsMax }),
  (step) => step.kind === "crash" ? { ...step, countdown: 0 } : step,
  (step) => step.kind === "calls" ? { ...step, failureRate: 0 } : step,
  (step) => ({ ...step, forMs: 0 }),
  (step) => ({ ...step, forMs: Math.floor(step.forMs / 2) }),
];

function withFaults(step: Step, milder: Partial<LinkFaults>): Step {
  return step.kind === "lines" ? { ...step, faults: { ...step.faults, ...milder } } : step;
}

function withoutChanges(script: Script, fails: Fails): Script {
  let current = script;
  for (let index = script.changes.length - 1; index >= 0; index--) {
    const fewer = { ...current, changes: current.changes.toSpliced(index, 1) };
    if (fails(fewer)) current = fewer;
  }
  return current;
}

/** A net that goes through a script, all of whose nodes make a mistake, or none. */
export function suspectOf(script: Script, defect: Defect | null): Suspect {
  const failure = (shorter: Script) => failureOf(() => violationOf(shorter, defect));
  return {
    folder: "bft",
    defect: defect?.name ?? null,
    script,
    length: script.steps.length,
    failure: () => failure(script),
    shrunk: () => suspectOf(shrink(script, (shorter) => failure(shorter) !== null), defect),
  };
}
