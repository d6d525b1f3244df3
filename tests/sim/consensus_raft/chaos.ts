import assert from "node:assert/strict";
import { isConfChange } from "../../../services/consensus/raft/core/messages.ts";
import { Dice } from "../dice.ts";
import { badLinks, GOOD_LINKS } from "../network.ts";
import {
  cutPartly,
  divideGenerations,
  LIKELY,
  type Misfortune,
  MISFORTUNES,
  overthrow,
  restartLater,
  slowDown,
} from "./misfortunes.ts";
import { groupPlan } from "./plans.ts";
import { RaftNet } from "./raft_net.ts";
import { NO_FAULTS, type RaftNodeFaults } from "./raft_node.ts";
import { type RaftScript, Troubles } from "./script.ts";

/** What one run came to. */
export interface RaftOutcome {
  /** Proposals committed before all was well again. */
  readonly heightInChaos: bigint;
  /**
   * Virtual time from the end of all faults until every voter had some more entries, or, if that is
   * longer, from when links became slow or were cut until some more were committed.
   */
  readonly recoveryMs: number;
}

/** Length of a bout of chaos, and of the time after it in which nothing goes wrong. */
const BOUT_MS_MIN = 500;
const BOUT_MS_MAX = 12_000;
const CALM_MS_MIN = 200;
const CALM_MS_MAX = 2_000;

/** Time between the misfortunes of a bout. */
const DISTURB_MS_MIN = 20;
const DISTURB_MS_MAX = 800;

/** Before a message can have got far. */
const SOON_MS_MAX = 3;

/** Probability that members that are to change get divided, and about how long a change takes. */
const CONF_CHANGE_RATE = 0.5;
const CHANGE_MS = 1_000;

/** The name of that trouble. */
const DIVISION = "division upon a change";

/** Whatever happens in the bouts, all the heights take no longer. */
const CHAOS_MS_MAX = 1_800_000;

/** A group that does not go on within this time after all faults ended is stuck. */
const RECOVERY_MS_MAX = 60_000;
const RECOVERY_ENTRIES = 5n;

/** Probability that links are slow for a while then, and what a group commits meanwhile. */
const SLOW_LINKS_RATE = 0.3;
const SLOW_ENTRIES = 3n;

/** Apart from the seed of the world, so that when something happens and how it goes are independent. */
const SCHEDULE_SALT = 0x51f0_3a67;

/**
 * Runs a group in which everything goes wrong that can, in bouts: lost, late and doubled messages,
 * and some of long ago; partitions, also of one direction; crashes at every instant that lose what
 * was not synced; processes that stand still, clocks that run at another speed, applications that
 * fail; rivals, leaders that hand over, members that come and go. Then all is well, and it has to
 * go on; so it has when links become slow, and when some are cut that no majority needs. A broken
 * invariant throws.
 */
export class RaftChaos {
  readonly net: RaftNet;
  readonly troubles: Troubles;
  /** When bouts and misfortunes come, whichever of them are left out. */
  readonly #schedule: Dice;
  #isBout = false;
  /** Probability of an overthrow when a leader was elected or something was committed. */
  #overthrowRate = 0;

  constructor(readonly script: RaftScript) {
    this.net = new RaftNet(script.seed + script.luck, script);
    this.troubles = new Troubles(script);
    this.#schedule = new Dice(script.seed ^ SCHEDULE_SALT);
  }

  /** @throws when an invariant does not hold or the group does not go on */
  run(): RaftOutcome {
    const { net, net: { invariants, world }, script: { heights } } = this;
    net.onCrash = (node) => restartLater(net, node);
    net.onConfChange = () => this.#onConfChange();
    invariants.onLeader = () => this.#onNews();
    invariants.onDecided = (entry) => isConfChange(entry) ? this.#onConfChange() : this.#onNews();
    net.start();
    this.#bout();
    const isEnough = () => {
      net.wanted = this.#wantedAt(Math.min(invariants.proposals, heights));
      return invariants.proposals >= heights;
    };
    assert(net.runUntil(isEnough, CHAOS_MS_MAX), "The group decides nothing between the bouts");
    const heightInChaos = BigInt(invariants.proposals);
    this.#heal();
    const healedAtMs = world.nowMs;
    const height = invariants.height + RECOVERY_ENTRIES;
    assert(net.runUntil(() => net.isSettledAt(height), RECOVERY_MS_MAX), "The group is stuck");
    const recoveryMs = world.nowMs - healedAtMs;
    const slowedMs = this.#slowDown();
    return { heightInChaos, recoveryMs: Math.max(recoveryMs, slowedMs, this.#cutPartly()) };
  }

  /** Makes links slow for a while; gives the time until entries are committed again. */
  #slowDown(): number {
    const { net } = this;
    const dice = this.troubles.next("slow links", SLOW_LINKS_RATE);
    if (dice === null) return 0;
    slowDown(net, dice);
    const tookMs = this.#timeOfEntries(SLOW_ENTRIES, "A group with slow links is stuck");
    net.heal();
    return tookMs;
  }

  /** Cuts links that no majority needs; gives the time until entries are committed again. */
  #cutPartly(): number {
    const { net } = this;
    const dice = this.troubles.next("partial cut");
    // how several nodes of the reference stand in each other's way is none of our business
    if (dice === null || net.bluntVoters.length > 1) return 0;
    cutPartly(net, dice);
    return this.#timeOfEntries(RECOVERY_ENTRIES, "A majority that hears each other is stuck");
  }

