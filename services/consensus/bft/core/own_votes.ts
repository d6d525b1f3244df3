import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashHex } from "./bincode.ts";
import { hashVote, signerOfHash } from "./crypto.ts";
import type { WalRecord } from "./interface.ts";
import type { Machine, Pledge, VoteTarget } from "./machine.ts";
import {
  encodeSignedVote,
  isNil,
  MessageType,
  type SignedVote,
  Step,
  stepName,
  type Vote,
} from "./messages.ts";
import type { At } from "./proposal_book.ts";
import { approvedRecord, ownVoteRecord } from "./records.ts";
import type { CollectedStep } from "./vote_book.ts";

/** Name of the pledge of a vote, and of the request to sign it. */
export function pledgeId({ height, round, step }: Omit<Vote, "hash">): string {
  return `${height}/${round}/${stepName(step)}`;
}

/** The own vote of a round and step, if it was decided. */
export function pledgeAt(m: Machine, at: At, step: Step): Pledge | null {
  return m.pledges.get(pledgeId({ ...at, step })) ?? null;
}

/** What accompanies an own vote. */
interface VoteOptions {
  readonly target: VoteTarget;
  /** Records that must be on disk before the vote leaves. */
  readonly records?: readonly WalRecord[];
}

/**
 * Decides an own vote and has it signed, stored and sent. A vote that was decided before is sent
 * again if it is the same; a different one is refused, whatever the reason for it (section 6.2).
 */
export function castVote(m: Machine, vote: Vote, { target, records = [] }: VoteOptions): void {
  if (!m.isValidator || (m.abstains && vote.step !== Step.NewView)) return;
  const id = pledgeId(vote);
  const known = m.pledges.get(id);
  if (known === undefined) {
    const voteHash = hashVote(m.crypto, vote);
    m.pledges.set(id, { vote, voteHash, signature: null, records, targets: [target] });
    m.emit({ kind: "sign", id, hash: voteHash });
  } else if (known.vote.hash !== vote.hash) {
    m.log("warn", `refuse a second ${stepName(vote.step)} h: ${vote.height} r: ${vote.round}`);
  } else if (known.signature === null) {
    if (!known.targets.includes(target)) known.targets.push(target);
  } else {
    deliver(m, { vote, signature: known.signature }, target);
  }
}

/** Takes the signature of an own vote: from here on it is stored, then sent. */
export function onVoteSigned(m: Machine, pledge: Pledge, signature: Bytes): void {
  const { vote, voteHash, records, targets } = pledge;
  if (vote.height !== m.height || pledge.signature !== null) return;
  const isTransient = vote.step === Step.NewView;
  // a vote that comes too late would help nobody and is as if it had never been decided
  if (!isTransient && (vote.round !== m.round || !m.isVoting)) return;
  if (!isOwnSignature(m, voteHash, signature)) return;
  if (!isTransient) {
    const content = isForBlock(vote) ? contentRecords(m, vote.hash) : [];
    persist(m, [...content, ...records, ownVoteRecord({ vote, signature })]);
  }
  pledge.signature = signature;
  for (const target of targets) deliver(m, { vote, signature }, target);
}

/**
 * Whether the kms signed a hash with the key of the own address. It may have got another key since
 * the last time, and what it was asked to sign before a rollback may come as late as now: nobody
 * would count such a vote, and a proof with it would be none.
 */
export function isOwnSignature(m: Machine, hash: Bytes, signature: Bytes): boolean {
  const signer = signerOfHash(m.crypto, { hash, signature });
  if (signer === m.own) return true;
  const got = signer === null ? "no signature of it" : `one of 0x${signer}`;
  m.log("error", `Cannot vote as 0x${m.own}: the kms must sign with its key, got ${got}`);
  m.retryLater("sign", m.timing.options.serverRetryMs);
  return false;
}

/** Writes records to the log of the current height. */
export function persist(m: Machine, records: readonly WalRecord[]): void {
  m.emit({ kind: "persist", height: m.height, records });
}

/** The record of a proposal's data, once: empty when the log has it already. */
function contentRecords(m: Machine, hash: HashHex): WalRecord[] {
  const content = m.proposals.content(hash);
  if (content === null || content.isPersisted) return [];
  content.isPersisted = true;
  return [approvedRecord(m.at, hash, content.raw)];
}

function deliver(m: Machine, signed: SignedVote, target: VoteTarget): void {
  const type = messageTypeOf(signed.vote.step);
  const body = encodeSignedVote(signed);
  if (target === "everyone") {
    m.emit({ kind: "broadcast", type, body });
  } else if (target === "leader") {
    sendToLeader(m, signed);
  } else {
    sendTo(m, { type, origin: target, body });
  }
}

function sendToLeader(m: Machine, signed: SignedVote): void {
  const { vote } = signed;
  if (m.isLeader(vote)) {
    m.votes.of(vote, collected(vote.step)).add(m.own, signed);
    return;
  }
  const origin = m.proposals.at(vote)?.origin ?? 0n;
  sendTo(m, { type: messageTypeOf(vote.step), origin, body: encodeSignedVote(signed) });
}

/** Sends to one session, or to everyone when the session is not known (section 3.4). */
export function sendTo(
  m: Machine,
  { type, origin, body }: {
    readonly type: MessageType;
    readonly origin: bigint;
    readonly body: Bytes;
  },
): void {
  if (origin === 0n) m.emit({ kind: "broadcast", type, body });
  else m.emit({ kind: "send", type, origin, body });
}

function messageTypeOf(step: Step): MessageType {
  if (step === Step.Prevote) return MessageType.Prevote;
  return step === Step.Precommit ? MessageType.Precommit : MessageType.NewView;
}

function collected(step: Step): CollectedStep {
  return step === Step.Precommit ? Step.Precommit : Step.Prevote;
}

/** Sends the own votes of the current round again, to a leader that may have lost them. */
export function resendVotes(m: Machine): void {
  for (const step of [Step.Prevote, Step.Precommit]) {
    const pledge = pledgeAt(m, m.at, step);
    if (pledge?.signature) {
      deliver(m, { vote: pledge.vote, signature: pledge.signature }, "leader");
    }
  }
}

/** Asks again for signatures that the kms could not give. */
export function retrySigning(m: Machine): void {
  for (const [id, { vote, voteHash, signature }] of m.pledges) {
    const isWanted = vote.step === Step.NewView || vote.round === m.round;
    if (signature === null && vote.height === m.height && isWanted) {
      m.emit({ kind: "sign", id, hash: voteHash });
    }
  }
}

/** Whether a vote is for a block. */
export function isForBlock(vote: Vote): vote is Vote & { readonly hash: HashHex } {
  return !isNil(vote.hash);
}
