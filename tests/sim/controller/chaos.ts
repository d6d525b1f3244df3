import assert from "node:assert/strict";
import { badLinks } from "../network.ts";
import { Liar } from "./liar.ts";
import { tampering } from "./tampering.ts";
import { Users } from "./users.ts";
import { WholeNet } from "./whole_net.ts";
import type { WholeNode } from "./whole_node.ts";

/** What one run came to. */
export interface ChaosOutcome {
  readonly heightInChaos: bigint;
  /** Virtual time from the end of all faults until all was well. */
  readonly recoveryMs: number;
  /** Transactions in blocks. */
  readonly executedCount: number;
}

const CHAOS_MS = 45_000;
const RECOVERY_HEIGHTS = 3n;

/** A transaction that is valid for that many blocks more gets into one of them. */
const PROMISE_HEIGHTS = 25n;

const ADMIN_LOOKS_MS = 5_000;

/** Nobody waits that long: it is the bound of what a recovery may take. */
const RECOVERY_MS_MAX = 600_000;

/** Nodes, and how many of them validate at first, by seed. */
const SIZES: readonly (readonly [number, number])[] = [
  [4, 4],
  [1, 1],
  [5, 4],
  [4, 4],
  [3, 3],
  [4, 4],
  [5, 3],
  [2, 1],
];

/**
 * Runs a net of whole nodes in which everything goes wrong that can: messages lost, late, doubled;
 * partitions; crashes at every call and in the middle of it; services that do not answer, full
 * disks, clocks that jump, lost executors, liars among the peers and among the validators, and an
 * admin who changes the rules meanwhile. Then the surroundings are well again, though the liars stay,
 * and the chain has to grow, with every transaction that was promised. A broken invariant throws.
 */
export class ChaosRun {
  readonly net: WholeNet;
  readonly #users: Users;
  #isOver = false;

  constructor(seed: number) {
    const [nodeCount, validatorCount] = SIZES[seed % SIZES.length] ?? [4, 4];
    const keepsPool = Math.floor(seed / SIZES.length) % 2 === 1;
    this.net = new WholeNet({ seed, nodeCount, validatorCount, keepsPool });
    this.#users = new Users(this.net);
  }

  async run(): Promise<ChaosOutcome> {
    const { net, net: { world, ledger } } = this;
    this.#plan();
    net.start();
    await net.runFor(CHAOS_MS);
    const heightInChaos = net.highest;
    const healedAtMs = world.nowMs;
    this.#isOver = true;
    net.heal();
    await this.#recover(heightInChaos + RECOVERY_HEIGHTS);
    return {
      heightInChaos,
      recoveryMs: world.nowMs - healedAtMs,
      executedCount: ledger.executedCount,
    };
  }

  async #recover(height: bigint): Promise<void> {
    const { net, net: { world } } = this;
    const wellAt = world.nowMs;
    const isGrown = await net.runToHeight(height, RECOVERY_MS_MAX);
    assert(isGrown, `the chain does not grow again: ${net.height} of ${height}`);
    await this.#expectPromises(wellAt + RECOVERY_MS_MAX - world.nowMs);
  }

  /** What was promised and can still be kept has to be kept. */
  async #expectPromises(limitMs: number): Promise<void> {
    const { net, net: { ledger, highest } } = this;
    this.#releaseBrake();
    const promised = new Set(ledger.open(highest + PROMISE_HEIGHTS));
    const missing = () => ledger.open(0n).filter((one) => promised.has(one));
    const isKept = await net.runUntil(() => missing().length === 0, limitMs);
    assert(isKept, `promised, and in no block: ${missing().map(({ hash }) => hash)}`);
  }

  /** The admin lets transactions pass again, also when a brake was under way. */
  #releaseBrake(): void {
    void this.#users.releaseBrake(this.net.anyNode());
    this.net.world.schedule(ADMIN_LOOKS_MS, () => this.#releaseBrake());
  }

  /** How bad it gets differs by seed: where nothing ever works, nothing is ever put at risk. */
  #plan(): void {
    const { net, net: { world } } = this;
    const isSlow = world.chance(0.3);
    net.network.faults = badLinks(world, isSlow ? 1_000 : 100);
    const crashRate = world.chance(0.5) ? 0.001 : 0;
    const callFailureRate = 0.05 * world.random();
    for (const node of net.nodes) {
      const faults = { crashRate, callFailureRate, callMsMax: world.between(1, isSlow ? 200 : 20) };
      node.faults = faults;
      node.validator.faults = faults;
    }
    net.onCrash = (node) => this.#restartLater(node);
    if (world.chance(0.5)) {
      const liar = new Liar(net);
      net.stranger = liar;
      liar.start();
    }
    const bad = net.nodes[0];
    if (net.nodes.length >= 4 && bad !== undefined && world.chance(0.5)) {
      bad.tamper = tampering(this.#users);
    }
    this.#often(100, 2_000, () => this.#users.send(net.anyNode()));
    this.#often(500, 5_000, () => this.#users.sendAgain(net.anyNode()));
    if (world.chance(0.7)) this.#often(2_000, 20_000, () => this.#users.govern(net.anyNode()));
    this.#often(500, 10_000, () => this.#disturb());
  }

  #disturb(): void {
    const { net, net: { world, network, nodes } } = this;
    const node = net.anyNode();
    switch (world.between(0, 9)) {
      case 0:
        return node.crash();
      case 1:
        return node.crashController();
      case 2:
        return node.validator.crash();
      case 3:
      case 4:
        for (const index of nodes.keys()) network.groupOf.set(index, world.between(0, 1));
        return;
      case 5:
        if (world.chance(0.2)) { for (const each of nodes) each.crash(); }
        return;
      case 6:
        node.setDiskFull(true);
        return this.#later(world.between(500, 10_000), () => node.setDiskFull(false));
      case 7:
        node.clockJumpMs = world.between(-120_000, 120_000);
        return;
      case 8:
        // the executor starts from nothing; consensus and storage keep what they have
        node.executor.executions = [];
        return;
      default:
        network.groupOf.clear();
    }
  }

  #restartLater(node: WholeNode): void {
    this.#later(this.net.world.between(10, 10_000), () => node.start());
  }

  /** Again and again, after random pauses. */
  #often(minMs: number, maxMs: number, run: () => void): void {
    this.#later(this.net.world.between(minMs, maxMs), () => {
      run();
      this.#often(minMs, maxMs, run);
    });
  }

  #later(delayMs: number, run: () => void): void {
    this.net.world.schedule(delayMs, () => {
      if (!this.#isOver) run();
    });
  }
}
