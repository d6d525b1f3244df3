import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { allMembers, isVoter, type Members, membersOf } from "./conf_change.ts";
import type { RaftOptions, RaftState } from "./interface.ts";
import {
  type Draft,
  type Message,
  messageOf,
  MessageType,
  NO_NODE,
  type Snapshot,
} from "./messages.ts";
import { Patience } from "./patience.ts";
import { maxOf, Progress } from "./progress.ts";
import { RaftLog } from "./raft_log.ts";

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** Messages that carry the term of the election they are about, not always the own one. */
const VOTE_MESSAGES: ReadonlySet<MessageType> = new Set([
  MessageType.REQUEST_VOTE,
  MessageType.REQUEST_VOTE_RESPONSE,
  MessageType.REQUEST_PRE_VOTE,
  MessageType.REQUEST_PRE_VOTE_RESPONSE,
]);

/** Everything a node knows, and the messages it wants sent. Nothing here decides. */
export class Machine {
  readonly options: RaftOptions;
  readonly log: RaftLog;
  term: bigint;
  vote: bigint;
  role: Role = "follower";
  leader = NO_NODE;

  members: Members;
  /**
   * Members by the whole log of a candidate, applied or not; a leader counts by them until all of
   * that log is applied. Were it to count by members long replaced, there could be two leaders.
   */
  electorate: Members | null = null;
  /** Of every member, the node itself included; of use to a leader only. */
  progress = new Map<bigint, Progress>();
  /** Answers to the running election. */
  readonly votes = new Map<bigint, boolean>();
  /** The leader takes no conf change until this is applied. */
  pendingConfIndex = 0n;
  /** Whom the leader wants to be the next one. */
  transferee = NO_NODE;

  applied: bigint;
  /** Last committed entry that the driver got. */
  handedOut: bigint;
  /** State of the application after the last applied entry. */
  data: Bytes;
  /** A snapshot of the leader that the driver has yet to get. */
  newSnapshot: Snapshot | null = null;

  electionElapsed = 0;
  readonly patience: Patience;
  /** Last entry of the leader that it is known to have. */
  knownIndex = 0n;
  heartbeatElapsed = 0;
  /** Share of an election time that this node waits longer, so that nodes seldom campaign together. */
  #delay = 0;
  messages: Message[] = [];

  constructor(options: RaftOptions, state: RaftState) {
    const { hardState, start, entries, applied } = state;
    this.options = options;
    this.patience = new Patience(options.electionTicks);
    this.log = new RaftLog(start, entries, maxOf(hardState.commit, applied));
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.members = membersOf(state.confState);
    this.applied = applied;
    this.handedOut = applied;
    this.data = state.data;
    this.setMembers(this.members);
    this.becomeFollower(this.term, NO_NODE);
  }

  get id(): bigint {
    return this.options.id;
  }

  /** Whose majority decides. */
  get deciders(): Members {
    return this.electorate ?? this.members;
  }

  get isVoter(): boolean {
    return isVoter(this.members, this.id);
  }

  /** Ids of all other members. */
  get peers(): bigint[] {
    return [...this.progress.keys()].filter((id) => id !== this.id);
  }

  /** Ticks after which this node wants to be leader: patience is with one that there is. */
  get electionTimeout(): number {
    const ticks = this.leader === NO_NODE ? this.options.electionTicks : this.patience.ticks;
    return ticks + Math.floor(this.#delay * ticks);
  }

  /** Whether this term brought more than the first entry of its leader, which gets through always. */
  get isFruitful(): boolean {
    return this.log.termAt(this.log.committed - 1n) === this.term;
  }

  /** Whether the leader heard of a member lately. */
  isActive(id: bigint): boolean {
    const { silentTicks = Infinity } = this.progress.get(id) ?? {};
    return id === this.id || silentTicks < this.patience.ticks;
  }

  send(draft: Draft): void {
    const term = VOTE_MESSAGES.has(draft.msgType) ? draft.term ?? this.term : this.term;
    this.messages.push(messageOf({ ...draft, from: this.id, term }));
  }

  becomeFollower(term: bigint, leader: bigint): void {
    this.reset(term);
    this.setElectorate(null);
    this.role = "follower";
    this.leader = leader;
  }

  /** Forgets what belongs to the last role and term. */
  reset(term: bigint): void {
    if (term !== this.term) {
      this.term = term;
      this.vote = NO_NODE;
      this.patience.endTerm();
      this.knownIndex = 0n;
    }
    this.leader = NO_NODE;
    this.transferee = NO_NODE;
    this.votes.clear();
    this.restartElectionTimer();
    this.heartbeatElapsed = 0;
  }

  restartElectionTimer(): void {
    this.electionElapsed = 0;
    this.#delay = this.options.random();
  }

  setMembers(members: Members): void {
    this.members = members;
    this.#updateProgress();
  }

  /** Counts by the whole log, or by what is applied again. */
  setElectorate(electorate: Members | null): void {
    this.electorate = electorate;
    this.#updateProgress();
  }

  /** Members that stay keep their progress. */
  #updateProgress(): void {
    const known = this.progress;
    this.progress = new Map();
    for (const id of [...allMembers(this.members), ...allMembers(this.deciders)]) {
      this.progress.set(id, known.get(id) ?? this.#newcomer());
    }
  }

  /**
   * A new member counts as active: it would get no snapshot else. It is offered the last entry, so
   * that its answer tells what it needs.
   */
  #newcomer(): Progress {
    const progress = new Progress(maxOf(this.log.lastIndex, 1n));
    progress.silentTicks = 0;
    return progress;
  }
}
