import { Regions } from "../../../proto/gen/storage.ts";
import { equalBytes, toHex, u64be } from "../../../shared/bytes/mod.ts";
import { GlobalKey } from "../chain/mod.ts";
import {
  diagnose,
  type Diagnosis,
  type StallFacts,
  type StallReason,
  type ValidatorView,
} from "../stall/mod.ts";
import type { Node } from "./node.ts";
import type { Syncer } from "./syncer.ts";

/** Block intervals without a block that are nothing to worry about. */
const PATIENCE_BLOCKS = 4;

/** A slow round or two of consensus are none either. */
const PATIENCE_MIN_MS = 10_000;

/** While the chain stands still the reason is told again after ever longer pauses, up to this. */
const PAUSE_MAX_MS = 600_000;

/** Pause between two reports of a sync that goes on. */
const SYNC_REPORT_MS = 10_000;

/** What was told of a standstill. */
interface Told {
  readonly reasons: ReadonlySet<StallReason>;
  readonly atMs: number;
  /** Until a reason that was told before is told again. */
  readonly pauseMs: number;
}

/** How long a chain may be without a block: blocks may be meant to be far apart. */
export function patienceMs({ systemConfig }: Pick<Node, "systemConfig">): number {
  const { blockIntervalSeconds } = systemConfig;
  return Math.max(PATIENCE_MIN_MS, PATIENCE_BLOCKS * 1_000 * blockIntervalSeconds);
}

/**
 * Tells the log why no block is being made: soon after the chain stands still, when the reason
 * changes, and from time to time while it goes on; how a sync goes on; and when blocks come again.
 */
export class StallWatch {
  readonly #node: Node;
  readonly #syncer: Syncer;
  /** What was told of the present standstill, and when last; null before the first line. */
  #told: Told | null = null;
  #syncReport: { readonly atMs: number; readonly height: bigint };

  constructor(node: Node, syncer: Syncer) {
    this.#node = node;
    this.#syncer = syncer;
    this.#syncReport = { atMs: node.env.clock.monotonicMs(), height: node.chain.tip.height };
    node.activity.listen({ blockStored: ({ sinceLastMs }) => this.#blockCame(sinceLastMs) });
  }

  /** Why no block is being made at this moment, as far as is known without asking anyone. */
  diagnosis(): Diagnosis {
    return diagnose(this.facts());
  }

  /** Tells what there is to tell; called every second or so, never twice at a time. */
  async look(): Promise<void> {
    this.#reportSync();
    if (!this.#isDue()) return;
    await this.#askNeighbours();
    if (this.#isDue()) this.#tell();
  }

  /** Whether the reason is a new one, or long enough ago something was told. */
  #isDue(): boolean {
    if (this.#node.activity.standstillMs < patienceMs(this.#node)) return false;
    const { reason } = this.diagnosis();
    if (this.#told === null) return true;
    const sinceMs = this.#node.env.clock.monotonicMs() - this.#told.atMs;
    const { reasons, pauseMs: toldPauseMs } = this.#told;
    const pauseMs = reasons.has(reason) ? toldPauseMs : patienceMs(this.#node);
    return sinceMs >= pauseMs;
  }

  #tell(): void {
    const { env, chain, activity } = this.#node;
    const { reason, sentence } = this.diagnosis();
    const forSeconds = Math.round(activity.standstillMs / 1_000);
    env.log.warn(`no block for ${forSeconds} s, height ${chain.tip.height}: ${sentence}`);
    const { reasons, pauseMs } = this.#told ?? { reasons: new Set<StallReason>(), pauseMs: 0 };
    const nextMs = reasons.has(reason)
      ? Math.min(2 * pauseMs, PAUSE_MAX_MS)
      : patienceMs(this.#node);
    const atMs = env.clock.monotonicMs();
    this.#told = { reasons: new Set([...reasons, reason]), atMs, pauseMs: nextMs };
  }

  /** Nobody may have needed them since they went away. */
  async #askNeighbours(): Promise<void> {
    const { kms, storage, network } = this.#node.env.ports;
    await Promise.all([
      kms.cryptoInfo(),
      storage.load(Regions.GLOBAL, u64be(GlobalKey.Height)),
      network.peerCount(),
    ]);
  }

  #blockCame(sinceLastMs: number): void {
    if (this.#told === null) return;
    this.#told = null;
    const { env, chain } = this.#node;
    const seconds = Math.round(sinceLastMs / 1_000);
    env.log.info(`blocks are made again after ${seconds} s: height ${chain.tip.height}`);
  }

  #reportSync(): void {
    const { env, chain, sync } = this.#node;
    const { height } = chain.tip;
    const nowMs = env.clock.monotonicMs();
    const passedMs = nowMs - this.#syncReport.atMs;
    if (passedMs < SYNC_REPORT_MS) return;
    const count = height - this.#syncReport.height;
    this.#syncReport = { atMs: nowMs, height };
    const { target } = sync;
    if (!sync.isSyncing || target === null || count === 0n) return;
    const rate = (Number(count) / (passedMs / 1_000)).toFixed(1);
    env.log.info(
      `sync: height ${height} of ${target.status.height}, ${rate} blocks/s, ` +
        `from node(0x${target.address})`,
    );
  }

  /** What this node knows at this moment. */
  facts(): StallFacts {
    const { chain, activity, sync, settings, systemConfig } = this.#node;
    const { height } = chain.tip;
    const { target } = sync;
    const { validators } = systemConfig;
    return {
      height,
      standstillMs: activity.standstillMs,
      patienceMs: patienceMs(this.#node),
      away: activity.away(),
      calls: {
        get_proposal: activity.lastCall("get_proposal"),
        check_proposal: activity.lastCall("check_proposal"),
        commit_block: activity.lastCall("commit_block"),
      },
      ahead: target === null || target.status.height <= height ? null : {
        address: target.address,
        height: target.status.height,
        bufferedCount: sync.bufferedCount,
      },
      syncTrouble: this.#syncer.trouble,
      isValidator: validators.some((address) => equalBytes(address, settings.nodeAddress)),
      validators: this.#validatorViews(),
      quorumCount: this.#quorumCount(),
      isBraked: systemConfig.emergencyBrake,
    };
  }

  #validatorViews(): ValidatorView[] {
    const { systemConfig, settings, peers } = this.#node;
    const heights = new Map(peers.nodes().map(({ address, status }) => [address, status.height]));
    return systemConfig.validators.map((bytes) => {
      const address = toHex(bytes);
      const isReachable = equalBytes(bytes, settings.nodeAddress) ||
        peers.originOf(address) !== null;
      return { address, isReachable, height: heights.get(address) ?? null };
    });
  }

  /** More than two thirds, or with raft, whose blocks have no proof, more than half. */
  #quorumCount(): number {
    const { chain, systemConfig } = this.#node;
    const { height, proof } = chain.tip;
    const count = systemConfig.validators.length;
    const isRaft = height > 0n && proof.length === 0;
    return isRaft ? Math.floor(count / 2) + 1 : Math.floor(2 * count / 3) + 1;
  }
}
