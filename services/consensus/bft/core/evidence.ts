/**
 * Evidence that a validator is faulty: two statements signed by it that exclude each other. Honest
 * validators never make them, unless they lost the disk with their votes.
 *
 * @module
 */

import { type Bytes, to0xHex } from "../../../../shared/bytes/mod.ts";
import type { AddressHex, HashHex } from "./bincode.ts";
import type { Offence } from "./evidence_book.ts";
import type { Machine } from "./machine.ts";
import { isNil, type SignedVote, stepName } from "./messages.ts";
import type { Certificate } from "./proof.ts";

/** One of two statements that exclude each other. */
export interface Statement {
  readonly hash: HashHex | null;
  readonly signature: Bytes;
}

/** Logs and counts two statements of a validator; what votes say can be checked by the log line alone. */
export function accuse(m: Machine, offence: Offence, statements: readonly Statement[]): void {
  if (!m.evidence.add(offence)) return;
  const { offender, height, round, step } = offence;
  const told = statements.map(({ hash, signature }) =>
    `${isNil(hash) ? "nil" : `0x${hash}`} signed ${to0xHex(signature)}`
  );
  m.log(
    "error",
    `equivocation of 0x${offender} at height ${height} round ${round} step ${stepName(step)}: ` +
      `${told.join(" and ")}; it is faulty or lost its log of votes`,
  );
}

/** Accuses everyone who is in two quorums of one round, which exclude each other. */
export function accuseBoth(m: Machine, first: Certificate, second: Certificate): void {
  const known = new Map(first.votesBySender);
  for (const [offender, vote] of second.votesBySender) {
    const other = known.get(offender);
    if (other !== undefined) accuse(m, offenceOf(offender, vote), [other, vote].map(statementOf));
  }
}

/** The place of a vote, for {@linkcode accuse}. */
export function offenceOf(offender: AddressHex, { vote }: SignedVote): Offence {
  const { height, round, step } = vote;
  return { offender, height, round, step };
}

/** What a vote says, for {@linkcode accuse}. */
export function statementOf({ vote: { hash }, signature }: SignedVote): Statement {
  return { hash, signature };
}
