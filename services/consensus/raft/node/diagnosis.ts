import type { RaftCore } from "../core/raft.ts";
import { NO_NODE } from "../core/messages.ts";
import type { Machine } from "./machine.ts";
import { settledLeader, wantedChange } from "./membership.ts";

/** A chain that has not grown for so long, and two intervals, stands still. */
const QUIET_MS = 10_000;

/** Says again and again why there is no block, while there is none. */
export function explainQuiet(m: Machine): void {
  const { core, nowMs } = m;
  if (!mayBeValidator(m) || nowMs - m.quietSinceMs < QUIET_MS + 2 * m.intervalMs) return;
  m.quietSinceMs = nowMs;
  const reason = core === null
    ? "?: the own controller does not tell the configuration"
    : `${m.height + 1n}: ${explain(m, core)}`;
  m.log("warn", `no block at height ${reason}`);
}

/** Whoever is none misses nothing; a node without a log has yet to learn what it is. */
function mayBeValidator({ core, isConfigured, ownId, wanted }: Machine): boolean {
  if (core === null) return !isConfigured;
  return wanted.includes(ownId) || core.view.isVoter;
}

function explain(m: Machine, core: RaftCore): string {
  const { role, leader, members } = core.view;
  if (m.applyFailure !== "") return `the own controller does not take it: ${m.applyFailure}`;
  if (m.applying === "called") return "the own controller does not answer whether it takes it";
  if (role === "leader") return explainLeader(m, core);
  if (leader !== NO_NODE) return `${m.nameOf(leader)} leads and sends none`;
  if (members.voters.size === 0) return "this node has no log and waits for the one that leads";
  return explainElection(m, core);
}

function explainElection(m: Machine, { view }: RaftCore): string {
  const { votes, members } = view;
  const silent = [...members.voters].filter((id) => id !== m.ownId && votes.get(id) !== true);
  return `nobody leads, and no vote for this node came from: ${m.namesOf(silent)}`;
}

function explainLeader(m: Machine, core: RaftCore): string {
  const { log, applied, progress, members } = core.view;
  if (applied < log.lastIndex) {
    const lacking = [...members.voters, ...members.votersOutgoing].filter((id) =>
      (progress.get(id)?.matched ?? 0n) < log.lastIndex
    );
    return `this node leads, entry ${log.lastIndex} is not stored by: ${m.namesOf(lacking)}`;
  }
  if (settledLeader(m) === null) return "this node hands over leadership";
  if (wantedChange(m, core) !== null) {
    return "this node is to leave, and no validator has the whole log yet to lead in its place";
  }
  if (m.isFetching) return "this node leads and its controller has not given a proposal yet";
  return `this node leads and its controller gave no proposal: ${m.fetchFailure}`;
}
