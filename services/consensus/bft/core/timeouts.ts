import type { TimerEvent } from "./interface.ts";
import { giveUpRound, isSplit } from "./collecting.ts";
import { commit } from "./deciding.ts";
import { tellFailedRound } from "./diagnosis.ts";
import type { Machine } from "./machine.ts";
import { Step } from "./messages.ts";
import { giveUp } from "./new_view.ts";
import { enterHeight } from "./rounds.ts";

/** The time of a step is over (spec/consensus.md, sections 4.3, 4.7 and 4.8). */
export function onStepTimeout(m: Machine, event: Extract<TimerEvent, { kind: "step" }>): void {
  const isCurrent = event.height === m.height && event.round === m.round && event.step === m.step;
  if (!isCurrent) return;
  if (m.step === Step.CommitWait) return enterHeight(m, m.height + 1n);
  if (m.step === Step.Commit) return commit(m);
  if (!m.isValidator) return;
  if (m.certificate === null) {
    if (m.step === Step.PrevoteWait && isSplit(m, Step.Prevote)) {
      return giveUpRound(m, Step.Prevote);
    }
    if (m.step === Step.PrecommitWait && isSplit(m, Step.Precommit)) {
      return giveUpRound(m, Step.Precommit);
    }
  }
  tellFailedRound(m);
  m.setStep(Step.NewView, m.timing.newViewMs(m.validators.length));
  giveUp(m, m.round);
}
