import type { ServiceMetrics } from "../../../shared/service/mod.ts";
import { isJoint } from "./core/conf_change.ts";
import { NO_NODE } from "./core/messages.ts";
import type { RaftView } from "./core/raft.ts";
import type { RaftNode } from "./node/node.ts";

/** Shows what a node of the group is doing (docs/raft.md). */
export function showNode(metrics: ServiceMetrics, node: RaftNode): void {
  const read = (value: (raft: RaftView) => number | bigint | boolean) => () =>
    node.raft === null ? null : Number(value(node.raft));
  metrics.addGauges({
    height: ["Height that is being decided", read(() => node.height + 1n)],
    term: ["Term of raft: each election begins one", read(({ term }) => term)],
    is_leader: ["Whether this node orders the blocks", read(({ role }) => role === "leader")],
    has_leader: ["Whether it knows who does", read(({ leader }) => leader !== NO_NODE)],
    is_validator: ["Whether this node votes", read(({ isVoter }) => isVoter)],
    validators: ["Nodes that do", read(({ members }) => members.voters.size)],
    changing_members: [
      "Whether the validators are being changed",
      read(({ members }) => isJoint(members)),
    ],
    last_index: ["Index of the last entry of the log", read(({ log }) => log.lastIndex)],
    committed_index: ["Index of the last entry that is decided", read(({ log }) => log.committed)],
    applied_index: ["Index of the last one whose block is stored", read(({ applied }) => applied)],
  });
}
