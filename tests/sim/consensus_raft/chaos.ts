import assert from "node:assert/strict";
import { isConfChange } from "../../../services/consensus/raft/core/messages.ts";
import { badLinks, GOOD_LINKS } from "../network.ts";
import {
  disturb,
  divideGenerations,
  type Misfortune,
  overthrow,
  restartLater,
} from "./misfortunes.ts";
import { groupPlan, type RaftPlan } from "./plans.ts";
import { RaftNet } from "./raft_net.ts";
import { NO_FAULTS, type RaftNodeFaults } from "./raft_node.ts";

/** What one run came to. */
export interface RaftOutcome {
  /** Proposals committed before all was well again. */
  readonly heightInChaos: bigint;
  /** Virtual time from the end of all faults until every voter had some more entries. */
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

/** Whatever happens in the bouts, all the heights take no longer. */
const CHAOS_MS_MAX = 1_800_000;

/** A group that does not go on within this time after all faults ended is stuck. */
const RECOVERY_MS_MAX = 60_000;
const RECOVERY_ENTRIES = 5n;

/**
 * Runs a group in which everything goes wrong that can, in bouts: lost, late and doubled messages,
 * and some of long ago; partitions, also of one direction; crashes at every instant that lose what
 * was not synced; processes that stand still, clocks that run at another speed, applications that
 * fail; rivals, leaders that hand over, members that come and go. Then all is well, and it has to
 * go on. A broken invariant throws.
 */
export class RaftChaos {
  readonly net: RaftNet;
  #isBout = false;
  /** Probability of an overthrow when a leader was elected or something was committed. */
  #overthrowRate = 0;

  constructor(seed: number, readonly plan: RaftPlan, readonly heights: number) {
    this.net = new RaftNet(seed, plan);
  }

  /** @throws when an invariant does not hold or the group does not go on */
  run(): RaftOutcome {
    const { net, net: { invariants, world } } = this;
    net.onCrash = (node) => restartLater(net, node);
    net.onConfChange = () => this.#onConfChange();
    invariants.onLeader = () => this.#onNews();
    invariants.onDecided = (entry) => isConfChange(entry) ? this.#onConfChange() : this.#onNews();
    net.start();
    this.#bout();
    const isEnough = () => {
      net.wanted = this.#wantedAt(Math.min(invariants.proposals, this.heights));
      return invariants.proposals >= this.heights;
    };
    assert(net.runUntil(isEnough, CHAOS_MS_MAX), "The group decides nothing between the bouts");
    const heightInChaos = BigInt(invariants.proposals);
    this.#heal();
    const healedAtMs = world.nowMs;
    const height = invariants.height + RECOVERY_ENTRIES;
    assert(net.runUntil(() => net.isSettledAt(height), RECOVERY_MS_MAX), "The group is stuck");
    return { heightInChaos, recoveryMs: world.nowMs - healedAtMs };
  }

  /** The changes are spread over the whole run; the last one comes when all is well. */
  #wantedAt(proposals: number): readonly number[] {
    const { founders, changes } = this.plan;
    const stage = Math.floor((proposals / this.heights) * changes.length);
    return [founders, ...changes][stage] ?? founders;
  }

  #bout(): void {
    const { net, net: { world, network, nodes } } = this;
    this.#isBout = true;
    this.#overthrowRate = world.chance(0.7) ? world.random() : 0;
    const delayMsMax = world.chance(0.3) ? 2_000 : 200;
    network.faults = world.chance(0.7) ? badLinks(world, delayMsMax) : GOOD_LINKS;
    const crashRate = world.chance(0.5) ? 0.01 * world.random() : 0;
    net.cutOffRate = world.chance(0.3) ? 0.05 * world.random() : 0;
    for (const node of nodes) node.faults = { ...this.#nodeFaults(), crashRate };
    this.#disturb();
    net.beforeHealing(world.between(BOUT_MS_MIN, BOUT_MS_MAX), () => {
      this.#heal();
      net.beforeHealing(world.between(CALM_MS_MIN, CALM_MS_MAX), () => this.#bout());
    });
  }

  #heal(): void {
    this.#isBout = false;
    this.net.heal();
  }

  /** A slow node, maybe, or one with a clock that is wrong by up to a factor of two. */
  #nodeFaults(): Omit<RaftNodeFaults, "crashRate"> {
    const { world } = this.net;
    return {
      applyFailureRate: world.chance(0.3) ? Math.min(1, 2 * world.random()) : 0,
      diskMsMax: world.between(5, world.chance(0.5) ? 500 : 20),
      applyMsMax: world.between(5, world.chance(0.5) ? 500 : 20),
      tickMs: NO_FAULTS.tickMs * (world.chance(0.5) ? 2 ** (2 * world.random() - 1) : 1),
    };
  }

  /** Right after something was decided is when it may be lost. */
  #onNews(): void {
    this.#perhaps(this.#overthrowRate, SOON_MS_MAX, overthrow);
  }

  /** Members that are to change get divided before others know of it, or while they change. */
  #onConfChange(): void {
    const delayMsMax = this.net.world.chance(0.5) ? SOON_MS_MAX : CHANGE_MS;
    this.#perhaps(CONF_CHANGE_RATE, delayMsMax, divideGenerations);
  }

  #perhaps(rate: number, delayMsMax: number, misfortune: Misfortune): void {
    const { net, net: { world } } = this;
    if (!this.#isBout || !world.chance(rate)) return;
    net.beforeHealing(world.between(0, delayMsMax), () => misfortune(net));
  }

  #disturb(): void {
    const { net, net: { world } } = this;
    disturb(net);
    net.beforeHealing(world.between(DISTURB_MS_MIN, DISTURB_MS_MAX), () => this.#disturb());
  }
}

/**
 * Runs a group of so many voters through so many heights in chaos. In every other seed its members
 * come and go.
 *
 * @throws when an invariant does not hold or the group does not go on
 */
export function runGroup(seed: number, size: number, heights: number): RaftOutcome {
  return new RaftChaos(seed, groupPlan(size, seed), heights).run();
}
