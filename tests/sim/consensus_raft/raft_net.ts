import { Message } from "../../../proto/gen/eraftpb.ts";
import { differenceTo } from "../../../services/consensus/raft/core/conf_change.ts";
import { blankState, bootstrapState } from "../../../services/consensus/raft/core/interface.ts";
import type { RaftCore } from "../../../services/consensus/raft/core/raft.ts";
import { u64be } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import type { Dice } from "../dice.ts";
import { GOOD_LINKS, HostileNetwork } from "../network.ts";
import { World } from "../world.ts";
import { encodeState } from "./application.ts";
import type { RaftPlan } from "./plans.ts";
import { RaftInvariants } from "./raft_invariants.ts";
import { NO_FAULTS, RaftNode } from "./raft_node.ts";

/** Time between the proposals of a leader. */
const PROPOSE_MS = 200;

/** How often it is looked whether a condition holds. */
const LOOK_MS = 50;

/** Short against the delays of the network, so that elections overlap. */
const TICKS = { heartbeatTicks: 3, electionTicks: 10 };

/** What a node does unless it is configured otherwise. */
const HABITS = { checksQuorum: false, asksBeforeElection: true };

/** Probability of a group some of whose nodes have other habits, those of the reference. */
const MIXED_RATE = 0.4;

/** Messages that are kept to come again long after, and how seldom one is. */
const ARCHIVE_SIZE = 32;
const ARCHIVE_RATE = 0.02;

/** First of the groups that hold a single node, which are none of any other partition. */
const CUT_OFF_GROUP = 10;

/** Probability that messages are bytes on their way: that takes much time and changes nothing. */
const CODING_RATE = 0.1;

/** Cores of a whole group on a hostile network, with members that change meanwhile. */
export class RaftNet {
  readonly world: World;
  readonly network: HostileNetwork<Message>;
  readonly invariants: RaftInvariants;
  readonly nodes: RaftNode[] = [];
  /** Probability that a node is cut off when it sends something, maybe the first of many copies. */
  cutOffRate = 0;
  /**
   * Time that a link takes for a proposal, in which nothing else gets through; the next is made when
   * the last is committed. What is on its way when all is well again is lost.
   */
  proposalMs = 0;
  /** The voters that there are to be. */
  wanted: readonly number[];
  /** Called when a node crashed. */
  onCrash: (node: RaftNode) => void = () => {};
  /** Called when a change of the members is proposed. */
  onConfChange: () => void = () => {};
  readonly #archive: Message[] = [];
  /** When each link is done with its proposals. */
  readonly #freeAtMs = new Map<string, number>();
  readonly #isCoding: boolean;
  #proposals = 0n;
  #healings = 0;

  constructor(seed: number, { founders, changes }: RaftPlan) {
    const world = new World(seed);
    this.world = world;
    this.wanted = founders;
    const count = Math.max(...founders, ...changes.flat()) + 1;
    this.network = new HostileNetwork(
      world,
      count,
      (_to, _origin, message) => this.#receive(message),
    );
    this.network.accepts = (from, to) => this.#getsOut(from, to);
    const bootstrapped = bootstrapState(founders.map(idOf));
    const start = { index: bootstrapped.applied, digest: 0n };
    const founded = { ...bootstrapped, data: encodeState(start) };
    this.invariants = new RaftInvariants(start);
    this.#isCoding = world.chance(CODING_RATE);
    const isMixed = world.chance(MIXED_RATE);
    for (let index = 0; index < count; index++) {
      const { random } = world;
      const habits = isMixed ? drawHabits(world) : HABITS;
      this.nodes.push(
        new RaftNode({
          world,
          core: { id: idOf(index), ...TICKS, ...habits, random },
          state: founders.includes(index) ? founded : blankState(),
          invariants: this.invariants,
          send: (message) => this.#send(index, message),
          crashed: (node) => this.onCrash(node),
        }),
      );
    }
  }

  /** Starts every node, and whoever leads makes proposals from now on. */
  start(): void {
    for (const node of this.nodes) node.start();
    this.#proposeRegularly();
  }

  /** Ends every fault, and starts every node that is down. */
  heal(): void {
    this.#healings++;
    this.network.faults = GOOD_LINKS;
    this.cutOffRate = 0;
    this.proposalMs = 0;
    this.#freeAtMs.clear();
    this.reconnect();
    for (const node of this.nodes) {
      node.faults = NO_FAULTS;
      if (node.core === null) node.start();
    }
  }

