/**
 * Draws scripts at random, by seed.
 *
 * @module
 */

import { Dice } from "../dice.ts";
import { badLinks } from "../network.ts";
import type { NetShape, Script, Step, Trouble, ValidatorChange } from "./script.ts";

/** Bouts of trouble come one after the other; a net that decides too little meanwhile is stuck. */
const BOUT_COUNT = 120;

/** Time of a bout in which things go wrong, and of the calm after it. */
const TROUBLE_MS_MIN = 3_000;
const TROUBLE_MS_MAX = 15_000;
const CALM_MS_MIN = 3_000;
const CALM_MS_MAX = 25_000;

const TROUBLES_MAX = 6;

/** Some troubles outlast their bout; some kinds do no harm unless rounds pass meanwhile. */
const LONG_MS_MAX = 45_000;
const LONG_KINDS: readonly Trouble["kind"][] = ["silence", "forgery"];

const LEAP_MS_MAX = 10_000;

/** A crash comes within so many effects, or so many writes. */
const EFFECTS_MAX = 40;
const WRITES_MAX = 8;

/** Heights that a list of validators lasts. */
const LIST_HEIGHTS_MAX = 12;

/** Apart from the seed of the world, so that what happens and how it goes are drawn independently. */
const PLAN_SALT = 0x7a3d_11c5;

/** Draws the script of a seed: bouts of trouble and calm until so many heights are decided. */
export function scriptOf(seed: number, shape: NetShape, heights: number): Script {
  const { nodeCount, traitorCount = 0, isChanging = false } = shape;
  const dice = new Dice(seed ^ PLAN_SALT);
  const changes = isChanging ? drawChanges(dice, nodeCount, heights) : [];
  const steps = drawSteps(dice, { honestCount: nodeCount - traitorCount, traitorCount });
  return { seed, nodeCount, traitorCount, heights, changes, steps };
}

/** How many there are of each sort. */
interface Census {
  readonly honestCount: number;
  readonly traitorCount: number;
}

function drawSteps(dice: Dice, census: Census): Step[] {
  const steps: Step[] = [];
  // where nothing ever works, nothing is ever put at risk: each net has troubles of its own
  const likely = ALL_KINDS.filter(() => dice.chance(0.6));
  const kinds = likely.length > 0 ? likely : ALL_KINDS;
  let startMs = 1_000;
  for (let bout = 0; bout < BOUT_COUNT; bout++) {
    const lengthMs = dice.between(TROUBLE_MS_MIN, TROUBLE_MS_MAX);
    if (dice.chance(0.7)) {
      const faults = badLinks(dice, dice.chance(0.3) ? 1_500 : 100);
      steps.push({ atMs: startMs, forMs: lengthMs, kind: "lines", faults });
    }
    for (let count = dice.between(1, TROUBLES_MAX); count > 0; count--) {
      const trouble = drawTrouble(dice, dice.pick(kinds), census);
      const isLong = dice.chance(LONG_KINDS.includes(trouble.kind) ? 0.5 : 0.1);
      const forMs = dice.between(10, isLong ? LONG_MS_MAX : lengthMs);
      steps.push({ atMs: startMs + dice.between(0, lengthMs), forMs, ...trouble });
    }
    startMs += lengthMs + dice.between(CALM_MS_MIN, CALM_MS_MAX);
  }
  return steps.sort((left, right) => left.atMs - right.atMs);
}

/** Those that a node suffers; the more often one is named, the more often it happens. */
const ALL_KINDS: readonly Exclude<Trouble["kind"], "lines">[] = [
  "split",
  "cut",
  "silence",
  "silence",
  "crash",
  "crash",
  "pause",
  "clock",
  "calls",
  "controller",
  "forgery",
];

function drawTrouble(
  dice: Dice,
  kind: Exclude<Trouble["kind"], "lines">,
  { honestCount, traitorCount }: Census,
): Trouble {
  const node = dice.between(0, honestCount - 1);
  switch (kind) {
    case "split": {
      const groups = Array.from({ length: honestCount }, () => dice.between(0, 1));
      return { kind, groups };
    }
    case "cut":
      return { kind, from: node, to: dice.between(0, honestCount - 1) };
    case "silence":
      return { kind, node, at: traitorCount > 0 && dice.chance(0.5) ? "learning" : "telling" };
    case "crash": {
      const at = dice.chance(0.5) ? "effect" : "write";
      const countdown = dice.between(0, at === "effect" ? EFFECTS_MAX : WRITES_MAX);
      return { kind, node, at, countdown, writtenShare: drawShare(dice) };
    }
    case "clock": {
      const leapMs = dice.chance(0.3) ? dice.between(1, LEAP_MS_MAX) : 0;
      return { kind, node, speed: 0.8 * (1.25 / 0.8) ** dice.random(), leapMs };
    }
    case "calls":
      return { kind, node, failureRate: 0.3 * dice.random(), msMax: dice.between(5, 1_500) };
    case "forgery":
      return { kind };
    default:
      return { kind, node };
  }
}

/** Nothing, everything, or a part. */
function drawShare(dice: Dice): number {
  return Math.min(1, Math.max(0, 2 * dice.random() - 0.5));
}

/** Lists of validators: some come, go, take the place of others or change places. */
function drawChanges(dice: Dice, nodeCount: number, heights: number): ValidatorChange[] {
  const changes: ValidatorChange[] = [];
  let validators = range(nodeCount);
  for (let fromHeight = 0; fromHeight < heights;) {
    changes.push({ fromHeight, validators });
    fromHeight += dice.between(1, LIST_HEIGHTS_MAX);
    validators = changed(dice, validators, nodeCount);
  }
  return changes;
}

function changed(dice: Dice, validators: readonly number[], nodeCount: number): number[] {
  const others = range(nodeCount).filter((node) => !validators.includes(node));
  const place = dice.between(0, validators.length - 1);
  switch (dice.between(0, 4)) {
    case 0:
      return others.length > 0 ? [...validators, dice.pick(others)] : shuffled(dice, validators);
    case 1:
      return validators.length > 1 ? validators.toSpliced(place, 1) : [...validators, ...others];
    case 2:
      return others.length > 0 ? validators.with(place, dice.pick(others)) : [...validators];
    case 3:
      return shuffled(dice, range(nodeCount)).slice(0, dice.between(1, nodeCount));
    default:
      return shuffled(dice, validators);
  }
}

function shuffled(dice: Dice, numbers: readonly number[]): number[] {
  return numbers.map((number) => ({ number, place: dice.random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ number }) => number);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
