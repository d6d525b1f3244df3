import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { CONSENSUS_CALLS, type StallFacts, type ValidatorView } from "./facts.ts";

/** Why no block is being made, in a word; `none` while blocks come. */
export const STALL_REASONS = [
  "none",
  "service_away",
  "disk",
  "commit_fails",
  "behind",
  "no_quorum",
  "read_only",
  "consensus_silent",
  "proposal_refused",
  "undecided",
] as const;

/** One of these words. */
export type StallReason = (typeof STALL_REASONS)[number];

/** Why no block is being made. */
export interface Diagnosis {
  readonly reason: StallReason;
  /** Says it to an operator; empty when blocks come. */
  readonly sentence: string;
}

/** Addresses that a sentence names at most. */
const NAMES_MAX = 10;

type Finding = (facts: StallFacts) => Diagnosis | null;

/** The causes in this order: what is wrong in this node first, then around it. */
const FINDINGS: readonly Finding[] = [
  serviceAway,
  commitFails,
  behind,
  noQuorum,
  readOnly,
  consensusSilent,
  proposalRefused,
];

/** The first cause that fits what the node knows. */
export function diagnose(facts: StallFacts): Diagnosis {
  if (facts.standstillMs < facts.patienceMs) return { reason: "none", sentence: "" };
  const { reason, sentence } = firstFinding(facts);
  const brake = "; the emergency brake is on, but it stops transactions only";
  return { reason, sentence: facts.isBraked ? sentence + brake : sentence };
}

function firstFinding(facts: StallFacts): Diagnosis {
  for (const find of FINDINGS) {
    const found = find(facts);
    if (found !== null) return found;
  }
  return {
    reason: "undecided",
    sentence: "consensus asks for blocks and decides on none: its log says more",
  };
}

function serviceAway({ away }: StallFacts): Diagnosis | null {
  if (away.length === 0) return null;
  const names = away.map(({ neighbour, forMs }) => `${neighbour} (for ${seconds(forMs)})`);
  return { reason: "service_away", sentence: `no answer from ${names.join(", ")}` };
}

/** A decided block that cannot be stored; one that came too early tells that the node is behind. */
function commitFails(facts: StallFacts): Diagnosis | null {
  const code = recentCode(facts, "commit_block") ?? StatusCode.Success;
  const trouble = code === StatusCode.Success || code === StatusCode.ProposalTooHigh
    ? facts.syncTrouble
    : code;
  if (trouble === null) return null;
  const what = `a decided block cannot be committed: ${statusName(trouble)}`;
  const isDisk = trouble === StatusCode.StoreError || trouble === StatusCode.LoadError;
  return isDisk
    ? { reason: "disk", sentence: `${what}, the disk may be full or broken` }
    : { reason: "commit_fails", sentence: what };
}

function behind({ ahead, height }: StallFacts): Diagnosis | null {
  if (ahead === null) return null;
  const what = `this node is ${ahead.height - height} blocks behind node(0x${ahead.address}) at ` +
    `height ${ahead.height}`;
  const how = ahead.bufferedCount > 0
    ? `${ahead.bufferedCount} of its blocks are waiting to be applied`
    : "no blocks come from it";
  return { reason: "behind", sentence: `${what}, ${how}` };
}

/** Only a node that is a validator itself must see the others. */
function noQuorum({ validators, quorumCount, isValidator }: StallFacts): Diagnosis | null {
  const missing = validators.filter(({ isReachable }) => !isReachable);
  const reachableCount = validators.length - missing.length;
  if (!isValidator || reachableCount >= quorumCount) return null;
  const sentence = `${reachableCount} of ${validators.length} validators are connected, ` +
    `${quorumCount} are needed; not connected: ${listed(missing)}`;
  return { reason: "no_quorum", sentence };
}

function readOnly({ validators, isValidator }: StallFacts): Diagnosis | null {
  if (isValidator) return null;
  const missing = validators.filter(({ isReachable }) => !isReachable);
  const connected = `${validators.length - missing.length} of ${validators.length} are connected`;
  const sentence = "this node is no validator and waits for blocks of the validators, " +
    (missing.length === 0 ? connected : `${connected}; not connected: ${listed(missing)}`);
  return { reason: "read_only", sentence };
}

function consensusSilent({ calls, patienceMs }: StallFacts): Diagnosis | null {
  const ages = CONSENSUS_CALLS.flatMap((call) => calls[call]?.ageMs ?? []);
  const youngestMs = Math.min(...ages);
  if (youngestMs < patienceMs) return null;
  const since = ages.length === 0 ? "since the start" : `for ${seconds(youngestMs)}`;
  return {
    reason: "consensus_silent",
    sentence: `consensus answers but has not asked for a block ${since}: its log says more`,
  };
}

function proposalRefused(facts: StallFacts): Diagnosis | null {
  const own = recentCode(facts, "get_proposal") ?? StatusCode.Success;
  if (own !== StatusCode.Success && own !== StatusCode.NoTransaction) {
    return {
      reason: "proposal_refused",
      sentence: `this node cannot propose a block: ${statusName(own)}`,
    };
  }
  const other = recentCode(facts, "check_proposal") ?? StatusCode.Success;
  if (other === StatusCode.Success) return null;
  return {
    reason: "proposal_refused",
    sentence: `this node refuses the proposals of others: ${statusName(other)}`,
  };
}

/** The code of the last call, unless that was about an earlier block. */
function recentCode(
  { calls, standstillMs }: StallFacts,
  call: keyof StallFacts["calls"],
): StatusCode | null {
  const last = calls[call];
  return last === null || last.ageMs >= standstillMs ? null : last.code;
}

function listed(validators: readonly ValidatorView[]): string {
  const names = validators.slice(0, NAMES_MAX).map(({ address, height }) =>
    height === null ? `0x${address}` : `0x${address} (last seen at height ${height})`
  );
  const more = validators.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
