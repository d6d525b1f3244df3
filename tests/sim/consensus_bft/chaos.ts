import {
  encodeLeaderVote,
  MessageType,
  Step,
} from "../../../services/consensus/bft/core/messages.ts";
import { badLinks } from "../network.ts";
import { SimNet, type SimNetOptions } from "./sim_net.ts";
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
/** The session of a peer that validates nothing. */
const STRANGER_ORIGIN = 99n;

/** A group that no other disturbance puts a node into. */
const ISOLATED_GROUP = 2;

const RECOVERY_HEIGHTS = 3n;

/** Nobody waits that long: it is the bound of what a recovery may take. */
const RECOVERY_MS_MAX = 600_000;

/** Who is in a net. */
export type NetShape = Pick<SimNetOptions, "nodeCount" | "traitorCount">;

/** Number of validators by seed: four is what chains have. */
const NODE_COUNTS = [1, 4, 3, 4, 2, 4, 5, 4, 7, 4];

/** A net of honest nodes. */
export function honestShape(seed: number): NetShape {
  return { nodeCount: NODE_COUNTS[seed % NODE_COUNTS.length] ?? 4 };
}

/** A net with as many traitors as it can bear. */
export function betrayedShape(seed: number): NetShape {
  return seed % 2 === 0 ? { nodeCount: 4, traitorCount: 1 } : { nodeCount: 7, traitorCount: 2 };
}

/**
 * Runs a net in which everything goes wrong that can: lost, late, doubled messages, partitions,
 * crashes at every instant, torn writes, services that do not answer. Then all is well again, and
 * the chain has to grow. A broken invariant throws.
 */
export class ChaosRun {
  readonly net: SimNet;
  #isOver = false;

  constructor(seed: number, shape: NetShape = honestShape(seed)) {
    this.net = new SimNet({ seed, ...shape });
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
    const cutRate = world.chance(0.5) ? 0.2 : 0;
    net.network.accepts = (from, _to, { type }) => {
      if (this.#isOver || type !== MessageType.LeaderPrecommit || !world.chance(cutRate)) {
        return true;
      }
      this.#isolate(from);
      return false;
    };
    this.#later(1_000, () => this.#disturb());
    if (world.chance(0.5)) this.#forge();
  }

  /** Somebody without a key tells a node that its round has come to nothing (S4). */
  #forge(): void {
    const { nodes, world } = this.net;
    const node = nodes[world.between(0, nodes.length - 1)];
    const view = node?.core?.view;
    if (view !== undefined) {
      const { height, round } = view;
      const body = encodeLeaderVote({ height, round, step: Step.Prevote, hash: null, votes: [] });
      const type = MessageType.LeaderPrevote;
      node?.post({ kind: "message", type, origin: STRANGER_ORIGIN, body });
    }
    this.#later(world.between(50, 1_000), () => this.#forge());
  }

  /** Cuts off a leader while it tells of a decision: those that did not hear it must come to it. */
  #isolate(index: number): void {
    const { net: { network, world } } = this;
    network.groupOf.set(index, ISOLATED_GROUP);
    this.#later(world.between(1_000, 60_000), () => network.groupOf.delete(index));
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
