import type { Machine } from "./machine.ts";
import { Step, stepName } from "./messages.ts";

/** Starts a height: everything that belongs to lower ones is forgotten (sections 4.4, 4.7). */
export function enterHeight(m: Machine, height: bigint): void {
  m.height = height;
  m.heightStartedAtMs = m.nowMs;
  m.lock = null;
  m.certificate = null;
  m.isInquiring = false;
  m.isRecovered = false;
  m.abstains = false;
  m.ownContent = null;
  m.fetching = "idle";
  m.pledges.clear();
  m.proposalPledges.clear();
  m.answeredAtMs.clear();
  m.proposals.prune(height);
  m.votes.prune(height);
  m.newViews.prune(height);
  m.evidence.prune(height);
  m.emit({ kind: "setHeight", height });
  enterRound(m, 0n);
}

/** Lets the time until the next height pass. */
export function waitForNextHeight(m: Machine, delayMs: number): void {
  m.nextHeightAtMs = m.nowMs + delayMs;
  m.setStep(Step.CommitWait, delayMs);
}

/**
 * Begins the next height a little earlier, since its leader has begun already. Nodes that stay far
 * apart cost rounds: when the latest of them leads, the others have given up before it proposes.
 * The part that one leader can save is bounded, so none can hurry the chain.
 */
export function hurryToNextHeight(m: Machine): void {
  const remainingMs = m.nextHeightAtMs - m.nowMs;
  waitForNextHeight(m, Math.max(0, remainingMs - m.timing.shiftMs()));
}

/** Starts a round: what is already known about it is looked at by the rules right after. */
export function enterRound(m: Machine, round: bigint): void {
  if (round > 0n) m.failedRounds++;
  m.round = round;
  m.roundStartedAtMs = m.nowMs;
  m.polka = null;
  m.setStep(Step.ProposeWait, m.timing.proposeMs(round));
  if (!m.isValidator) m.emit({ kind: "cancelStepTimer" });
  else m.retryLater("remind", m.timing.newViewMs(m.validators.length));
  m.log(
    "info",
    `new_round_start_with_added_time added time 0 self Bft { h: ${m.height}, r: ${round}, ` +
      `s: ${stepName(m.step)}, leader: ${m.isLeader()} }`,
  );
}
