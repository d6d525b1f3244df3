import { seededRandom } from "../../../shared/clock/mod.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { FakeSigner } from "../../../services/consensus/testing/fake_crypto.ts";
import type { Node, Settings } from "../../../services/controller/flows/node.ts";
import type { SystemConfig } from "../../../services/controller/system_config/mod.ts";
import { MODULE } from "../../../services/controller/node_manager/mod.ts";
import type { NetworkPort } from "../../../services/controller/ports.ts";
import { settings as testSettings } from "../../../services/controller/testing/builders.ts";
import { VoteInvariants } from "../consensus_bft/vote_invariants.ts";
import { NO_FAULTS, type NodeLinks } from "../consensus_bft/validator.ts";
import { GOOD_LINKS, HostileNetwork } from "../network.ts";
import { World } from "../world.ts";
import { NO_CONTROLLER_FAULTS } from "./faulty_ports.ts";
import { Ledger } from "./ledger.ts";
import { nodeAddress, WholeNode } from "./whole_node.ts";

/** A message between services of the same kind. */
export interface Packet {
  readonly module: string;
  readonly type: string;
  readonly body: Bytes;
}

/** Somebody in the net who is no node, with a session to every node. */
export interface Stranger {
  receive(origin: bigint, packet: Packet): void;
}

/** A net to simulate. */
export interface WholeNetOptions {
  readonly seed: number;
  readonly nodeCount: number;
  /** The first of the nodes; all of them by default. */
  readonly validatorCount?: number;
  readonly settings?: Partial<Settings>;
  /** Whether its nodes keep their pools on disk; they do not by default. */
  readonly keepsPool?: boolean;
}

const CONSENSUS = "consensus";
const BLOCK_INTERVAL_SECONDS = 1;
const BLOCK_LIMIT = 40n;
const LOOK_INTERVAL_MS = 500;
const RESTART_MS = 1_000;

const SM3 = await loadSm3();

/** A whole net of nodes in one process; every invariant is watched all the while. */
export class WholeNet {
  readonly world: World;
  readonly network: HostileNetwork<Packet>;
  readonly nodes: WholeNode[] = [];
  readonly ledger = new Ledger(SM3);
  readonly votes: VoteInvariants;
  stranger: Stranger | null = null;
  /** Called when a controller ended; it stays down by default. */
  onCrash: (node: WholeNode) => void = () => {};
  /** What an invariant said that did not hold. */
  #violation: unknown = null;

  constructor(options: WholeNetOptions) {
    const { seed, nodeCount, validatorCount = nodeCount, settings = {}, keepsPool = false } =
      options;
    this.world = new World(seed);
    // one more than there are nodes: the stranger
    this.network = new HostileNetwork(
      this.world,
      nodeCount + 1,
      (to, origin, packet) => this.#receive(to, origin, packet),
    );
    const signer = new FakeSigner(Math.floor(seededRandom(seed)() * 2 ** 32));
    this.votes = new VoteInvariants(
      Array.from({ length: nodeCount }, (_, index) => toHex(nodeAddress(index))),
    );
    const validators = Array.from({ length: validatorCount }, (_, index) => nodeAddress(index));
    const common = testSettings(0, settings);
    for (let index = 0; index < nodeCount; index++) {
      const node = new WholeNode({
        index,
        world: this.world,
        ledger: this.ledger,
        settings: {
          ...common,
          nodeAddress: nodeAddress(index),
          systemConfig: {
            ...common.systemConfig,
            validators,
            blockIntervalSeconds: BLOCK_INTERVAL_SECONDS,
            blockLimit: BLOCK_LIMIT,
          },
        },
        signer,
        links: this.#linksOf(index),
        network: this.#portOf(index),
        keepsPool,
        onCrash: (crashed) => this.onCrash(crashed),
      });
      this.nodes.push(node);
    }
  }

  /** Height of the shortest chain. */
  get height(): bigint {
    return this.nodes.reduce((low, { height }) => height < low ? height : low, 1n << 60n);
  }

  get highest(): bigint {
    return this.nodes.reduce((high, { height }) => height > high ? height : high, 0n);
  }

  /** In force after the highest block. */
  get config(): SystemConfig {
    const nodes = this.nodes.flatMap(({ controller }) => controller?.node ?? []);
    const [first, ...others] = nodes;
    if (first === undefined) throw new Error("No controller runs");
    const heightOf = ({ chain }: Node) => chain.tip.height;
    return others.reduce((a, b) => heightOf(a) >= heightOf(b) ? a : b, first).systemConfig;
  }

