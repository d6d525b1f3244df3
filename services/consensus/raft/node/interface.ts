/**
 * What goes into the state machine of a node and what comes out of it. Whoever runs it feeds one
 * input at a time and carries out the effects of it in their order before the next.
 *
 * @module
 */

import type { ConsensusConfiguration, Proposal } from "../../../../proto/gen/common.ts";
import type { RaftOptions, RaftState } from "../core/interface.ts";
import type { Message } from "../core/messages.ts";
import type { Operation } from "../log/operation.ts";

/** What a node is created with. */
export interface NodeOptions {
  readonly raft: RaftOptions;
  readonly tickMs: number;
  /** A leader that brings no block for so long hands over. */
  readonly transferMs: number;
  /** Whether the first configuration founds a group even if the chain has blocks. */
  readonly refoundsGroup: boolean;
}

/** A timer; setting one replaces the running one of the same name. */
export type TimerName =
  /** Raft's own time. */
  | "tick"
  /** The next block is due. */
  | "block"
  /** The controller is asked again what failed. */
  | "apply"
  | "configuration";

/** Everything the machine learns. */
export type Input =
  /** What is on disk. */
  | { readonly kind: "start"; readonly state: RaftState }
  | { readonly kind: "reconfigure"; readonly configuration: ConsensusConfiguration }
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "timer"; readonly name: TimerName }
  /** Answer to `queryConfiguration`; null when the controller does not tell. */
  | { readonly kind: "configuration"; readonly configuration: ConsensusConfiguration | null }
  /** Answer to `getProposal`; no proposal, and the reason, when there is none. */
  | { readonly kind: "proposal"; readonly proposal: Proposal | null; readonly reason: string }
  /** Answer to `checkProposal`; null when the controller did not answer. */
  | { readonly kind: "checked"; readonly code: number | null }
  /** Answer to `commit`; no configuration, and the reason, when it failed. */
  | {
    readonly kind: "committed";
    readonly configuration: ConsensusConfiguration | null;
    readonly reason: string;
  };

/** Severity of a log line. */
export type LineLevel = "info" | "warn" | "error" | "debug";

/** Everything the machine wants done. */
export type Effect =
  /** On disk before the next effect. */
  | { readonly kind: "persist"; readonly operations: readonly Operation[] }
  /** What is applied may leave the log now. */
  | { readonly kind: "compact" }
  | { readonly kind: "send"; readonly message: Message }
  | { readonly kind: "queryConfiguration" }
  | { readonly kind: "getProposal" }
  /** Never more than one of this and the next is under way. */
  | { readonly kind: "checkProposal"; readonly proposal: Proposal }
  | { readonly kind: "commit"; readonly proposal: Proposal }
  | { readonly kind: "setTimer"; readonly name: TimerName; readonly delayMs: number }
  | { readonly kind: "log"; readonly level: LineLevel; readonly text: string };
