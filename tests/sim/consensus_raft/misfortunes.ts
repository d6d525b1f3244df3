/**
 * What can go wrong in a group at an instant.
 *
 * @module
 */

import type { World } from "../world.ts";
import { idOf, type RaftNet } from "./raft_net.ts";
import type { RaftNode } from "./raft_node.ts";

export type Misfortune = (net: RaftNet) => void;

/** Longest time that a process stands still, and that it is down. */
const PAUSE_MS_MAX = 5_000;
const DOWN_MS_MAX = 3_000;

/** Time in which a voter may crash while others campaign, and in which a leader is overthrown. */
const RIVALRY_MS = 300;

/** The more often one is named, the more often it happens. */
const MISFORTUNES: readonly Misfortune[] = [
  ({ world, nodes }) => pick(world, nodes).crash(),
  crashAll,
  ({ world, nodes }) => pick(world, nodes).pause(world.between(100, PAUSE_MS_MAX)),
  ({ world, nodes, network }) =>
    nodes.forEach((_, index) => network.groupOf.set(index, world.between(0, 1))),
  cutOneWay,
  rival,
  overthrow,
  overthrow,
  handOver,
  (net) => net.replay(),
  (net) => net.reconnect(),
  (net) => net.reconnect(),
];

/** Lets one of them happen. */
export function disturb(net: RaftNet): void {
  pick(net.world, MISFORTUNES)(net);
}

/**
 * Voters that are to come and those that are to go do not reach each other for a while, and some of
 * either side campaign.
 */
export function divideGenerations(net: RaftNet): void {
  const { world, nodes, network, wanted } = net;
  for (const index of nodes.keys()) {
    const isNew = wanted.includes(index) && world.chance(0.9);
    network.groupOf.set(index, isNew ? 0 : 1);
  }
  for (const node of nodes) {
    net.beforeHealing(world.between(0, 2 * RIVALRY_MS), () => {
      if (world.chance(0.5)) restart(node);
      node.feed((core) => core.campaign());
    });
  }
}

/**
 * A minority is heard no more, the leader or whoever knows most after it; others lose what they
 * have not synced, and one of them takes over at once.
 */
export function overthrow(net: RaftNet): void {
  const { world, nodes, network, wanted } = net;
  net.reconnect();
  const leader = leaderOf(nodes);
  const others = wanted.filter((index) => index !== leader);
  const lastTerm = (index: number) => nodes[index]?.core?.view.log.lastTerm ?? 0n;
  const lastIndex = (index: number) => nodes[index]?.core?.view.log.lastIndex ?? 0n;
  const lost = new Set([world.chance(0.5) ? leader : indexOfMax(others, lastIndex)]);
  const lostMax = world.between(1, Math.max(1, (wanted.length - 1) >> 1));
  while (lost.size < lostMax) lost.add(pick(world, wanted));
  for (const [index, node] of nodes.entries()) {
    if (lost.has(index)) network.groupOf.set(index, 1);
    else if (world.chance(0.4)) restart(node);
  }
  // rather one that was about to lead before: what only it has may undo what others have
  const heir = world.chance(0.5) ? pick(world, wanted) : indexOfMax(others, lastTerm);
  net.beforeHealing(world.between(0, RIVALRY_MS), () => {
    nodes[heir]?.feed((core) => core.campaign());
  });
}

/** A node that crashed comes back, mostly while messages to what it was are still on their way. */
export function restartLater({ world }: RaftNet, node: RaftNode): void {
  const delayMs = world.chance(0.5) ? 0 : world.between(0, DOWN_MS_MAX);
  world.schedule(delayMs, () => {
    if (node.core === null) node.start();
  });
}

/** Crashes a node, which loses what it has not synced, and starts it at once. */
function restart(node: RaftNode): void {
  node.crash();
  if (node.core === null) node.start();
}

function crashAll({ world, nodes }: RaftNet): void {
  if (world.chance(0.3)) { for (const node of nodes) node.crash(); }
}

/** One node hears some others no more, but is heard by them. */
function cutOneWay({ world, nodes, network }: RaftNet): void {
  const deaf = world.between(0, nodes.length - 1);
  const silent = new Set([...nodes.keys()].filter(() => world.chance(0.5)));
  network.cuts.add((from, to) => to === deaf && silent.has(from));
}

/** Some campaign at the same time, and one voter may crash in the midst of it. */
function rival(net: RaftNet): void {
  const { world, nodes } = net;
  for (const node of nodes) if (world.chance(0.5)) node.feed((core) => core.campaign());
  if (world.chance(0.5)) return;
  const voter = pick(world, nodes);
  net.beforeHealing(world.between(0, RIVALRY_MS), () => voter.crash());
}

function handOver({ world, nodes }: RaftNet): void {
  const to = idOf(world.between(0, nodes.length - 1));
  for (const node of nodes) if (node.isLeader) node.feed((core) => core.transferLeadership(to));
}

/** Of all that think they lead, the one that does. */
function leaderOf(nodes: readonly RaftNode[]): number {
  const term = (index: number) => {
    const node = nodes[index];
    return node?.isLeader ? node.core?.view.term ?? 0n : 0n;
  };
  return indexOfMax([...nodes.keys()], term);
}

/** The first of the indexes with the highest value. */
function indexOfMax(indexes: readonly number[], valueOf: (index: number) => bigint): number {
  return indexes.reduce(
    (best, index) => valueOf(index) > valueOf(best) ? index : best,
    indexes[0] ?? 0,
  );
}

function pick<Item>(world: World, items: readonly Item[]): Item {
  const item = items[world.between(0, items.length - 1)];
  if (item === undefined) throw new Error("There is nothing to pick from");
  return item;
}
