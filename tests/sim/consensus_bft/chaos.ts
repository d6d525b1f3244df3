import { fakeAddress } from "../../../services/consensus/testing/fake_crypto.ts";
import type { NetShape, Script, ValidatorChange } from "./script.ts";
import { SimNet } from "./sim_net.ts";
import type { Schedule } from "./model_controller.ts";
import { begin, type End } from "./troubles.ts";

/** What one run came to. */
export interface ChaosOutcome {
  /** Heights decided before all was well again. */
  readonly heightInChaos: bigint;
  /** Virtual time from the end of all troubles until every node had some more blocks. */
  readonly recoveryMs: number;
  readonly isRecovered: boolean;
  /** Stored proofs that gave way to those that the chain decided upon. */
  readonly proofsReplaced: number;
}

const RECOVERY_HEIGHTS = 3n;

/** Sixty block intervals: the bound of what a recovery may take. */
const RECOVERY_MS_MAX = 180_000;

const INTERVAL_SECONDS = 3;

/** Number of validators by seed: four is what chains have. */
const NODE_COUNTS = [1, 4, 3, 4, 2, 4, 5, 4, 7, 4];

/** A net of honest nodes; in every third one the validators change. */
export function honestShape(seed: number): NetShape {
  const nodeCount = NODE_COUNTS[seed % NODE_COUNTS.length] ?? 4;
  return { nodeCount, isChanging: seed % 3 === 0 };
}

/** A net with as many traitors as it can bear. */
export function betrayedShape(seed: number): NetShape {
  return seed % 2 === 0 ? { nodeCount: 4, traitorCount: 1 } : { nodeCount: 7, traitorCount: 2 };
}

/**
 * Runs a net through a script, in which everything goes wrong that can: lost, late, doubled
 * messages, partitions, crashes at every instant, torn writes, processes that stand still, clocks
 * that are wrong, services that do not answer. Then all is well again, and the chain has to grow. A
 * broken invariant throws.
 */
export class ChaosRun {
  readonly net: SimNet;
  readonly #ends = new Set<End>();
  #stepsBegun = 0;
  #isOver = false;

  constructor(readonly script: Script) {
    const { changes, ...shape } = script;
    const schedule = changes.length > 0 ? { schedule: scheduleOf(changes) } : {};
    this.net = new SimNet({ ...shape, ...schedule });
  }

  run(): ChaosOutcome {
    const { net, script: { heights, steps } } = this;
    net.start();
    this.#awaitStep();
    const endMs = steps.reduce((end, { atMs, forMs }) => Math.max(end, atMs + forMs), 0);
    net.world.runUntil(() => net.highest >= heights, endMs);
    const heightInChaos = net.highest;
    const healedAtMs = net.world.nowMs;
    this.#heal();
    const isRecovered = net.runToHeight(heightInChaos + RECOVERY_HEIGHTS, RECOVERY_MS_MAX);
    net.chains.checkChains(net.controllers);
    return {
      heightInChaos,
      isRecovered,
      recoveryMs: net.world.nowMs - healedAtMs,
      proofsReplaced: net.controllers.reduce((sum, { proofsReplaced }) => sum + proofsReplaced, 0),
    };
  }

  /** One at a time: a thousand events that lie far ahead would slow down every other one. */
  #awaitStep(): void {
    const { net: { world }, script: { steps } } = this;
    const step = steps[this.#stepsBegun++];
    if (step === undefined) return;
    world.schedule(step.atMs - world.nowMs, () => {
      if (this.#isOver) return;
      const end = begin(this.net, step);
      this.#ends.add(end);
      world.schedule(step.forMs, () => {
        if (this.#ends.delete(end)) end();
      });
      this.#awaitStep();
    });
  }

  #heal(): void {
    this.#isOver = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }
}

function scheduleOf(changes: readonly ValidatorChange[]): Schedule {
  const lists = changes.map(({ fromHeight, validators }) => ({
    fromHeight: BigInt(fromHeight),
    validators: validators.map(fakeAddress),
  }));
  return (height) => {
    const list = lists.findLast(({ fromHeight }) => fromHeight <= height) ?? lists[0];
    return { validators: list?.validators ?? [], intervalSeconds: INTERVAL_SECONDS };
  };
}

/**
 * Runs a net through a script that was planned for so many heights.
 *
 * @throws when an invariant does not hold, or the net decides too little or does not go on after
 */
export function runScript(script: Script): ChaosOutcome {
  const outcome = new ChaosRun(script).run();
  const { heightInChaos, isRecovered } = outcome;
  if (heightInChaos < script.heights) throw new Error(`only ${heightInChaos} heights in all bouts`);
  if (!isRecovered) throw new Error("the chain does not grow again");
  return outcome;
}
