import type { StatusCode } from "../../../shared/status/mod.ts";

/** The other services of the node. */
export const NEIGHBOURS = ["consensus", "executor", "kms", "network", "storage"] as const;

/** One of them. */
export type Neighbour = (typeof NEIGHBOURS)[number];

/** What consensus asks a controller to do, named as in its log. */
export const CONSENSUS_CALLS = ["get_proposal", "check_proposal", "commit_block"] as const;

/** One of these calls. */
export type ConsensusCall = (typeof CONSENSUS_CALLS)[number];

/** A call of the past and how it was answered. */
export interface CallAge {
  readonly ageMs: number;
  readonly code: StatusCode;
}

/** A validator as this node sees it. */
export interface ValidatorView {
  /** In hex. */
  readonly address: string;
  /** This node itself, or a controller that it has a session to. */
  readonly isReachable: boolean;
  /** What it told last; null when nothing was heard of it. */
  readonly height: bigint | null;
}

/** What a node knows when no block comes. */
export interface StallFacts {
  readonly height: bigint;
  /** Time without a block. */
  readonly standstillMs: number;
  /** How long a chain may be without a block, or consensus without a call. */
  readonly patienceMs: number;
  /** Neighbours that do not answer, and for how long. */
  readonly away: readonly { readonly neighbour: Neighbour; readonly forMs: number }[];
  /** The last call of each kind; null when there was none. */
  readonly calls: Readonly<Record<ConsensusCall, CallAge | null>>;
  /** The peer that this node follows, when that is higher. */
  readonly ahead: {
    readonly address: string;
    readonly height: bigint;
    /** Blocks from peers that wait to be applied. */
    readonly bufferedCount: number;
  } | null;
  /** Why blocks of peers cannot be applied; null when they can. */
  readonly syncTrouble: StatusCode | null;
  readonly isValidator: boolean;
  readonly validators: readonly ValidatorView[];
  /** Validators that must take part in a decision. */
  readonly quorumCount: number;
  /** The administrator has stopped transactions. */
  readonly isBraked: boolean;
}
