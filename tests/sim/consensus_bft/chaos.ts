import { badLinks } from "../network.ts";
import { SimNet } from "./sim_net.ts";
import type { SimNode } from "./sim_node.ts";

/** What one run came to. */
export interface ChaosOutcome {
  /** Heights decided while everything went wrong. */
  readonly heightInChaos: bigint;
  /** Virtual time from the end of all faults until every node had some more blocks. */
  readonly recoveryMs: number;
  readonly isRecovered: boolean;
  /** Stored proofs that gave way to those that the chain decided upon. */
  readonly proofsReplaced: number;
}

const CHAOS_MS = 120_000;
const RECOVERY_HEIGHTS = 3n;

/** Nobody waits that long: it is the bound of what a recovery may take. */
const RECOVERY_MS_MAX = 600_000;

/** Number of validators by seed: four is what chains have. */
const NODE_COUNTS = [1, 4, 3, 4, 2, 4, 5, 4, 7, 4];

/**
 * Runs a net in which everything goes wrong that can: lost, late, doubled messages, partitions,
 * crashes at every instant, torn writes, services that do not answer. Then all is well again, and
 * the chain has to grow. A broken invariant throws.
 */
export class ChaosRun {
  readonly net: SimNet;
  #isOver = false;

  constructor(seed: number) {
    this.net = new SimNet({ seed, nodeCount: NODE_COUNTS[seed % NODE_COUNTS.length] ?? 4 });
  }

  run(): ChaosOutcome {
    const { net } = this;
    this.#plan();
    net.start();
    net.runFor(CHAOS_MS);
    const heightInChaos = net.highest;
    const healedAtMs = net.world.nowMs;
    this.#isOver = true;
    net.heal();
    const isRecovered = net.runToHeight(heightInChaos + RECOVERY_HEIGHTS, RECOVERY_MS_MAX);
    net.invariants.checkProofs(net.controllers);
    return {
      heightInChaos,
      isRecovered,
      recoveryMs: net.world.nowMs - healedAtMs,
      proofsReplaced: net.controllers.reduce((sum, { proofsReplaced }) => sum + proofsReplaced, 0),
    };
  }

  /** How bad it gets differs by seed: where nothing ever works, nothing is ever put at risk. */
  #plan(): void {
    const { net, net: { world } } = this;
    const isSlow = world.chance(0.3);
    net.network.faults = badLinks(world, isSlow ? 1_500 : 100);
    const crashRate = world.chance(0.5) ? 0.001 : 0;
    const callFailureRate = 0.1 * world.random();
    for (const node of net.nodes) {
      node.faults = { crashRate, callFailureRate, callMsMax: world.between(5, isSlow ? 800 : 50) };
    }
    net.onCrash = (node) => this.#restartLater(node);
    this.#later(1_000, () => this.#disturb());
  }

  #disturb(): void {
    const { net, net: { world, network, nodes } } = this;
    switch (world.between(0, 4)) {
      case 0:
        nodes[world.between(0, nodes.length - 1)]?.crash();
        break;
      case 1:
        for (const index of nodes.keys()) network.groupOf.set(index, world.between(0, 1));
        break;
      case 2:
        if (world.chance(0.1)) { for (const node of net.nodes) node.crash(); }
        break;
      default:
        network.groupOf.clear();
    }
    this.#later(world.between(500, 15_000), () => this.#disturb());
  }

  #restartLater(node: SimNode): void {
    const { world } = this.net;
    this.#later(world.between(10, 15_000), () => {
      if (!node.isAlive) node.start();
    });
  }

  #later(delayMs: number, run: () => void): void {
    this.net.world.schedule(delayMs, () => {
      if (!this.#isOver) run();
    });
  }
}
