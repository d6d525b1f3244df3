import { type Bytes, EMPTY_BYTES, equalBytes } from "../../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import type { AddressHex, HashHex } from "./bincode.ts";
import { type CoreCrypto, hashHex, hashVote, signerOfHash } from "./crypto.ts";
import {
  decodeLeaderVote,
  encodeLeaderVote,
  isNil,
  type LeaderVote,
  type ProposedHash,
  type SignedVote,
  Step,
} from "./messages.ts";
import { type Authorities, isQuorum, signersAt, type ValidatorList } from "./validators.ts";

/** A quorum of valid votes for one block in one round. */
export interface Certificate {
  readonly height: bigint;
  readonly round: bigint;
  readonly hash: HashHex;
  /** By ascending address. */
  readonly votesBySender: readonly (readonly [AddressHex, SignedVote])[];
  /** The canonical `LeaderVote`; of precommits, this is the proof of the block. */
  readonly bytes: Bytes;
}

/** The parts that every vote of a certificate must agree with. */
interface CertificateRules {
  readonly validators: ValidatorList;
  readonly crypto: CoreCrypto;
  readonly step: Step;
}

/**
 * Checks a leader vote: for a block, of the wanted step, each vote for the same height, round, step
 * and block, each of another validator, together a quorum (spec/consensus.md, section 4.11).
 *
 * @returns null when anything is wrong
 */
export function verifyLeaderVote(
  leaderVote: LeaderVote,
  { validators, crypto, step }: CertificateRules,
): Certificate | null {
  const { height, round, hash, votes } = leaderVote;
  if (leaderVote.step !== step || isNil(hash)) return null;
  // the count comes first: checking signatures is what costs
  if (!isQuorum(votes.length, validators.length) || votes.length > validators.length) return null;
  const votesBySender = new Map<AddressHex, SignedVote>();
  const signedHash = hashVote(crypto, { height, round, step, hash });
  for (const signed of votes) {
    if (!isSameVote(signed.vote, leaderVote)) return null;
    const sender = signerOfHash(crypto, { hash: signedHash, signature: signed.signature });
    if (sender === null || !validators.includes(sender) || votesBySender.has(sender)) return null;
    votesBySender.set(sender, signed);
  }
  return certificateOf({ height, round, step, hash }, [...votesBySender]);
}

function isSameVote(vote: SignedVote["vote"], leaderVote: LeaderVote): boolean {
  return vote.height === leaderVote.height && vote.round === leaderVote.round &&
    vote.step === leaderVote.step && vote.hash === leaderVote.hash;
}

/** Builds the certificate of votes that are known to be valid. */
export function certificateOf(
  at: {
    readonly height: bigint;
    readonly round: bigint;
    readonly step: Step;
    readonly hash: HashHex;
  },
  votes: readonly (readonly [AddressHex, SignedVote])[],
): Certificate {
  const votesBySender = [...votes].sort(([left], [right]) => left < right ? -1 : 1);
  const bytes = encodeLeaderVote({ ...at, votes: votesBySender.map(([, vote]) => vote) });
  const { height, round, hash } = at;
  return { height, round, hash, votesBySender, bytes };
}

/**
 * Checks the quorum of prevotes by which a proposer explains why it proposes a block again: all of
 * this height, of the named earlier round (section 4.5).
 *
 * @returns whether the proposed block may be accepted by those locked on another one since before
 * that round; null when the lock is malformed or unproven, which makes the proposal invalid
 */
export function verifyLockProof(
  at: { readonly height: bigint; readonly round: bigint; readonly proposed: ProposedHash },
  { validators, crypto }: Pick<CertificateRules, "validators" | "crypto">,
): boolean | null {
  const { hash, lockRound, lockVotes } = at.proposed;
  if (lockRound === null && lockVotes === null) return false;
  if (lockRound === null || lockVotes === null || lockRound >= at.round) return null;
  const votes = lockVotes.votesBySender.map(([, vote]) => vote)
    .filter(({ vote }) => vote.hash === hash);
  const step = Step.Prevote;
  const prevotes: LeaderVote = { height: at.height, round: lockRound, step, hash, votes };
  return verifyLeaderVote(prevotes, { validators, crypto, step }) === null ? null : true;
}

/**
 * Decides whether a proof shows that a block was decided (section 5.2): a quorum of precommits of
 * the validators of its time, in the one encoding that every node stores.
 */
export function checkBlock(
  { proposal, proof }: {
    readonly proposal: { readonly height: bigint; readonly data: Bytes } | undefined;
    readonly proof: Bytes;
  },
  { authorities, crypto }: { readonly authorities: Authorities; readonly crypto: CoreCrypto },
): StatusCode {
  const refused = StatusCode.ProposalCheckError;
  const leaderVote = decodeLeaderVote(proof);
  if (leaderVote === null || proposal === undefined) return refused;
  if (leaderVote.height !== proposal.height) return refused;
  if (leaderVote.hash !== hashHex(crypto, proposal.data)) return refused;
  const validators = signersAt(authorities, proposal.height);
  const rules = { validators, crypto, step: Step.Precommit };
  const canonical = verifyLeaderVote(leaderVote, rules)?.bytes ?? EMPTY_BYTES;
  return equalBytes(canonical, proof) ? StatusCode.Success : refused;
}
