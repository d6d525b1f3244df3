import { Message } from "../../../proto/gen/eraftpb.ts";
import { differenceTo } from "../../../services/consensus/raft/core/conf_change.ts";
import { blankState, bootstrapState } from "../../../services/consensus/raft/core/interface.ts";
import { u64be } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { badLinks, GOOD_LINKS, HostileNetwork } from "../network.ts";
import { World } from "../world.ts";
import { RaftInvariants } from "./raft_invariants.ts";
import { RaftNode } from "./raft_node.ts";

/** A group to simulate: who founds it, and who are the voters after each change. */
export interface RaftPlan {
  readonly founders: readonly number[];
  readonly changes: readonly (readonly number[])[];
}

/** What one run came to. */
export interface RaftOutcome {
  /** Entries committed while everything went wrong. */
  readonly heightInChaos: bigint;
  /** Virtual time from the end of all faults until every voter had some more. */
  readonly recoveryMs: number;
}

/** Time between the proposals of a leader, and between the misfortunes. */
const PROPOSE_MS = 500;
const DISTURB_MS = 1_000;
const CHAOS_MS = 60_000;

/** A group that does not commit within this time after all faults ended is stuck. */
const RECOVERY_MS_MAX = 120_000;
const RECOVERY_ENTRIES = 5n;

/** Short against the delays of the network, so that elections overlap. */
const TICKS = { heartbeatTicks: 3, electionTicks: 10 };

/** Cores of a whole group on a hostile network, with members that change meanwhile. */
export class RaftNet {
  readonly world: World;
  readonly network: HostileNetwork<Uint8Array>;
  readonly invariants: RaftInvariants;
  readonly nodes: RaftNode[] = [];
  #wanted: readonly number[];
  #proposals = 0n;
  #isChaos = false;

  constructor(seed: number, readonly plan: RaftPlan) {
    const { founders, changes } = plan;
    const world = new World(seed);
    this.world = world;
    this.#wanted = founders;
    const count = Math.max(...founders, ...changes.flat()) + 1;
    this.network = new HostileNetwork(world, count, (to, _, bytes) => {
      this.nodes[to]?.feed((core) => core.step(decode(Message, bytes)));
    });
    const founded = bootstrapState(founders.map(idOf));
    this.invariants = new RaftInvariants(founded.applied);
    const checksQuorum = world.chance(0.3);
    const asksBeforeElection = world.chance(0.3);
    for (let index = 0; index < count; index++) {
      const { random } = world;
      const core = { id: idOf(index), ...TICKS, checksQuorum, asksBeforeElection, random };
      const state = founders.includes(index) ? founded : blankState();
      const send = (message: Message) => {
        this.network.send(index, Number(message.to) - 1, encode(Message, message));
      };
      this.nodes.push(new RaftNode({ world, core, state, invariants: this.invariants, send }));
    }
  }

  /**
   * Runs through chaos with every change in it, then expects progress by all wanted voters.
   *
   * @throws when an invariant does not hold or the group does not go on
   */
  run(): RaftOutcome {
    const { world, plan: { changes } } = this;
    this.#isChaos = world.chance(0.9);
    if (this.#isChaos) this.network.faults = badLinks(world, world.chance(0.3) ? 2_000 : 200);
    for (const node of this.nodes) node.start();
    changes.forEach((voters, index) => {
      const atMs = (CHAOS_MS * (index + 1)) / (changes.length + 1);
      world.schedule(atMs, () => (this.#wanted = voters));
    });
    this.#every(PROPOSE_MS, () => this.#propose());
    this.#every(DISTURB_MS, () => this.#disturb());
    world.runUntil(() => false, CHAOS_MS);
    this.#heal();
    const heightInChaos = this.invariants.height;
    const isDone = () => this.#isChanged && this.#lowest >= heightInChaos + RECOVERY_ENTRIES;
    if (!world.runUntil(isDone, CHAOS_MS + RECOVERY_MS_MAX)) throw new Error("The group is stuck");
    return { heightInChaos, recoveryMs: world.nowMs - CHAOS_MS };
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

  get #voters(): RaftNode[] {
    return this.nodes.filter((_, index) => this.#wanted.includes(index));
  }

  /** Whether the voters are those that are wanted, and nothing else. */
  get #isChanged(): boolean {
    const wanted = this.#wanted.map(idOf).sort().join();
    return this.#voters.every(({ core }) =>
      core !== null && [...core.view.members.voters].sort().join() === wanted &&
      core.view.members.votersOutgoing.size === 0
    );
  }

  get #lowest(): bigint {
    const heights = this.#voters.map(({ core }) => core?.view.applied ?? 0n);
    return heights.reduce((low, height) => height < low ? height : low);
  }

  #propose(): void {
    for (const node of this.nodes) {
      const { core } = node;
      if (core === null || !node.isLeader) continue;
      const change = differenceTo(core.view.members, this.#wanted.map(idOf));
      if (change === null || !core.canProposeConfChange) {
        node.feed((core) => core.propose(u64be(this.#proposals++)));
      } else node.feed((core) => core.proposeConfChange(change));
    }
  }

  #disturb(): void {
    const { world, nodes, network: { groupOf } } = this;
    this.#compareLogs();
    if (!this.#isChaos) return;
    const node = nodes[world.between(0, nodes.length - 1)];
    if (node === undefined) return;
    if (node.core === null) node.start();
    else if (world.chance(0.3)) {
      node.crash();
      // it comes back while messages to what it was are still on their way
      if (world.chance(0.5)) node.start();
    }
    if (world.chance(0.2)) groupOf.set(world.between(0, nodes.length - 1), world.between(0, 1));
    if (world.chance(0.2)) groupOf.clear();
    const other = idOf(world.between(0, nodes.length - 1));
    if (world.chance(0.1)) node.feed((core) => core.transferLeadership(other));
    if (world.chance(0.2)) this.#rival();
  }

  /** Some campaign at the same time, and one of them may crash in the midst of it. */
  #rival(): void {
    const { world } = this;
    for (const node of this.nodes) {
      if (world.chance(0.5)) node.feed((core) => core.campaign());
    }
    const voter = this.nodes[world.between(0, this.nodes.length - 1)];
    const isHit = voter?.core && world.chance(0.5);
    if (!isHit) return;
    world.schedule(world.between(0, 300), () => {
      voter.crash();
      voter.start();
    });
  }

  #compareLogs(): void {
    const logs = this.nodes.flatMap(({ core }) => core === null ? [] : [core.view.log]);
    for (const [index, left] of logs.entries()) {
      for (const right of logs.slice(index + 1)) this.invariants.onLogs(left, right);
    }
  }

  #heal(): void {
    this.#isChaos = false;
    this.network.faults = GOOD_LINKS;
    this.network.groupOf.clear();
    for (const node of this.nodes) if (node.core === null) node.start();
  }

  #every(intervalMs: number, run: () => void): void {
    this.world.schedule(intervalMs, () => {
      run();
      this.#every(intervalMs, run);
    });
  }
}

function idOf(index: number): bigint {
  return BigInt(index + 1);
}
