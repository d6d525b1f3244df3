import assert from "node:assert/strict";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import type { AddressHex, HashHex } from "../bft/core/bincode.ts";
import { BftCore } from "../bft/core/core.ts";
import { hashHex } from "../bft/core/crypto.ts";
import type { Effect, Input, WalContent } from "../bft/core/interface.ts";
import {
  encodeLeaderVote,
  encodeProposal,
  encodeSignedProposal,
  encodeSignedVote,
  encodeVote,
  type LeaderVote,
  MessageType,
  type ProposedHash,
  type SignedVote,
  Step,
  type Vote,
} from "../bft/core/messages.ts";
import { certificateOf } from "../bft/core/proof.ts";
import type { TimingOptions } from "../bft/core/timing.ts";
import { FAKE_CRYPTO, fakeAddress, FakeSigner } from "./fake_crypto.ts";

/** The timers that the configuration files of cloud-config lead to. */
export const DEFAULT_TIMING: TimingOptions = {
  blockIntervalMs: 3_000,
  blockIntervalMsMin: 600,
  wholePhase: 30,
  proposePhase: 24,
  prevotePhase: 6,
  proposalCoefficientMax: 8,
  serverRetryMs: 2_000,
};

const SIGNER = new FakeSigner(99);

/** Messages of any validator, as others would send them. */
export const forge = {
  vote(from: number, vote: Vote): SignedVote {
    const hash = FAKE_CRYPTO.hash(encodeVote(vote));
    return { vote, signature: SIGNER.sign(fakeAddress(from), hash) };
  },

  /** Body of a vote message. */
  voteBody(from: number, vote: Vote): Bytes {
    return encodeSignedVote(forge.vote(from, vote));
  },

  /** Body of a proposal message; the proposed hash fits the data unless one is given. */
  proposal(
    from: number,
    at: { readonly height: bigint; readonly round: bigint },
    { raw, proposed }: { readonly raw: Bytes; readonly proposed?: Partial<ProposedHash> },
  ): Bytes {
    const hash = hashHex(FAKE_CRYPTO, raw);
    const proposal = {
      height: at.height,
      round: at.round,
      proposed: { hash, lockRound: null, lockVotes: null, ...proposed },
      raw,
    };
    const signed = FAKE_CRYPTO.hash(encodeProposal(proposal));
    const signature = SIGNER.sign(fakeAddress(from), signed);
    return encodeSignedProposal({ proposal, signature, sender: fakeAddress(from) });
  },

  /** Votes of several validators, as a leader vote holds them. */
  votes(from: readonly number[], vote: Vote): [AddressHex, SignedVote][] {
    return from.map((index) => [fakeAddress(index), forge.vote(index, vote)]);
  },

  /** Body of a leader vote for a block. */
  quorum(from: readonly number[], vote: Vote & { readonly hash: HashHex }): Bytes {
    return certificateOf(vote, forge.votes(from, vote)).bytes;
  },

  /** Body of a leader vote with any content. */
  leaderVote(leaderVote: LeaderVote): Bytes {
    return encodeLeaderVote(leaderVote);
  },
};

/** What a core under test is created with. */
export interface FixtureOptions {
  /** Number of the validator that the core is. */
  readonly own: number;
  readonly validatorCount: number;
  readonly contentByHeight?: ReadonlyMap<bigint, WalContent>;
  readonly height?: bigint;
}

/**
 * One core on a clock of its own. The kms signs at once; everything else is left to the test, which
 * finds what the core did in `effects`.
 */
export class CoreFixture {
  readonly core: BftCore;
  readonly validators: Bytes[];
  nowMs = 0;
  #stepTimer: Extract<Effect, { kind: "setTimer" }> | null = null;
  /** What happened since it was emptied last. */
  effects: Effect[] = [];

  constructor({ own, validatorCount, contentByHeight = new Map(), height }: FixtureOptions) {
    this.core = new BftCore({
      own: fakeAddress(own),
      crypto: FAKE_CRYPTO,
      timing: DEFAULT_TIMING,
    });
    const indexes = Array.from({ length: validatorCount }, (_, index) => index);
    this.validators = indexes.map((index) => fromHex(fakeAddress(index)));
    this.input({ kind: "start", authorities: null, height: height ?? null, contentByHeight });
  }

  /** Feeds an input and has every signature that it asks for made. */
  input(input: Input): void {
    const own = this.core.step(input, this.nowMs);
    this.effects.push(...own);
    for (const effect of own) {
      if (effect.kind === "setTimer" && effect.event.kind === "step") this.#stepTimer = effect;
      if (effect.kind !== "sign") continue;
      const signature = SIGNER.sign(this.#address, effect.hash);
      this.input({ kind: "signed", id: effect.id, signature });
    }
  }

  get #address(): AddressHex {
    return this.core.view.own;
  }

  reconfigure(height: bigint, validators = this.validators): void {
    const configuration = { height, blockIntervalSeconds: 3, validators };
    this.input({ kind: "reconfigure", configuration });
  }

  message(type: string, body: Bytes, origin = 7n): void {
    this.input({ kind: "message", type, origin, body });
  }

  /** A proposal of its leader that the controller approves. */
  approvedProposal(
    from: number,
    at: { readonly height: bigint; readonly round: bigint },
    content: { readonly raw: Bytes; readonly proposed?: Partial<ProposedHash> },
  ): void {
    this.message(MessageType.Proposal, forge.proposal(from, at, content));
    this.input({ kind: "checked", hash: hashHex(FAKE_CRYPTO, content.raw), code: 0 });
  }

  /** Ends the step at hand by its timer. */
  timeout(): void {
    const timer = this.#stepTimer;
    assert(timer !== null, "no step has a timer");
    this.nowMs += timer.delayMs;
    this.input({ kind: "timer", event: timer.event });
  }

  /** The effects of a kind. */
  of<Kind extends Effect["kind"]>(kind: Kind): Extract<Effect, { kind: Kind }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: Kind }> =>
      effect.kind === kind
    );
  }

  /** Bodies of the messages of a type, sent or broadcast. */
  sent(type: string): Bytes[] {
    return this.effects.flatMap((effect) =>
      (effect.kind === "broadcast" || effect.kind === "send") && effect.type === type
        ? [effect.body]
        : []
    );
  }

  /** Every record written so far, as a restart finds it. */
  get written(): WalContent {
    return { records: this.of("persist").flatMap(({ records }) => records), isDamaged: false };
  }
}

/** A prevote or precommit. */
export function voteFor(
  step: typeof Step.Prevote | typeof Step.Precommit,
  at: { readonly height: bigint; readonly round: bigint },
  hash: HashHex,
): Vote & { readonly hash: HashHex } {
  return { height: at.height, round: at.round, step, hash };
}
