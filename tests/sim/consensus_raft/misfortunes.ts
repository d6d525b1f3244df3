/**
 * What can go wrong in a group at an instant.
 *
 * @module
 */

import type { World } from "../world.ts";
import { idOf, type RaftNet } from "./raft_net.ts";
import type { RaftNode } from "./raft_node.ts";

type Misfortune = (net: RaftNet) => void;

/** Longest time that a process stands still, and that it is down. */
const PAUSE_MS_MAX = 5_000;
const DOWN_MS_MAX = 3_000;

/** Time in which a voter may crash while others campaign. */
const RIVALRY_MS = 300;

/** The more often one is named, the more often it happens. */
const MISFORTUNES: readonly Misfortune[] = [
  ({ world, nodes }) => pick(world, nodes).crash(),
  crashAll,
  ({ world, nodes }) => pick(world, nodes).pause(world.between(100, PAUSE_MS_MAX)),
  ({ world, nodes, network }) =>
    nodes.forEach((_, index) => network.groupOf.set(index, world.between(0, 1))),
  cutOneWay,
  cutOffLeader,
  rival,
  rival,
  handOver,
  (net) => net.replay(),
  reconnect,
  reconnect,
];

/** Lets one of them happen. */
export function disturb(net: RaftNet): void {
  pick(net.world, MISFORTUNES)(net);
}

/** A node that crashed comes back, mostly while messages to what it was are still on their way. */
export function restartLater({ world }: RaftNet, node: RaftNode): void {
  const delayMs = world.chance(0.5) ? 0 : world.between(0, DOWN_MS_MAX);
  world.schedule(delayMs, () => {
    if (node.core === null) node.start();
  });
}

function crashAll({ world, nodes }: RaftNet): void {
  if (world.chance(0.3)) { for (const node of nodes) node.crash(); }
}

/** Some nodes are heard by one no more, but hear it. */
function cutOneWay({ world, nodes, cuts }: RaftNet): void {
  const to = world.between(0, nodes.length - 1);
  for (const from of nodes.keys()) if (world.chance(0.5)) cuts.add(`${from}>${to}`);
}

function cutOffLeader({ nodes, network }: RaftNet): void {
  network.groupOf.set(nodes.findIndex(({ isLeader }) => isLeader), 1);
}

/** Some campaign at the same time, and one voter may crash in the midst of it. */
function rival({ world, nodes }: RaftNet): void {
  for (const node of nodes) if (world.chance(0.5)) node.feed((core) => core.campaign());
  if (world.chance(0.5)) return;
  const voter = pick(world, nodes);
  world.schedule(world.between(0, RIVALRY_MS), () => voter.crash());
}

function handOver({ world, nodes }: RaftNet): void {
  const to = idOf(world.between(0, nodes.length - 1));
  for (const node of nodes) if (node.isLeader) node.feed((core) => core.transferLeadership(to));
}

function reconnect({ network, cuts }: RaftNet): void {
  network.groupOf.clear();
  cuts.clear();
}

function pick<Item>(world: World, items: readonly Item[]): Item {
  const item = items[world.between(0, items.length - 1)];
  if (item === undefined) throw new Error("There is nothing to pick from");
  return item;
}