  /** Ends every partition. */
  reconnect(): void {
    this.network.groupOf.clear();
    this.network.cuts.clear();
  }

  /** Does something later, unless all is well by then. */
  beforeHealing(delayMs: number, run: () => void): void {
    const healings = this.#healings;
    this.world.schedule(delayMs, () => {
      if (healings === this.#healings) run();
    });
  }

  /** Lets time pass until a condition holds; false when it does not in time. */
  runUntil(isDone: () => boolean, limitMs: number): boolean {
    const { world } = this;
    const endMs = world.nowMs + limitMs;
    while (!isDone()) {
      if (world.nowMs >= endMs) return false;
      world.runUntil(() => false, Math.min(endMs, world.nowMs + LOOK_MS));
    }
    return true;
  }

  /** Those of the wanted voters that stand for election without a question, as in the reference. */
  get bluntVoters(): readonly number[] {
    return this.wanted.filter((index) => !this.nodes[index]?.options.core.asksBeforeElection);
  }

  /** Whether the wanted voters are the voters, by all of them, and have so much applied. */
  isSettledAt(height: bigint): boolean {
    const wanted = this.wanted.map(idOf);
    return this.wanted.every((index) => {
      const { members, applied } = this.nodes[index]?.core?.view ?? {};
      return members !== undefined && applied !== undefined && applied >= height &&
        members.votersOutgoing.size === 0 && differenceTo(members, wanted) === null;
    });
  }

  /** Sends something again that was said long ago. */
  replay(): void {
    const { world } = this;
    const message = this.#archive[world.between(0, ARCHIVE_SIZE - 1)];
    if (message !== undefined) this.#receive(message);
  }

  /** What every node thinks, for whoever reads of a failure. */
  report(): string {
    return this.nodes.map(({ id, core }) => {
      if (core === null) return `${id} is down`;
      const { term, role, leader, applied, log, members } = core.view;
      const voters = `${[...members.voters]} (${[...members.votersOutgoing]})`;
      const state = `${role} of ${leader} in term ${term}, applied ${applied}`;
      return `${id}: ${state}, committed ${log.committed} of ${log.lastIndex}, voters ${voters}`;
    }).join("\n");
  }

  #send(from: number, message: Message): void {
    const { world, network } = this;
    const to = Number(message.to) - 1;
    const waitMs = this.#waitMs(`${from} ${to}`, message);
    if (waitMs === 0) network.send(from, to, message);
    else this.beforeHealing(waitMs, () => network.send(from, to, message));
    if (!world.chance(ARCHIVE_RATE)) return;
    this.#archive[world.between(0, ARCHIVE_SIZE - 1)] = message;
  }

  /** Time until a link has carried a message and all before it. */
  #waitMs(link: string, { entries }: Message): number {
    const { world: { nowMs }, proposalMs } = this;
    const count = entries.filter(({ data }) => data.length > 0).length;
    const freeAtMs = Math.max(nowMs, this.#freeAtMs.get(link) ?? 0) + count * proposalMs;
    this.#freeAtMs.set(link, freeAtMs);
    return freeAtMs - nowMs;
  }

  #getsOut(from: number, to: number): boolean {
    const { network, world } = this;
    if (world.chance(this.cutOffRate)) network.groupOf.set(from, CUT_OFF_GROUP + from);
    return network.isConnected(from, to);
  }

  #receive(message: Message): void {
    const arrived = this.#isCoding ? decode(Message, encode(Message, message)) : message;
    this.nodes[Number(message.to) - 1]?.feed((core) => core.step(arrived));
  }

  #proposeRegularly(): void {
    for (const node of this.nodes) if (node.isLeader) node.feed((core) => this.#proposeNext(core));
    this.world.schedule(PROPOSE_MS, () => this.#proposeRegularly());
  }

  #proposeNext(core: RaftCore): void {
    const { committed, lastIndex } = core.view.log;
    if (this.proposalMs === 0 || committed === lastIndex) this.#propose(core);
  }

  #propose(core: RaftCore): void {
    const change = differenceTo(core.view.members, this.wanted.map(idOf));
    if (change === null || !core.canProposeConfChange) core.propose(u64be(this.#proposals++));
    else if (core.proposeConfChange(change)) this.onConfChange();
  }
}

function drawHabits(dice: Dice): typeof HABITS {
  return { checksQuorum: dice.chance(0.3), asksBeforeElection: dice.chance(0.7) };
}

export function idOf(index: number): bigint {
  return BigInt(index + 1);
}
