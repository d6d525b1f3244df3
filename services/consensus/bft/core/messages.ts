/**
 * What validators send each other, byte for byte (spec/consensus.md, sections 3.2 to 3.4).
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import {
  type AddressHex,
  BincodeError,
  type BincodeReader,
  type BincodeWriter,
  encodeBincode,
  type HashHex,
  tryRead,
} from "./bincode.ts";

/** Steps of a round, by their number on the wire. */
export const Step = {
  Propose: 0,
  ProposeWait: 1,
  Prevote: 2,
  PrevoteWait: 3,
  Precommit: 4,
  PrecommitWait: 5,
  Commit: 6,
  CommitWait: 7,
  NewView: 8,
  /** Sent by 6.6 and later in answer to a late newview; read as NewView. */
  NewViewRes: 9,
} as const;

/** One of the steps. */
export type Step = (typeof Step)[keyof typeof Step];

/** By number. */
const STEPS: readonly Step[] = Object.values(Step);
const STEP_NAMES: readonly string[] = Object.keys(Step);

/** The name of a step, for logs. */
export function stepName(step: Step): string {
  return STEP_NAMES[step] ?? "?";
}

/** Values of `NetworkMsg.type` (section 3.4). */
export const MessageType = {
  Proposal: "proposal",
  Prevote: "prevote",
  Precommit: "precommit",
  LeaderPrevote: "lprevote",
  LeaderPrecommit: "lprecommit",
  NewView: "newview",
} as const;

/** One of the message types. */
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** The hash that a vote for no block carries. */
export const ZERO_HASH: HashHex = "0".repeat(64);

/** Whether a vote is for no block: both encodings count as the same. */
export function isNil(hash: HashHex | null): hash is null {
  return hash === null || hash === ZERO_HASH;
}

/** `FollowerVote`: what a validator signs. */
export interface Vote {
  readonly height: bigint;
  readonly round: bigint;
  readonly step: Step;
  readonly hash: HashHex | null;
}

/** `SignedFollowerVote`; the signer is recovered from the signature. */
export interface SignedVote {
  readonly vote: Vote;
  readonly signature: Bytes;
}

/** `LeaderVote`: a quorum of votes, or, with no hash, the unsigned news that there is none. */
export interface LeaderVote extends Vote {
  /** By ascending address of the signer. */
  readonly votes: readonly SignedVote[];
}

/** `VoteSet` as it travels inside a proposal. */
export interface WireVoteSet {
  readonly votesBySender: readonly (readonly [AddressHex, SignedVote])[];
  readonly countsByHash: readonly (readonly [HashHex, bigint])[];
  readonly count: bigint;
}

/** `Proposal`: the hash proposed, and the quorum of prevotes that binds the proposer to it. */
export interface ProposedHash {
  readonly hash: HashHex;
  readonly lockRound: bigint | null;
  readonly lockVotes: WireVoteSet | null;
}

/** `NetworkProposal`: what the leader of a round signs. */
export interface Proposal {
  readonly height: bigint;
  readonly round: bigint;
  readonly proposed: ProposedHash;
  /** The controller's data, unchanged. */
  readonly raw: Bytes;
}

/** `SignedNetworkProposal`; its sender is informational, the signature counts. */
export interface SignedProposal {
  readonly proposal: Proposal;
  readonly signature: Bytes;
  readonly sender: AddressHex;
}

// Sizes of the smallest encodings: they bound counts in messages of unknown origin.
const SIGNED_VOTE_SIZE_MIN = 29;
const SENDER_SIZE_MIN = 48 + SIGNED_VOTE_SIZE_MIN;
const HASH_COUNT_SIZE_MIN = 80;

/** Writes what the signature of a vote signs. */
export function writeVote(
  writer: BincodeWriter,
  { height, round, step, hash }: Vote,
): BincodeWriter {
  return writer.u64(height).u64(round).u32(step).option(hash, (value) => writer.hex(value));
}

function readVote(reader: BincodeReader): Vote {
  return {
    height: reader.u64(),
    round: reader.u64(),
    step: readStep(reader),
    hash: reader.option(() => reader.hash()),
  };
}

function readStep(reader: BincodeReader): Step {
  const number = reader.u32();
  const step = STEPS[number];
  if (step === undefined) throw new BincodeError(`Cannot read a step: ${number} is not known`);
  return step;
}

