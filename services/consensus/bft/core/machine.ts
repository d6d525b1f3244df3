import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { AddressHex, HashHex } from "./bincode.ts";
import type { CoreCrypto } from "./crypto.ts";
import { EvidenceBook } from "./evidence_book.ts";
import type {
  Configuration,
  Effect,
  Input,
  LineLevel,
  RetryKey,
  WalContent,
  WalRecord,
} from "./interface.ts";
import { type Proposal, type SignedVote, Step, type Vote } from "./messages.ts";
import { type At, ProposalBook } from "./proposal_book.ts";
import type { Certificate } from "./proof.ts";
import { Timing, type TimingOptions } from "./timing.ts";
import { type Authorities, isQuorum, leaderOf, NO_AUTHORITIES } from "./validators.ts";
import { NewViewBook, VoteBook } from "./vote_book.ts";

/** What a state machine is created with. */
export interface CoreOptions {
  /** Own node address. */
  readonly own: AddressHex;
  readonly crypto: CoreCrypto;
  readonly timing: TimingOptions;
}

/** The block that this node may not vote against, since it precommitted it. */
export interface Lock {
  readonly round: bigint;
  readonly hash: HashHex;
  /** The quorum of prevotes of that round; empty when it was lost. */
  readonly votesBySender: readonly (readonly [AddressHex, SignedVote])[];
}

/** Where an own vote goes once it is signed. */
export type VoteTarget = "leader" | "everyone" | bigint;

/** An own vote that is decided, for ever: at most one per height, round and step. */
export interface Pledge {
  readonly vote: Vote;
  /** What the kms signs. */
  readonly voteHash: Bytes;
  /** Null until the kms has signed. */
  signature: Bytes | null;
  /** Records that must be on disk before the vote leaves. */
  readonly records: readonly WalRecord[];
  readonly targets: VoteTarget[];
}

/** An own proposal that is decided, for ever: at most one per height and round. */
export interface ProposalPledge {
  readonly proposal: Proposal;
  /** What the kms signs. */
  readonly proposalHash: Bytes;
  /** The signed message; null until the kms has signed. */
  body: Bytes | null;
}

/** An order of the controller to go back, and the question whose answer decides on it. */
export interface Rollback {
  readonly configuration: Configuration;
  readonly queryId: number;
}

/** The proof of a height, frozen: every copy that this node hands out has the same bytes. */
export interface Decision {
  readonly height: bigint;
  readonly bytes: Bytes;
}

/** A verified leader vote of the next height that came before this node was there. */
export interface EarlyLeaderVote {
  readonly type: string;
  readonly origin: bigint;
  readonly body: Bytes;
  readonly height: bigint;
  readonly round: bigint;
}

/** Everything the machine knows, and the effects of the input at hand. Nothing here decides. */
export class Machine {
  readonly own: AddressHex;
  readonly crypto: CoreCrypto;
  timing: Timing;
  /** Monotonic time of the input at hand. */
  nowMs = 0;
  effects: Effect[] = [];

  /** False until the first configuration; network messages are dropped till then. */
  isRunning = false;
  start: Extract<Input, { kind: "start" }> | null = null;
  /** The last question about the controller's state. */
  queryId = 0;
  /** An order to go back to a lower height, until the answer to a later question confirms it. */
  rollback: Rollback | null = null;
  #authorities = NO_AUTHORITIES;
  #isValidator = false;

  height = 0n;
  round = 0n;
  /** Rounds begun since the start because the one before brought no block. */
  failedRounds = 0;
  step: Step = Step.Propose;
  heightStartedAtMs = 0;
  /** When the wait for the next height ends. */
  nextHeightAtMs = 0;
  roundStartedAtMs = 0;

  lock: Lock | null = null;
  /** A quorum of prevotes of the current round. */
  polka: Certificate | null = null;
  /** A quorum of precommits of the current height. */
  certificate: Certificate | null = null;
  /** Whether others are asked for their proof before the recovered one is committed. */
  isInquiring = false;
  /** Whether the certificate was read from the log. */
  isRecovered = false;
  lastDecision: Decision | null = null;
  /** Own votes of this height may be unknown: none is given. */
  abstains = false;

  readonly proposals = new ProposalBook();
  readonly votes = new VoteBook();
  readonly newViews = new NewViewBook();
  readonly evidence = new EvidenceBook();
  readonly pledges = new Map<string, Pledge>();
  readonly proposalPledges = new Map<string, ProposalPledge>();
  readonly early = new Map<string, EarlyLeaderVote>();
  readonly answeredAtMs = new Map<string, number>();

  /** Own block of this height, fetched once and proposed again in later rounds. */
  ownContent: HashHex | null = null;
  fetching: "idle" | "running" | "waiting" = "idle";
  /** Why the controller gave no proposal the last time. */
  fetchFailure = "";
  /** Highest height whose proposal was shown to the controller to make it synchronise. */
  hintedHeight = 0n;

  constructor({ own, crypto, timing }: CoreOptions) {
    this.own = own;
    this.crypto = crypto;
    this.timing = new Timing(timing);
  }

  get at(): At {
    return { height: this.height, round: this.round };
  }

  get validators(): readonly AddressHex[] {
    return this.#authorities.current;
  }

  get authorities(): Authorities {
    return this.#authorities;
  }

  set authorities(authorities: Authorities) {
    this.#authorities = authorities;
    this.#isValidator = authorities.current.includes(this.own);
  }

  get isValidator(): boolean {
    return this.#isValidator;
  }

  /** The height that is not decided yet. */
  get workingHeight(): bigint {
    return this.step === Step.CommitWait ? this.height + 1n : this.height;
  }

  /** Whether votes are still wanted: this node is a validator and the height is open. */
  get isVoting(): boolean {
    return this.isValidator && this.certificate === null && this.step !== Step.CommitWait;
  }

  isLeader(at: At = this.at): boolean {
    return leaderOf(this.validators, at) === this.own;
  }

  isQuorum(count: number): boolean {
    return isQuorum(count, this.validators.length);
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  /** Asks the controller where it is; gives the id of the question. */
  askConfiguration(): number {
    this.emit({ kind: "queryConfiguration", id: ++this.queryId });
    return this.queryId;
  }

  log(level: LineLevel, text: string): void {
    this.emit({ kind: "log", level, text });
  }

  /** Enters a step and arms its timer, which replaces that of the step before. */
  setStep(step: Step, delayMs: number): void {
    this.step = step;
    const event = { kind: "step", height: this.height, round: this.round, step } as const;
    this.emit({ kind: "setTimer", event, delayMs });
  }

  retryLater(what: RetryKey, delayMs: number): void {
    this.emit({ kind: "setTimer", event: { kind: "retry", what }, delayMs });
  }

  /** The frozen proof of a height, if this node knows it. */
  decisionOf(height: bigint): Decision | null {
    if (height === this.height && this.certificate !== null) return this.certificate;
    return this.lastDecision?.height === height ? this.lastDecision : null;
  }

  /** The log of a height as it was at the start. */
  walContentOf(height: bigint): WalContent | null {
    return this.start?.contentByHeight.get(height) ?? null;
  }
}
