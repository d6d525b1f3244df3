import type { LinkFaults } from "../network.ts";

/** Something that goes wrong for a while; all is as before when its time is over. */
export type Trouble =
  /** Every line treats messages badly. */
  | { readonly kind: "lines"; readonly faults: LinkFaults }
  /** Nodes reach those of their own group only; groups by node. */
  | { readonly kind: "split"; readonly groups: readonly number[] }
  /** One node does not hear another one any more, which still hears it. */
  | { readonly kind: "cut"; readonly from: number; readonly to: number }
  /** A node is cut off at the moment when it tells of a decision, or when it learns of one. */
  | { readonly kind: "silence"; readonly node: number; readonly at: "telling" | "learning" }
  /** The process dies at one of its next effects or writes, of which a part may be on disk. */
  | {
    readonly kind: "crash";
    readonly node: number;
    readonly at: "effect" | "write";
    readonly countdown: number;
    readonly writtenShare: number;
  }
  /** The process stands still, then finds everything that came meanwhile. */
  | { readonly kind: "pause"; readonly node: number }
  /** The clock leaps ahead, then runs at another speed. */
  | {
    readonly kind: "clock";
    readonly node: number;
    readonly speed: number;
    readonly leapMs: number;
  }
  /** The other services of a node are slow and fail at times. */
  | {
    readonly kind: "calls";
    readonly node: number;
    readonly failureRate: number;
    readonly msMax: number;
  }
  /** The controller of a node is down; when it is back it tells where it is. */
  | { readonly kind: "controller"; readonly node: number }
  /** Somebody without a key tells nodes that their round has come to nothing (S4). */
  | { readonly kind: "forgery" };

/** A trouble with its time, in milliseconds. */
export type Step = Trouble & { readonly atMs: number; readonly forMs: number };

/** Validators from a height on, by number. */
export interface ValidatorChange {
  readonly fromHeight: number;
  readonly validators: readonly number[];
}

/** Who is in a net. */
export interface NetShape {
  readonly nodeCount: number;
  /** The last ones of them; none by default. */
  readonly traitorCount?: number;
  /** Whether validators come, go and change places; they do not by default. */
  readonly isChanging?: boolean;
}

/** Everything that happens to a net: with it, a run is repeated exactly. */
export interface Script extends Omit<NetShape, "isChanging"> {
  /** Of delays, losses, and what traitors do. */
  readonly seed: number;
  /** All is well again when so many heights are decided, or after the last step. */
  readonly heights: number;
  /** Without any, every node validates at every height. */
  readonly changes: readonly ValidatorChange[];
  /** By time. */
  readonly steps: readonly Step[];
}