  /** The time until some more entries are committed. */
  #timeOfEntries(count: bigint, failure: string): number {
    const { net, net: { invariants, world } } = this;
    const startMs = world.nowMs;
    const height = invariants.height + count;
    assert(net.runUntil(() => invariants.height >= height, RECOVERY_MS_MAX), failure);
    return world.nowMs - startMs;
  }

  /** The changes are spread over the whole run; the last one comes when all is well. */
  #wantedAt(proposals: number): readonly number[] {
    const { founders, changes, heights } = this.script;
    const stage = Math.floor((proposals / heights) * changes.length);
    return [founders, ...changes][stage] ?? founders;
  }

  #bout(): void {
    const { net } = this;
    this.#isBout = true;
    const dice = this.troubles.next("bout");
    if (dice !== null) this.#spoil(dice);
    this.#disturb();
    net.beforeHealing(this.#schedule.between(BOUT_MS_MIN, BOUT_MS_MAX), () => {
      this.#heal();
      const calmMs = this.#schedule.between(CALM_MS_MIN, CALM_MS_MAX);
      net.beforeHealing(calmMs, () => this.#bout());
    });
  }

  /** Makes lines, disks, clocks and applications bad for the time of a bout. */
  #spoil(dice: Dice): void {
    const { net, net: { network, nodes } } = this;
    this.#overthrowRate = dice.chance(0.7) ? dice.random() : 0;
    const delayMsMax = dice.chance(0.3) ? 2_000 : 200;
    network.faults = dice.chance(0.7) ? badLinks(dice, delayMsMax) : GOOD_LINKS;
    const crashRate = dice.chance(0.5) ? 0.01 * dice.random() : 0;
    net.cutOffRate = dice.chance(0.3) ? 0.05 * dice.random() : 0;
    for (const node of nodes) node.faults = { ...nodeFaults(dice), crashRate };
  }

  #heal(): void {
    this.#isBout = false;
    this.#overthrowRate = 0;
    this.net.heal();
  }

  /** Right after something was decided is when it may be lost. */
  #onNews(): void {
    this.#perhaps("overthrow upon news", this.#overthrowRate, overthrow);
  }

  /** Members that are to change get divided before others know of it, or while they change. */
  #onConfChange(): void {
    this.#perhaps(DIVISION, CONF_CHANGE_RATE, divideGenerations);
  }

  #perhaps(name: string, rate: number, misfortune: Misfortune): void {
    const { net } = this;
    const dice = this.#isBout ? this.troubles.next(name, rate) : null;
    if (dice === null) return;
    const delayMsMax = name === DIVISION && dice.chance(0.5) ? CHANGE_MS : SOON_MS_MAX;
    net.beforeHealing(dice.between(0, delayMsMax), () => misfortune(net, dice));
  }

  #disturb(): void {
    const { net } = this;
    const name = this.#schedule.pick(LIKELY);
    const dice = this.troubles.next(name);
    if (dice !== null) MISFORTUNES[name]?.(net, dice);
    const pauseMs = this.#schedule.between(DISTURB_MS_MIN, DISTURB_MS_MAX);
    net.beforeHealing(pauseMs, () => this.#disturb());
  }
}

/** A slow node, maybe, or one with a clock that is wrong by up to a factor of two. */
function nodeFaults(dice: Dice): Omit<RaftNodeFaults, "crashRate"> {
  return {
    applyFailureRate: dice.chance(0.3) ? Math.min(1, 2 * dice.random()) : 0,
    diskMsMax: dice.between(5, dice.chance(0.5) ? 500 : 20),
    applyMsMax: dice.between(5, dice.chance(0.5) ? 500 : 20),
    tickMs: NO_FAULTS.tickMs * (dice.chance(0.5) ? 2 ** (2 * dice.random() - 1) : 1),
  };
}

/**
 * The script of a group of so many voters through so many heights in chaos. In every other seed its
 * members come and go.
 */
export function groupScript(seed: number, size: number, heights: number): RaftScript {
  return { seed, heights, luck: 0, ...groupPlan(size, seed), troubles: null };
}

/**
 * Runs a group through a script.
 *
 * @throws when an invariant does not hold or the group does not go on
 */
export function runGroup(script: RaftScript): RaftOutcome {
  return new RaftChaos(script).run();
}
