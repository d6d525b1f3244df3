/**
 * What goes into the state machine and what comes out of it. Whoever runs it feeds one input at a
 * time and carries out the effects of it in their order before the next.
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashHex } from "./bincode.ts";
import type { MessageType, Step } from "./messages.ts";
import type { Authorities } from "./validators.ts";

/** A configuration as the controller names it: valid from the height after `height`. */
export interface Configuration {
  readonly height: bigint;
  readonly blockIntervalSeconds: number;
  readonly validators: readonly Bytes[];
}

/** Types of records in the write-ahead log (spec/consensus.md, section 6.2). */
export const RecordType = {
  /** Nothing; in logs of the reference only. */
  Skip: 0,
  /** A proposal that the controller approved: `NetworkProposal`. */
  Propose: 1,
  /** A quorum of prevotes or precommits: `LeaderVote`. */
  QuorumVotes: 2,
  /** The end of a height; in logs of the reference only. */
  FinalizeBlock: 3,
  /** An own vote, signed, before it is sent; own addition: 4 ‖ `SignedFollowerVote`. */
  OwnVote: 4,
  /** An own proposal, signed, before it is sent; own addition: 5 ‖ `SignedNetworkProposal`. */
  OwnProposal: 5,
} as const;

/** One record of the log of a height. */
export interface WalRecord {
  readonly type: number;
  readonly body: Bytes;
}

/** What was read back of the log of a height. */
export interface WalContent {
  readonly records: readonly WalRecord[];
  /** Whether a record was lost that may have been on disk: own votes may be unknown. */
  readonly isDamaged: boolean;
}

/** A timer; setting one replaces the running one of the same key. */
export type TimerEvent =
  /** The time of a step is over. */
  | { readonly kind: "step"; readonly height: bigint; readonly round: bigint; readonly step: Step }
  /** Something that failed is to be tried again. */
  | { readonly kind: "retry"; readonly what: RetryKey };

/** What can be tried again; `remind` is to send again what others may have missed. */
export type RetryKey = "proposal" | "check" | "sign" | "commit" | "configuration" | "remind";

/** Everything the machine learns. */
export type Input =
  | {
    readonly kind: "start";
    readonly authorities: Authorities | null;
    /** Height of the log's index; null when there is no log. */
    readonly height: bigint | null;
    readonly contentByHeight: ReadonlyMap<bigint, WalContent>;
  }
  | { readonly kind: "reconfigure"; readonly configuration: Configuration }
  | {
    readonly kind: "checkBlock";
    readonly id: number;
    readonly proposal: { readonly height: bigint; readonly data: Bytes } | undefined;
    readonly proof: Bytes;
  }
  | {
    readonly kind: "message";
    readonly type: string;
    readonly origin: bigint;
    readonly body: Bytes;
  }
  | { readonly kind: "timer"; readonly event: TimerEvent }
  /** Answer to `sign`; no signature when the kms failed. */
  | { readonly kind: "signed"; readonly id: string; readonly signature: Bytes | null }
  /** Answer to `getProposal`; no proposal, and the reason, when there is none. */
  | {
    readonly kind: "proposal";
    readonly proposal: { readonly height: bigint; readonly data: Bytes } | null;
    readonly reason: string;
  }
  /** Answer to `checkProposal`; a null code when the controller did not answer. */
  | { readonly kind: "checked"; readonly hash: HashHex; readonly code: number | null }
  /** Answer to `commit`; no configuration when it failed. */
  | {
    readonly kind: "committed";
    readonly height: bigint;
    readonly configuration: Configuration | null;
    readonly reason: string;
  }
  /** Answer to the `queryConfiguration` of that id; null when the controller does not tell. */
  | {
    readonly kind: "configuration";
    readonly id: number;
    readonly configuration: Configuration | null;
  };

/** Severity of a log line. */
export type LineLevel = "info" | "warn" | "error" | "debug";

/** Everything the machine wants done. */
export type Effect =
  /** Appends records to the log of a height; on disk before the next effect. */
  | {
    readonly kind: "persist";
    readonly height: bigint;
    readonly records: readonly WalRecord[];
  }
  /** Makes a height the current one of the log; on disk before the next effect. */
  | { readonly kind: "setHeight"; readonly height: bigint }
  /** Forgets every record: the chain was rolled back. */
  | { readonly kind: "eraseLog" }
  | { readonly kind: "saveAuthorities"; readonly authorities: Authorities }
  | { readonly kind: "broadcast"; readonly type: MessageType; readonly body: Bytes }
  | {
    readonly kind: "send";
    readonly type: MessageType;
    readonly origin: bigint;
    readonly body: Bytes;
  }
  /** Asks the kms for a signature of a hash. */
  | { readonly kind: "sign"; readonly id: string; readonly hash: Bytes }
  | { readonly kind: "getProposal" }
  | {
    readonly kind: "checkProposal";
    readonly height: bigint;
    readonly round: bigint;
    readonly hash: HashHex;
    readonly data: Bytes;
  }
  | {
    readonly kind: "commit";
    readonly height: bigint;
    readonly data: Bytes;
    readonly proof: Bytes;
  }
  | { readonly kind: "queryConfiguration"; readonly id: number }
  | { readonly kind: "setTimer"; readonly event: TimerEvent; readonly delayMs: number }
  | { readonly kind: "cancelStepTimer" }
  | { readonly kind: "answer"; readonly id: number; readonly code: number }
  | { readonly kind: "log"; readonly level: LineLevel; readonly text: string };