  /** Any of the nodes. */
  anyNode(): WholeNode {
    const node = this.nodes[this.world.between(0, this.nodes.length - 1)];
    if (node === undefined) throw new Error("A net has nodes");
    return node;
  }

  start(): void {
    for (const node of this.nodes) node.start();
    this.#every(LOOK_INTERVAL_MS, () => this.#lookAtConfigs());
  }

  /** Ends every fault of the surroundings; whatever is down is started. */
  heal(): void {
    this.onCrash = (node) => this.world.schedule(RESTART_MS, () => node.start());
    this.network.faults = GOOD_LINKS;
    this.network.groupOf.clear();
    for (const node of this.nodes) {
      node.validator.faults = NO_FAULTS;
      node.faults = NO_CONTROLLER_FAULTS;
      node.setDiskFull(false);
      node.start();
    }
  }

  /** Lets time pass until the condition holds; false when it does not in time. */
  runUntil(isDone: () => boolean, limitMs: number): Promise<boolean> {
    return this.#run(() => this.world.runUntilSettled(isDone, this.world.nowMs + limitMs));
  }

  /** Lets time pass until every node has stored a height; false when one has not in time. */
  runToHeight(height: bigint, limitMs: number): Promise<boolean> {
    return this.runUntil(() => this.height >= height, limitMs);
  }

  /** Lets time pass. */
  async runFor(durationMs: number): Promise<void> {
    await this.runUntil(() => false, durationMs);
  }

  /** Invariants are looked at deep inside of nodes: what they throw ends the run here. */
  async #run(work: () => Promise<boolean>): Promise<boolean> {
    const onRejection = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      this.#violation ??= event.reason;
    };
    globalThis.addEventListener("unhandledrejection", onRejection);
    try {
      const isDone = await work();
      if (this.#violation === null) return isDone;
    } finally {
      globalThis.removeEventListener("unhandledrejection", onRejection);
    }
    throw this.#violation;
  }

  /** The last log lines of every node, for a failed test. */
  report(): string {
    return this.nodes.map(({ log, height, validator: { core, log: lines } }, index) => {
      const view = core?.view;
      const state = view === undefined ? "down" : `${view.height}/${view.round}/${view.step}`;
      const last = [...log.slice(-25), "consensus:", ...lines.slice(-6)].join("\n  ");
      return `node ${index} chain ${height} at ${state}\n  ${last}`;
    }).join("\n");
  }

  #receive(to: number, origin: bigint, packet: Packet): void {
    const { module, type, body } = packet;
    const node = this.nodes[to];
    if (node === undefined) this.stranger?.receive(origin, packet);
    else if (module === CONSENSUS) node.validator.post({ kind: "message", type, origin, body });
    else node.receive({ module, type, origin, msg: body });
  }

  #linksOf(index: number): NodeLinks {
    const { network, votes } = this;
    return {
      broadcast: (type, body) => {
        votes.onSent(type, body);
        network.broadcast(index, { module: CONSENSUS, type, body });
      },
      send: (origin, type, body) => {
        votes.onSent(type, body);
        network.send(index, network.nodeOf(origin), { module: CONSENSUS, type, body });
      },
      crashed: () => {
        const node = this.nodes[index];
        if (node !== undefined) this.onCrash(node);
      },
    };
  }

  #portOf(index: number): NetworkPort {
    const { network } = this;
    const sessions = () =>
      Array.from({ length: network.nodeCount }, (_, other) => other)
        .filter((other) => other !== index && network.isConnected(index, other))
        .map((other) => ({
          multiAddress: `/ip4/10.0.0.${other}/tcp/1`,
          origin: BigInt(other + 1),
        }));
    return {
      register: () => Promise.resolve(StatusCode.Success),
      send: (origin, type, body) => {
        network.send(index, network.nodeOf(origin), { module: MODULE, type, body });
        return Promise.resolve(StatusCode.Success);
      },
      broadcast: (type, body) => {
        network.broadcast(index, { module: MODULE, type, body });
        return Promise.resolve(StatusCode.Success);
      },
      peerCount: () => Promise.resolve(BigInt(sessions().length)),
      peersNetInfo: () => Promise.resolve(sessions()),
      addNode: () => Promise.resolve(StatusCode.Success),
    };
  }

  /** All nodes go on with the same configuration after the same height. */
  #lookAtConfigs(): void {
    for (const [index, { controller }] of this.nodes.entries()) {
      if (controller === null) continue;
      const { chain, systemConfig } = controller.node;
      this.ledger.onConfig(index, chain.tip.height, systemConfig);
    }
  }

  #every(periodMs: number, task: () => void): void {
    this.world.schedule(periodMs, () => {
      task();
      this.#every(periodMs, task);
    });
  }
}
