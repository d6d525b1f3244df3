/**
 * How long each step may take (spec/consensus.md, sections 4.2 and 4.3), in milliseconds.
 *
 * @module
 */

/** The part of the configuration that timers depend on. */
export interface TimingOptions {
  /** Used until the first configuration. */
  readonly blockIntervalMs: number;
  /** Shorter intervals are raised to it. */
  readonly blockIntervalMsMin: number;
  /** The phases are fractions of this. */
  readonly wholePhase: number;
  readonly proposePhase: number;
  readonly prevotePhase: number;
  /** Cap of the exponent in {@linkcode Timing.proposeMs}. */
  readonly proposalCoefficientMax: number;
  /** Time between attempts to reach a service of the own node. */
  readonly serverRetryMs: number;
}

/** Interval that `block_interval = 0` means. */
const INTERVAL_MS_FALLBACK = 3_000;

/** Time that a controller gets per validator and round to commit a block. */
const COMMIT_MS = 3_000;

/** Between two attempts to give up a round together, unless the interval is longer. */
const NEW_VIEW_MS = 3_000;

/** No wait inside a height is longer, whatever the round. */
const WAIT_MS_MAX = 3_600_000;

/** Bounds of the time between attempts inside a round; no wait is shorter, whatever the phases. */
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 1_000;

/** The delays of one block interval. */
export class Timing {
  readonly intervalMs: number;
  readonly #proposePhaseMs: number;
  readonly #prevotePhaseMs: number;

  constructor(readonly options: TimingOptions, intervalMs: number = options.blockIntervalMs) {
    const { wholePhase, proposePhase, prevotePhase, blockIntervalMsMin } = options;
    this.intervalMs = Math.max(intervalMs, blockIntervalMsMin);
    this.#proposePhaseMs = Math.floor((this.intervalMs * proposePhase) / wholePhase);
    this.#prevotePhaseMs = Math.floor((this.intervalMs * prevotePhase) / wholePhase);
  }

  /** The delays of the interval that a configuration names in seconds (section 4.9). */
  withIntervalSeconds(seconds: number): Timing {
    return new Timing(this.options, seconds === 0 ? INTERVAL_MS_FALLBACK : 1_000 * seconds);
  }

  /** Waiting for a proposal; doubles with each round. */
  proposeMs(round: bigint): number {
    const exponent = Math.min(Number(round), this.options.proposalCoefficientMax);
    return bounded(this.#proposePhaseMs * 2 ** exponent);
  }

  /** Waiting for a quorum of votes. */
  voteMs(round: bigint): number {
    return bounded(this.#proposePhaseMs * (Number(round) + 1));
  }

  /**
   * Waiting for others to give up the round too, who are told again then. The reference waits 45 s
   * and more; told that seldom, a chain would stand still for as long after its network is whole.
   */
  newViewMs(validatorCount: number): number {
    const wantedMs = this.#prevotePhaseMs * 15 * (validatorCount + 1);
    return bounded(Math.min(wantedMs, Math.max(NEW_VIEW_MS, this.intervalMs)));
  }

  /** Waiting for the controller to commit. */
  commitMs(round: bigint, validatorCount: number): number {
    return bounded(COMMIT_MS * (Number(round) + 1) * Math.max(validatorCount, 1));
  }

  /** Waiting for the next height, so that heights start one interval apart, however long it is. */
  commitWaitMs(elapsedMs: number): number {
    return Math.min(Math.max(0, this.intervalMs - elapsedMs), this.intervalMs);
  }

  /** How far one height may move the start of the next, to either side. */
  shiftMs(): number {
    return this.#prevotePhaseMs;
  }

  /** Between attempts at something that the round waits for. */
  retryMs(): number {
    return Math.min(Math.max(RETRY_MS_MIN, this.#prevotePhaseMs), RETRY_MS_MAX);
  }

  /** Between answers to the same validator that is behind. */
  answerMs(): number {
    return bounded(this.#prevotePhaseMs);
  }
}

function bounded(delayMs: number): number {
  return Math.min(Math.max(RETRY_MS_MIN, delayMs), WAIT_MS_MAX);
}
