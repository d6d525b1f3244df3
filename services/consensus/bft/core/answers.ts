import type { AddressHex } from "./bincode.ts";
import type { Machine } from "./machine.ts";
import { MessageType } from "./messages.ts";
import { sendTo } from "./own_votes.ts";

/** A validator that works on a height which this node knows to be decided. */
export interface Behind {
  readonly height: bigint;
  readonly voter: AddressHex;
  readonly origin: bigint;
}

/**
 * Sends the frozen proof of a height to a validator that missed it, so that it stores the same
 * bytes instead of forming a proof of its own (section 5.1).
 */
export function answerBehind(m: Machine, { height, voter, origin }: Behind): void {
  const decision = m.decisionOf(height);
  if (decision === null || !mayAnswer(m, `${voter}/${height}`)) return;
  m.log("info", `tell 0x${voter} the proof of height ${height}`);
  sendTo(m, { type: MessageType.LeaderPrecommit, origin, body: decision.bytes });
}

/** Limits answers to one per key and interval, so that nobody can make this node talk. */
export function mayAnswer(m: Machine, key: string): boolean {
  const answeredAtMs = m.answeredAtMs.get(key);
  if (answeredAtMs !== undefined && m.nowMs - answeredAtMs < m.timing.answerMs()) return false;
  m.answeredAtMs.set(key, m.nowMs);
  return true;
}
