import { type Bytes, concatBytes } from "../../../../shared/bytes/mod.ts";
import { RecordType, type WalRecord } from "./interface.ts";
import {
  decodeSignedProposal,
  decodeSignedVote,
  encodeProposal,
  encodeSignedVote,
  type SignedProposal,
  type SignedVote,
} from "./messages.ts";
import type { At } from "./proposal_book.ts";

// The checksum of a record does not cover its type, so own records repeat the type in the body:
// a flipped bit must not turn one kind into another.

/** The record that must be on disk before an own vote is sent. */
export function ownVoteRecord(vote: SignedVote): WalRecord {
  return tagged(RecordType.OwnVote, encodeSignedVote(vote));
}

/** The record that must be on disk before an own proposal is sent; takes the message's body. */
export function ownProposalRecord(body: Bytes): WalRecord {
  return tagged(RecordType.OwnProposal, body);
}

/** The record of data that the controller approved, in the reference layout (section 6.2). */
export function approvedRecord(at: At, hash: string, raw: Bytes): WalRecord {
  const proposed = { hash, lockRound: null, lockVotes: null };
  return { type: RecordType.Propose, body: encodeProposal({ ...at, proposed, raw }) };
}

/** Reads a record of {@linkcode ownVoteRecord}; null when it is not one. */
export function readOwnVote(body: Bytes): SignedVote | null {
  return body[0] === RecordType.OwnVote ? decodeSignedVote(body.subarray(1)) : null;
}

/** Reads a record of {@linkcode ownProposalRecord}; null when it is not one. */
export function readOwnProposal(body: Bytes): SignedProposal | null {
  return body[0] === RecordType.OwnProposal ? decodeSignedProposal(body.subarray(1)) : null;
}

function tagged(type: number, body: Bytes): WalRecord {
  return { type, body: concatBytes(Uint8Array.of(type), body) };
}
