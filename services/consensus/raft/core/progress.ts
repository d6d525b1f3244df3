/** Entries that may be on their way to one peer (spec/consensus.md, section 10.4). */
const IN_FLIGHT_MAX = 256;

/** How entries are sent to a peer. */
export type ProgressState =
  /** Where its log agrees with ours is not known: one entry at a time. */
  | "probe"
  /** Its log agrees: entries are sent ahead of its answers. */
  | "replicate"
  /** What it needs is compacted: nothing but a snapshot helps. */
  | "snapshot";

/** What the leader knows about the log of a peer. */
export class Progress {
  state: ProgressState = "probe";
  /** Last entry known to agree. */
  matched = 0n;
  /** First entry to send next. */
  next: bigint;
  /** Ticks since the leader heard of it. */
  silentTicks = Infinity;
  /** Whether the probe is on its way. */
  #isProbing = false;
  #snapshotIndex = 0n;
  /** Last entries of the appends that were not answered yet. */
  #inFlight: bigint[] = [];

  constructor(next: bigint) {
    this.next = next;
  }

  /** Whether nothing may be sent before an answer. */
  get isPaused(): boolean {
    if (this.state === "probe") return this.#isProbing;
    return this.state === "snapshot" || this.#inFlight.length >= IN_FLIGHT_MAX;
  }

  becomeProbe(): void {
    // a snapshot that arrived moved the log, one that was lost is found out by the probe
    const known = this.state === "snapshot" ? maxOf(this.matched, this.#snapshotIndex) : null;
    this.#become("probe");
    this.next = (known ?? this.matched) + 1n;
  }

  becomeReplicate(): void {
    this.#become("replicate");
    this.next = this.matched + 1n;
  }

  becomeSnapshot(index: bigint): void {
    this.#become("snapshot");
    this.#snapshotIndex = index;
  }

  /** Notes entries that were sent, by the index of the last. */
  sent(last: bigint): void {
    if (this.state === "probe") {
      this.#isProbing = true;
      return;
    }
    this.next = last + 1n;
    this.#inFlight.push(last);
  }

  /** The log agrees up to an index; false when that is no news. */
  accepted(index: bigint): boolean {
    this.next = maxOf(this.next, index + 1n);
    if (index <= this.matched) return false;
    this.matched = index;
    this.#isProbing = false;
    if (this.state === "probe") this.becomeReplicate();
    else if (this.state === "replicate") this.#freeTo(index);
    else if (index >= this.#snapshotIndex) this.becomeProbe();
    return true;
  }

  /** The log does not agree at an index, and may at the hint; false when the answer is stale. */
  rejected(index: bigint, hint: bigint): boolean {
    if (this.state === "replicate") {
      if (index <= this.matched) return false;
      this.becomeProbe();
      return true;
    }
    if (this.state === "snapshot" || this.next - 1n !== index) return false;
    this.next = maxOf(minOf(index, hint + 1n), 1n);
    this.#isProbing = false;
    return true;
  }

  /** It answers heartbeats: what was sent before may be lost. */
  resume(): void {
    this.#isProbing = false;
    if (this.state === "replicate" && this.isPaused) this.#inFlight.shift();
    // snapshots are small here: sending one twice is cheaper than waiting for one that was lost
    if (this.state === "snapshot") this.becomeProbe();
  }

  #freeTo(index: bigint): void {
    this.#inFlight = this.#inFlight.filter((last) => last > index);
  }

  #become(state: ProgressState): void {
    this.state = state;
    this.#isProbing = false;
    this.#snapshotIndex = 0n;
    this.#inFlight = [];
  }
}

export function maxOf(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

export function minOf(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
