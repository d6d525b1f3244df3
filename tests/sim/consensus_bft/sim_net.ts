import { seededRandom } from "../../../shared/clock/mod.ts";
import { DEFAULT_TIMING } from "../../../services/consensus/testing/core_fixture.ts";
import { fakeAddress, FakeSigner } from "../../../services/consensus/testing/fake_crypto.ts";
import { GOOD_LINKS, HostileNetwork } from "../network.ts";
import { World } from "../world.ts";
import { Invariants } from "./invariants.ts";
import { ModelController, type Schedule } from "./model_controller.ts";
import { SimNode } from "./sim_node.ts";
import { NO_FAULTS, type NodeLinks } from "./validator.ts";

interface Packet {
  readonly type: string;
  readonly body: Uint8Array;
}

/** A chain to simulate. */
export interface SimNetOptions {
  readonly seed: number;
  readonly nodeCount: number;
  /** All nodes with an interval of three seconds by default. */
  readonly schedule?: Schedule;
}

/** How often a node looks for blocks that others have and it has not. */
const SYNC_INTERVAL_MS = 2_000;

/** A whole net of validators in one process; every invariant is watched all the while. */
export class SimNet {
  readonly world: World;
  readonly network: HostileNetwork<Packet>;
  readonly nodes: SimNode[] = [];
  readonly invariants = new Invariants();
  /** Called when a node crashed by itself; it stays down by default. */
  onCrash: (node: SimNode) => void = () => {};

  constructor({ seed, nodeCount, schedule = allValidate(nodeCount) }: SimNetOptions) {
    this.world = new World(seed);
    this.network = new HostileNetwork(this.world, nodeCount, (to, origin, { type, body }) => {
      this.nodes[to]?.post({ kind: "message", type, origin, body });
    });
    const signer = new FakeSigner(Math.floor(seededRandom(seed)() * 2 ** 32));
    for (let index = 0; index < nodeCount; index++) {
      const model = new ModelController({
        node: index,
        schedule,
        checkProof: (height, { data, proof }) => node.checkBlock(height, data, proof) === 0,
      });
      const node: SimNode = new SimNode({
        address: fakeAddress(index),
        world: this.world,
        timing: DEFAULT_TIMING,
        model,
        signer,
        links: this.#linksOf(index),
        onStored: (height, data) => this.invariants.onStored(index, height, data),
      });
      this.nodes.push(node);
    }
  }

  get controllers(): ModelController[] {
    return this.nodes.map(({ model }) => model);
  }

  /** Height of the shortest chain. */
  get height(): bigint {
    return this.controllers.reduce((low, { height }) => height < low ? height : low, 1n << 60n);
  }

  get highest(): bigint {
    return this.controllers.reduce((high, { height }) => height > high ? height : high, 0n);
  }

  /** Starts every node that is down and lets the controllers of a net find each other. */
  start(): void {
    for (const node of this.nodes) if (!node.isAlive) node.start();
    this.world.schedule(SYNC_INTERVAL_MS, () => this.#sync());
  }

  /** Ends every fault, and starts every node again. */
  heal(): void {
    this.onCrash = () => {};
    this.network.faults = GOOD_LINKS;
    this.network.groupOf.clear();
    for (const node of this.nodes) {
      node.faults = NO_FAULTS;
      if (!node.isAlive) node.start();
    }
  }

  /** Lets time pass until every node has stored a height; false when one has not in time. */
  runToHeight(height: bigint, limitMs: number): boolean {
    return this.world.runUntil(() => this.height >= height, this.world.nowMs + limitMs);
  }

  /** Lets time pass. */
  runFor(durationMs: number): void {
    this.world.runUntil(() => false, this.world.nowMs + durationMs);
  }

  /** The last log lines of every node, for a failed test. */
  report(): string {
    return this.nodes.map(({ log, core, model }, index) => {
      const view = core?.view;
      const state = view === undefined ? "down" : `${view.height}/${view.round}/${view.step}`;
      const lines = log.slice(-12).join("\n  ");
      return `node ${index} chain ${model.height} at ${state}\n  ${lines}`;
    }).join("\n");
  }

  #linksOf(index: number): NodeLinks {
    return {
      broadcast: (type, body) => {
        this.invariants.onSent(type, body);
        this.network.broadcast(index, { type, body });
      },
      send: (origin, type, body) => {
        this.invariants.onSent(type, body);
        this.network.send(index, this.network.nodeOf(origin), { type, body });
      },
      crashed: () => {
        const node = this.nodes[index];
        if (node !== undefined) this.onCrash(node);
      },
    };
  }

  #sync(): void {
    const { world, network, nodes } = this;
    for (const [index, node] of nodes.entries()) {
      const other = world.between(0, nodes.length - 1);
      const peer = nodes[other];
      if (peer === undefined || !node.isAlive || !peer.isAlive) continue;
      if (network.isConnected(index, other) && !world.chance(network.faults.dropRate)) {
        node.syncFrom(peer);
      }
    }
    world.schedule(SYNC_INTERVAL_MS, () => this.#sync());
  }
}

/** Every node validates at every height. */
export function allValidate(nodeCount: number, intervalSeconds = 3): Schedule {
  const validators = Array.from({ length: nodeCount }, (_, index) => fakeAddress(index));
  return () => ({ validators, intervalSeconds });
}
