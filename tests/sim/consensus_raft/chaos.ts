import assert from "node:assert/strict";
import { badLinks, GOOD_LINKS } from "../network.ts";
import { disturb, restartLater } from "./misfortunes.ts";
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

/** Proposals that are committed before all is well again. */
const HEIGHTS = 100;

/** Length of a bout of chaos, and of the time after it in which nothing goes wrong. */
const BOUT_MS_MIN = 500;
const BOUT_MS_MAX = 8_000;
const CALM_MS_MIN = 200;
const CALM_MS_MAX = 5_000;

/** Time between the misfortunes of a bout. */
const DISTURB_MS_MIN = 20;
const DISTURB_MS_MAX = 800;

/** Whatever happens in the bouts, so many heights take no longer. */
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
  #isOver = false;

  constructor(seed: number, readonly plan: RaftPlan) {
    this.net = new RaftNet(seed, plan);
  }

  /** @throws when an invariant does not hold or the group does not go on */
  run(): RaftOutcome {
    const { net, net: { invariants, world } } = this;
    net.onCrash = (node) => restartLater(net, node);
    net.start();
    this.#bout();
    const isEnough = () => {
      net.wanted = this.#wantedAt(invariants.proposals);
      return invariants.proposals >= HEIGHTS;
    };
    assert(net.runUntil(isEnough, CHAOS_MS_MAX), "The group decides nothing between the bouts");
    const heightInChaos = BigInt(invariants.proposals);
    this.#isOver = true;
    net.heal();
    const healedAtMs = world.nowMs;
    const height = invariants.height + RECOVERY_ENTRIES;
    assert(net.runUntil(() => net.isSettledAt(height), RECOVERY_MS_MAX), "The group is stuck");
    return { heightInChaos, recoveryMs: world.nowMs - healedAtMs };
  }

  /** The changes are spread over the whole run. */
  #wantedAt(proposals: number): readonly number[] {
    const { founders, changes } = this.plan;
    const stage = Math.floor(proposals * (changes.length + 1) / HEIGHTS);
    return [founders, ...changes][Math.min(stage, changes.length)] ?? founders;
  }

  #bout(): void {
    const { net, net: { world, network, nodes } } = this;
    const delayMsMax = world.chance(0.3) ? 2_000 : 200;
    network.faults = world.chance(0.7) ? badLinks(world, delayMsMax) : GOOD_LINKS;
    const crashRate = world.chance(0.5) ? 0.01 * world.random() : 0;
    for (const node of nodes) node.faults = { ...this.#nodeFaults(), crashRate };
    const endMs = world.nowMs + world.between(BOUT_MS_MIN, BOUT_MS_MAX);
    this.#disturbUntil(endMs);
    this.#at(endMs, () => {
      net.heal();
      this.#at(endMs + world.between(CALM_MS_MIN, CALM_MS_MAX), () => this.#bout());
    });
  }

  /** A slow node, maybe, or one with a clock that is wrong by up to a factor of two. */
  #nodeFaults(): Omit<RaftNodeFaults, "crashRate"> {
    const { world } = this.net;
    return {
      applyFailureRate: world.chance(0.3) ? 0.5 * world.random() : 0,
      diskMsMax: world.between(5, 200),
      applyMsMax: world.between(5, 200),
      tickMs: NO_FAULTS.tickMs * (world.chance(0.5) ? 2 ** (2 * world.random() - 1) : 1),
    };
  }

  #disturbUntil(endMs: number): void {
    const { net, net: { world } } = this;
    disturb(net);
    const nextMs = world.nowMs + world.between(DISTURB_MS_MIN, DISTURB_MS_MAX);
    if (nextMs < endMs) this.#at(nextMs, () => this.#disturbUntil(endMs));
  }

  #at(atMs: number, run: () => void): void {
    const { world } = this.net;
    world.schedule(atMs - world.nowMs, () => {
      if (!this.#isOver) run();
    });
  }
}

/** Runs a group of so many nodes, whose members come and go in every other seed. */
export function runGroup(size: number, seed: number): RaftOutcome {
  return new RaftChaos(seed, groupPlan(size, seed)).run();
}