function writeSignedVote(writer: BincodeWriter, { vote, signature }: SignedVote): BincodeWriter {
  return writeVote(writer, vote).bytes(signature);
}

function readSignedVote(reader: BincodeReader): SignedVote {
  return { vote: readVote(reader), signature: reader.bytes() };
}

function writeVoteSet(writer: BincodeWriter, set: WireVoteSet): void {
  writer.list(set.votesBySender, ([sender, vote]) => writeSignedVote(writer.hex(sender), vote));
  writer.list(set.countsByHash, ([hash, count]) => writer.hex(hash).u64(count));
  writer.u64(set.count);
}

function readVoteSet(reader: BincodeReader): WireVoteSet {
  return {
    votesBySender: reader.list(
      SENDER_SIZE_MIN,
      () => [reader.address(), readSignedVote(reader)] as const,
    ),
    countsByHash: reader.list(HASH_COUNT_SIZE_MIN, () => [reader.hash(), reader.u64()] as const),
    count: reader.u64(),
  };
}

function writeProposedHash(writer: BincodeWriter, proposed: ProposedHash): BincodeWriter {
  return writer.hex(proposed.hash)
    .option(proposed.lockRound, (round) => writer.u64(round))
    .option(proposed.lockVotes, (set) => writeVoteSet(writer, set));
}

function readProposedHash(reader: BincodeReader): ProposedHash {
  return {
    hash: reader.hash(),
    lockRound: reader.option(() => reader.u64()),
    lockVotes: reader.option(() => readVoteSet(reader)),
  };
}

/** Writes what the signature of a proposal signs. */
export function writeProposal(writer: BincodeWriter, proposal: Proposal): BincodeWriter {
  writer.u64(proposal.height).u64(proposal.round);
  return writeProposedHash(writer, proposal.proposed).bytes(proposal.raw);
}

function readProposal(reader: BincodeReader): Proposal {
  return {
    height: reader.u64(),
    round: reader.u64(),
    proposed: readProposedHash(reader),
    raw: reader.bytes(),
  };
}

/** The bytes whose hash a vote's signature signs. */
export function encodeVote(vote: Vote): Bytes {
  return encodeBincode((writer) => writeVote(writer, vote));
}

/** Body of `prevote`, `precommit` and `newview`. */
export function encodeSignedVote(vote: SignedVote): Bytes {
  return encodeBincode((writer) => writeSignedVote(writer, vote));
}

/** Reads a signed vote; null when malformed, bytes behind it are ignored. */
export function decodeSignedVote(body: Bytes): SignedVote | null {
  return tryRead(body, readSignedVote);
}

/** Body of `lprevote` and `lprecommit`, and the proof of a block (section 5.1). */
export function encodeLeaderVote(leaderVote: LeaderVote): Bytes {
  return encodeBincode((writer) =>
    writeVote(writer, leaderVote).list(leaderVote.votes, (vote) => writeSignedVote(writer, vote))
  );
}

/** Reads a leader vote; null when malformed, bytes behind it are ignored. */
export function decodeLeaderVote(body: Bytes): LeaderVote | null {
  return tryRead(body, (reader) => ({
    ...readVote(reader),
    votes: reader.list(SIGNED_VOTE_SIZE_MIN, () => readSignedVote(reader)),
  }));
}

/** The bytes whose hash a proposal's signature signs. */
export function encodeProposal(proposal: Proposal): Bytes {
  return encodeBincode((writer) => writeProposal(writer, proposal));
}

/** Reads an unsigned proposal; null when malformed, bytes behind it are ignored. */
export function decodeProposal(body: Bytes): Proposal | null {
  return tryRead(body, readProposal);
}

/** Body of `proposal`. */
export function encodeSignedProposal(signed: SignedProposal): Bytes {
  const { proposal, signature, sender } = signed;
  return encodeBincode((writer) => writeProposal(writer, proposal).bytes(signature).hex(sender));
}

/** Reads a signed proposal; null when malformed, bytes behind it are ignored. */
export function decodeSignedProposal(body: Bytes): SignedProposal | null {
  return tryRead(body, (reader) => ({
    proposal: readProposal(reader),
    signature: reader.bytes(),
    sender: reader.address(),
  }));
}
