import { seededRandom } from "../../../shared/clock/mod.ts";
import { MessageType } from "../../../services/consensus/bft/core/messages.ts";
import { DEFAULT_TIMING } from "../../../services/consensus/testing/core_fixture.ts";
import { fakeAddress, FakeSigner } from "../../../services/consensus/testing/fake_crypto.ts";
import { HostileNetwork } from "../network.ts";
import { World } from "../world.ts";
import { ChainInvariants } from "./chain_invariants.ts";
import { Conspiracy } from "./conspiracy.ts";
import { ModelController, type ModelOptions, type Schedule } from "./model_controller.ts";
import { type OnStored, SimNode, type SimNodeOptions } from "./sim_node.ts";
import { type Packet, Traitor } from "./traitor.ts";
import type { NodeLinks } from "./validator.ts";
import { VoteInvariants } from "./vote_invariants.ts";

/** A chain to simulate. */
export interface SimNetOptions {
  readonly seed: number;
  readonly nodeCount: number;
  /** The last ones of the nodes, which are none of {@linkcode SimNet.nodes}; none by default. */
  readonly traitorCount?: number;
  /** All nodes with an interval of three seconds by default. */
  readonly schedule?: Schedule;
}

/** How often a node looks for blocks that others have and it has not. */
const SYNC_INTERVAL_MS = 2_000;

/** Blocks say the number of who made them; twins make different ones. */
const TWIN_NUMBER_STEP = 1_000;

/** How often a traitor proposes a block that does not follow the last one. */
const LIE_RATE = 0.1;

/** What a {@linkcode Watcher} hears of a block that a node stores. */
export const STORED = "stored";

/** Learns the type of each message of an honest node, before others get it, and of stored blocks. */
export type Watcher = (node: number, what: string) => void;

/** A whole net of validators in one process; every invariant is watched all the while. */
export class SimNet {
  readonly world: World;
  readonly network: HostileNetwork<Packet>;
  /** The honest ones. */
  readonly nodes: SimNode[] = [];
  readonly traitors: Traitor[] = [];
  readonly votes: VoteInvariants;
  readonly chains: ChainInvariants;
  readonly watchers = new Set<Watcher>();
  readonly #schedule: Schedule;
  readonly #signer: FakeSigner;
  readonly #conspiracy: Conspiracy;
  /** Called when a node crashed by itself; it stays down by default. */
  onCrash: (node: SimNode) => void = () => {};

  constructor(
    { seed, nodeCount, traitorCount = 0, schedule = allValidate(nodeCount) }: SimNetOptions,
  ) {
    const honestCount = nodeCount - traitorCount;
    this.world = new World(seed);
    this.#schedule = schedule;
    this.#signer = new FakeSigner(Math.floor(seededRandom(seed)() * 2 ** 32));
    this.#conspiracy = new Conspiracy(this.world, honestCount);
    this.network = new HostileNetwork(
      this.world,
      nodeCount,
      (to, origin, packet) => this.#receive(to, origin, packet),
    );
    const honest = Array.from({ length: honestCount }, (_, index) => fakeAddress(index));
    this.votes = new VoteInvariants(honest);
    this.chains = new ChainInvariants({
      validatorsAt: (height) => schedule(height - 1n).validators,
      isHonest: (address) => honest.includes(address),
    });
    for (const index of honest.keys()) {
      const onStored: OnStored = (height, block) => {
        this.#tellWatchers(index, STORED);
        this.chains.onStored(index, height, block);
      };
      this.nodes.push(this.#createNode(index, { links: this.#linksOf(index), onStored }));
    }
    for (let index = honestCount; index < nodeCount; index++) {
      this.traitors.push(this.#createTraitor(index));
    }
  }

  #createNode(
    index: number,
    parts: Pick<SimNodeOptions, "links" | "onStored">,
    model: Partial<ModelOptions> = {},
  ): SimNode {
    const controller = new ModelController({
      node: index,
      schedule: this.#schedule,
      onMade: (data) => this.chains.onMade(data),
      checkProof: (height, { data, proof }) => node.checkBlock(height, data, proof) === 0,
      ...model,
    });
    const node: SimNode = new SimNode({
      address: fakeAddress(index),
      world: this.world,
      timing: DEFAULT_TIMING,
      model: controller,
      signer: this.#signer,
      ...parts,
    });
    return node;
  }

  #createTraitor(index: number): Traitor {
    return new Traitor({
      index,
      world: this.world,
      network: this.network,
      conspiracy: this.#conspiracy,
      signer: this.#signer,
      // what it stores is its own affair
      createTwin: (twin, links) =>
        this.#createNode(index, { links, onStored: () => {} }, {
          node: index + TWIN_NUMBER_STEP * twin,
          isLying: () => this.world.chance(LIE_RATE),
        }),
    });
  }

  #receive(to: number, origin: bigint, packet: Packet): void {
    const { type, body } = packet;
    this.nodes[to]?.post({ kind: "message", type, origin, body });
    this.traitors[to - this.nodes.length]?.receive(origin, packet);
  }

  get controllers(): ModelController[] {
    return this.nodes.map(({ model }) => model);
  }

  /** Height of the shortest chain. */
  get height(): bigint {
    return BigInt(Math.min(...this.nodes.map(({ model }) => model.blocks.length)));
  }

  get highest(): bigint {
    return BigInt(Math.max(...this.nodes.map(({ model }) => model.blocks.length)));
  }

  /** Starts every node that is down and lets the controllers of a net find each other. */
  start(): void {
    for (const node of this.nodes) if (!node.isAlive) node.start();
    this.#conspiracy.start();
    for (const traitor of this.traitors) traitor.start();
    this.world.schedule(SYNC_INTERVAL_MS, () => this.#sync());
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
        this.#onSaid(index, { type, body });
        this.network.broadcast(index, { type, body });
      },
      send: (origin, type, body) => {
        this.#onSaid(index, { type, body });
        this.network.send(index, this.network.nodeOf(origin), { type, body });
      },
      crashed: () => {
        const node = this.nodes[index];
        if (node !== undefined) this.onCrash(node);
      },
    };
  }

  #tellWatchers(node: number, what: string): void {
    for (const watch of this.watchers) watch(node, what);
  }

  #onSaid(from: number, { type, body }: Packet): void {
    this.votes.onSent(type, body);
    if (type === MessageType.LeaderPrecommit) this.chains.onShown(body);
    this.#tellWatchers(from, type);
  }

  #sync(): void {
    const { world, network, nodes, traitors } = this;
    for (const [index, node] of nodes.entries()) {
      const other = world.between(0, network.nodeCount - 1);
      if (!node.isAlive || !network.isConnected(index, other)) continue;
      if (world.chance(network.faults.dropRate)) continue;
      const peer = nodes[other];
      if (peer?.isAlive) node.syncFrom(peer);
      const forged = traitors[other - nodes.length]?.forgeBlock(node.model);
      if (forged) node.takeBlock(forged);
    }
    for (const twin of traitors.flatMap(({ twins }) => twins)) {
      const honest = nodes[world.between(0, nodes.length - 1)];
      if (honest?.isAlive) twin.syncFrom(honest);
    }
    world.schedule(SYNC_INTERVAL_MS, () => this.#sync());
  }
}

/** Every node validates at every height. */
export function allValidate(nodeCount: number, intervalSeconds = 3): Schedule {
  const validators = Array.from({ length: nodeCount }, (_, index) => fakeAddress(index));
  return () => ({ validators, intervalSeconds });
}
