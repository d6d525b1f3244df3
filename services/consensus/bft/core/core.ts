import { unreachable } from "../../../../shared/assert/mod.ts";
import { applyRules, type Rule } from "../../rules.ts";
import {
  announcePrecommitsRule,
  announcePrevotesRule,
  giveUpRule,
  receiveVote,
} from "./collecting.ts";
import {
  judgesFor,
  onCommitted,
  onConfiguration,
  onConfigurationRetry,
  onReconfigure,
} from "./configuration.ts";
import {
  commit,
  commitRule,
  earlyLeaderVotesRule,
  precommitRule,
  receiveLeaderVote,
} from "./deciding.ts";
import { onChecked, prevoteRule, receiveProposal } from "./following.ts";
import type { Effect, Input, RetryKey } from "./interface.ts";
import { type CoreOptions, Machine } from "./machine.ts";
import { MessageType, Step } from "./messages.ts";
import { nextRoundRule, onRemind, receiveNewView } from "./new_view.ts";
import { onVoteSigned, retrySigning } from "./own_votes.ts";
import { checkBlock } from "./proof.ts";
import { onProposal, onProposalSigned, proposeRule, retryProposalSigning } from "./proposing.ts";
import { onStepTimeout } from "./timeouts.ts";

/** What can happen by itself after an input, in this order. */
const RULES: readonly Rule<Machine>[] = [
  earlyLeaderVotesRule,
  announcePrecommitsRule,
  commitRule,
  announcePrevotesRule,
  precommitRule,
  giveUpRule,
  nextRoundRule,
  proposeRule,
  prevoteRule,
];

/** What can be read of the machine from outside. */
export type CoreView = Pick<
  Machine,
  | "own"
  | "height"
  | "round"
  | "step"
  | "lock"
  | "isRunning"
  | "validators"
  | "evidence"
  | "failedRounds"
>;

/**
 * The state machine of one validator (spec/consensus.md, section 4, with every FIX). It does
 * nothing itself: an input gives effects, which its driver carries out in their order.
 *
 * After each input the rules are applied until none fires. So it does not matter in which order
 * messages arrive, or whether they came before the round that they belong to.
 */
export class BftCore {
  readonly #machine: Machine;

  constructor(options: CoreOptions) {
    this.#machine = new Machine(options);
  }

  get view(): CoreView {
    return this.#machine;
  }

  /** Takes one input at a monotonic time and returns what is to be done. */
  step(input: Input, nowMs: number): readonly Effect[] {
    const m = this.#machine;
    m.nowMs = nowMs;
    m.effects = [];
    take(m, input);
    if (m.isRunning) applyRules(RULES, m);
    return m.effects;
  }
}

function take(m: Machine, input: Input): void {
  switch (input.kind) {
    case "start":
      m.start = input;
      if (input.authorities !== null) m.authorities = input.authorities;
      m.askConfiguration();
      return;
    case "reconfigure":
      return onReconfigure(m, input.configuration);
    case "configuration":
      return onConfiguration(m, input);
    case "checkBlock":
      return answerCheckBlock(m, input);
    case "message":
      return receive(m, input);
    case "timer":
      return input.event.kind === "step"
        ? onStepTimeout(m, input.event)
        : onRetry(m, input.event.what);
    case "signed":
      return onSigned(m, input);
    case "proposal":
      return onProposal(m, input);
    case "checked":
      return onChecked(m, input);
    case "committed":
      return onCommitted(m, input);
    default:
      return unreachable(input);
  }
}

/** Messages of others; those who are no validators here, or not any more, take no part. */
function receive(m: Machine, input: Extract<Input, { kind: "message" }>): void {
  if (!m.isRunning || !m.isValidator) return;
  const { type, origin, body } = input;
  switch (type) {
    case MessageType.Proposal:
      return receiveProposal(m, origin, body);
    case MessageType.Prevote:
      return receiveVote(m, Step.Prevote, body);
    case MessageType.Precommit:
      return receiveVote(m, Step.Precommit, body);
    case MessageType.LeaderPrevote:
    case MessageType.LeaderPrecommit:
      return receiveLeaderVote(m, type, origin, body);
    case MessageType.NewView:
      return receiveNewView(m, origin, body);
  }
}

function answerCheckBlock(m: Machine, input: Extract<Input, { kind: "checkBlock" }>): void {
  const authorities = judgesFor(m, input.proposal?.height ?? 0n);
  const code = checkBlock(input, { authorities, crypto: m.crypto });
  const verdict = code === 0 ? "ok" : "failed";
  m.log("info", `----- check_proposal_proof ${verdict} h: ${input.proposal?.height ?? "none"}`);
  m.emit({ kind: "answer", id: input.id, code });
}

function onSigned(m: Machine, { id, signature }: Extract<Input, { kind: "signed" }>): void {
  if (signature === null) return m.retryLater("sign", m.timing.retryMs());
  const vote = m.pledges.get(id);
  if (vote !== undefined) return onVoteSigned(m, vote, signature);
  const proposal = m.proposalPledges.get(id);
  if (proposal !== undefined) onProposalSigned(m, proposal, signature);
}

function onRetry(m: Machine, what: RetryKey): void {
  switch (what) {
    case "proposal":
      if (m.fetching === "waiting") m.fetching = "idle";
      return;
    case "check":
      return m.proposals.endWaiting();
    case "sign":
      retrySigning(m);
      return retryProposalSigning(m);
    case "commit":
      if (m.step === Step.Commit && !m.isInquiring) commit(m);
      return;
    case "remind":
      return onRemind(m);
    case "configuration":
      return onConfigurationRetry(m);
    default:
      return unreachable(what);
  }
}
