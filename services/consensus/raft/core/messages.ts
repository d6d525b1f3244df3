/**
 * Messages and entries of raft (spec/consensus.md, section 10.3).
 *
 * @module
 */

import {
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  type Snapshot,
} from "../../../../proto/gen/eraftpb.ts";
import { EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { NUMBER_END } from "../../numbers.ts";

export { type ConfState, type Entry, EntryType, type HardState, type Message, MessageType };
export type { Snapshot };

/** No node has this id: no leader, no vote. */
export const NO_NODE = 0n;

/** Context of a vote request that the leader itself asked for. */
export const CAMPAIGN_TRANSFER = new TextEncoder().encode("CampaignTransfer");

/** What a message says besides who says it. */
export type Draft = Pick<Message, "msgType" | "to"> & Partial<Message>;

/** A message of which only some fields are set. */
export function messageOf(draft: Draft): Message {
  return {
    from: NO_NODE,
    term: 0n,
    logTerm: 0n,
    index: 0n,
    entries: [],
    commit: 0n,
    snapshot: undefined,
    reject: false,
    rejectHint: 0n,
    context: EMPTY_BYTES,
    requestSnapshot: 0n,
    priority: 0n,
    commitTerm: 0n,
    ...draft,
  };
}

/** An entry as it is proposed; the leader gives it its place. */
export function entryOf(entryType: EntryType, data: Uint8Array): Entry {
  return { entryType, term: 0n, index: 0n, data, syncLog: false, context: EMPTY_BYTES };
}

/** What peers say to each other; the other types are inputs of the own node, or not in use. */
const PEER_TYPES: ReadonlySet<MessageType> = new Set([
  MessageType.APPEND,
  MessageType.APPEND_RESPONSE,
  MessageType.REQUEST_VOTE,
  MessageType.REQUEST_VOTE_RESPONSE,
  MessageType.SNAPSHOT,
  MessageType.HEARTBEAT,
  MessageType.HEARTBEAT_RESPONSE,
  MessageType.TRANSFER_LEADER,
  MessageType.TIMEOUT_NOW,
  MessageType.REQUEST_PRE_VOTE,
  MessageType.REQUEST_PRE_VOTE_RESPONSE,
]);

/** Whether a message can be one of a peer to a node. */
export function isFromPeerTo(id: bigint, { msgType, to, from }: Message): boolean {
  return PEER_TYPES.has(msgType) && to === id && from !== id && from !== NO_NODE;
}

/** Whether the numbers of a message can be those of a group. */
export function isPlausible(message: Message): boolean {
  const { term, logTerm, index, commit, commitTerm, rejectHint, snapshot } = message;
  const { index: snapshotIndex = 0n, term: snapshotTerm = 0n } = snapshot?.metadata ?? {};
  const numbers = [term, logTerm, index, commit, commitTerm, rejectHint, snapshotIndex];
  return numbers.every((number) => number < NUMBER_END) && snapshotTerm <= term;
}

/** Whether an entry changes the members. */
export function isConfChange({ entryType }: Entry): boolean {
  return entryType === EntryType.ENTRY_CONF_CHANGE_V2;
}

/** Messages that only a leader sends. */
export function isFromLeader({ msgType }: Message): boolean {
  return msgType === MessageType.APPEND || msgType === MessageType.HEARTBEAT ||
    msgType === MessageType.SNAPSHOT;
}

/** Answers, which are taken from members only. */
export function isResponse({ msgType }: Message): boolean {
  return msgType === MessageType.APPEND_RESPONSE || msgType === MessageType.HEARTBEAT_RESPONSE ||
    msgType === MessageType.REQUEST_VOTE_RESPONSE ||
    msgType === MessageType.REQUEST_PRE_VOTE_RESPONSE;
}

/** Whether the entries follow each other and their predecessor, as every leader's do. */
export function isWellFormedAppend({ index, logTerm, term, entries }: Message): boolean {
  let lastTerm = logTerm;
  return entries.every((entry, position) => {
    const isInOrder = entry.index === index + BigInt(position) + 1n && entry.term >= lastTerm;
    lastTerm = entry.term;
    return isInOrder && entry.term <= term;
  });
}
