import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashHex } from "./bincode.ts";

/** What the own controller says about the data behind a hash. */
export type ContentStatus =
  /** Not asked yet. */
  | "unknown"
  /** Asked, no answer yet. */
  | "checking"
  /** It could not say; it is asked again after a while. */
  | "waiting"
  | "approved"
  | "rejected";

/** Data that was proposed. */
export interface Content {
  readonly height: bigint;
  readonly raw: Bytes;
  status: ContentStatus;
  /** Whether the log has the data. */
  isPersisted: boolean;
}

/** A proposal of a round's leader, its signature, hash and lock checked. */
export interface RecordedProposal {
  readonly hash: HashHex;
  /** The round whose quorum of prevotes is proven inside; null without a proof. */
  readonly provenRound: bigint | null;
  /** The session that it came from: votes of this round go there. */
  readonly origin: bigint;
  /** Null for one that was read from the log, which has no signature. */
  readonly signature: Bytes | null;
}

/** A height and a round of it. */
export interface At {
  readonly height: bigint;
  readonly round: bigint;
}

/** How many rounds ahead messages are kept: what a single validator can make others store. */
export const ROUNDS_AHEAD_MAX = 16n;

/** Proposals by height and round, and their data by hash. */
export class ProposalBook {
  readonly #recorded = new Map<string, RecordedProposal & At>();
  readonly #contents = new Map<HashHex, Content>();

  /** The proposal of a round; the first valid one stays, later ones differ or repeat it. */
  at({ height, round }: At): RecordedProposal | null {
    return this.#recorded.get(`${height}/${round}`) ?? null;
  }

  content(hash: HashHex): Content | null {
    return this.#contents.get(hash) ?? null;
  }

  /** Records or replaces the proposal of a round. */
  record({ height, round }: At, proposal: RecordedProposal): void {
    this.#recorded.set(`${height}/${round}`, { ...proposal, height, round });
  }

  /** Adds data unless it is known. */
  addContent(hash: HashHex, height: bigint, raw: Bytes): Content {
    const known = this.#contents.get(hash);
    if (known !== undefined) return known;
    const content: Content = { height, raw, status: "unknown", isPersisted: false };
    this.#contents.set(hash, content);
    return content;
  }

  /** Forgets the data behind a hash. */
  forget(hash: HashHex): void {
    this.#contents.delete(hash);
  }

  /** Lets contents whose check failed be asked for again. */
  endWaiting(): void {
    for (const content of this.#contents.values()) {
      if (content.status === "waiting") content.status = "unknown";
    }
  }

  /** Forgets what lies below a height. */
  prune(height: bigint): void {
    for (const [key, at] of this.#recorded) if (at.height < height) this.#recorded.delete(key);
    for (const [hash, content] of this.#contents) {
      if (content.height < height) this.#contents.delete(hash);
    }
  }

  /** Forgets who proposed what; the data stays. */
  clearRecorded(): void {
    this.#recorded.clear();
  }

  clear(): void {
    this.#recorded.clear();
    this.#contents.clear();
  }
}
