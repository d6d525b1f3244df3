/**
 * What can go wrong in a group at an instant.
 *
 * @module
 */

import type { Dice } from "../dice.ts";
import { GOOD_LINKS } from "../network.ts";
import { idOf, type RaftNet } from "./raft_net.ts";
import type { RaftNode } from "./raft_node.ts";

/** Something that goes wrong; the dice say how. */
export type Misfortune = (net: RaftNet, dice: Dice) => void;

/** Longest time that a process stands still, and that it is down. */
const PAUSE_MS_MAX = 5_000;
const DOWN_MS_MAX = 3_000;

/** Against an election time of 2 s. */
const PROPOSAL_MS_MAX = 5_000;

/** Time in which a voter may crash while others campaign, and in which a leader is overthrown. */
const RIVALRY_MS = 300;

/** By their names. */
export const MISFORTUNES: Readonly<Record<string, Misfortune>> = {
  crash: ({ nodes }, dice) => dice.pick(nodes).crash(),
  "crash of all": crashAll,
  pause: ({ nodes }, dice) => dice.pick(nodes).pause(dice.between(100, PAUSE_MS_MAX)),
  partition: ({ nodes, network }, dice) =>
    nodes.forEach((_, index) => network.groupOf.set(index, dice.between(0, 1))),
  "one-way cut": cutOneWay,
  rivalry: rival,
  overthrow,
  "hand-over": handOver,
  replay: (net) => net.replay(),
  reconnection: (net) => net.reconnect(),
};

/** Names of those that happen at any time; the more often one is here, the more often it does. */
export const LIKELY: readonly string[] = [
  ...Object.keys(MISFORTUNES),
  "overthrow",
  "reconnection",
];

/**
 * Voters that are to come and those that are to go do not reach each other for a while, and some of
 * either side campaign.
 */
export function divideGenerations(net: RaftNet, dice: Dice): void {
  const { nodes, network, wanted } = net;
  for (const index of nodes.keys()) {
    const isNew = wanted.includes(index) && dice.chance(0.9);
    network.groupOf.set(index, isNew ? 0 : 1);
  }
  for (const node of nodes) {
    net.beforeHealing(dice.between(0, 2 * RIVALRY_MS), () => {
      if (dice.chance(0.5)) restart(node);
      node.feed((core) => core.campaign());
    });
  }
}

/**
 * A minority is heard no more, the leader or whoever knows most after it; others lose what they
 * have not synced, and one of them takes over at once.
 */
export function overthrow(net: RaftNet, dice: Dice): void {
  const { nodes, network, wanted } = net;
  net.reconnect();
  const leader = leaderOf(nodes);
  const others = wanted.filter((index) => index !== leader);
  const lastTerm = (index: number) => nodes[index]?.core?.view.log.lastTerm ?? 0n;
  const lastIndex = (index: number) => nodes[index]?.core?.view.log.lastIndex ?? 0n;
  const lost = new Set([dice.chance(0.5) ? leader : indexOfMax(others, lastIndex)]);
  const lostMax = dice.between(1, Math.max(1, (wanted.length - 1) >> 1));
  while (lost.size < lostMax) lost.add(dice.pick(wanted));
  for (const [index, node] of nodes.entries()) {
    if (lost.has(index)) network.groupOf.set(index, 1);
    else if (dice.chance(0.4)) restart(node);
  }
  // rather one that was about to lead before: what only it has may undo what others have
  const heir = dice.chance(0.5) ? dice.pick(wanted) : indexOfMax(others, lastTerm);
  net.beforeHealing(dice.between(0, RIVALRY_MS), () => {
    nodes[heir]?.feed((core) => core.campaign());
  });
}

/**
 * Cuts links, of one direction or of both, but none within a majority of the voters; mostly the
 * leader is not of it. Another voter that stands for election without a question hears everyone: if
 * it were deaf, it could depose one leader after the other, which nobody can help.
 */
export function cutPartly({ nodes, network, wanted, bluntVoters }: RaftNet, dice: Dice): void {
  const leader = leaderOf(nodes);
  const isLeaderOut = dice.chance(0.7);
  const rank = (index: number) => dice.random() + (index === leader && isLeaderOut ? 1 : 0);
  const ranked = wanted.map((index) => ({ index, rank: rank(index) }))
    .sort((left, right) => left.rank - right.rank);
  const majority = new Set(ranked.slice(0, (wanted.length >> 1) + 1).map(({ index }) => index));
  const rate = dice.random();
  const hearing = bluntVoters.filter((index) => index !== leader);
  const isCut = nodes.map((_, from) =>
    nodes.map((_, to) =>
      !(majority.has(from) && majority.has(to)) && !hearing.includes(to) && dice.chance(rate)
    )
  );
  network.cuts.add((from, to) => isCut[from]?.[to] === true);
}

/** Every proposal takes its time on every link, up to some election times; messages keep their order. */
export function slowDown(net: RaftNet, dice: Dice): void {
  net.network.faults = { ...GOOD_LINKS, delayMsMax: GOOD_LINKS.delayMsMin };
  net.proposalMs = dice.between(1, PROPOSAL_MS_MAX);
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

function crashAll({ nodes }: RaftNet, dice: Dice): void {
  if (dice.chance(0.3)) { for (const node of nodes) node.crash(); }
}

/** One node hears some others no more, but is heard by them. */
function cutOneWay({ nodes, network }: RaftNet, dice: Dice): void {
  const deaf = dice.between(0, nodes.length - 1);
  const silent = new Set([...nodes.keys()].filter(() => dice.chance(0.5)));
  network.cuts.add((from, to) => to === deaf && silent.has(from));
}

/** Some campaign at the same time, and one voter may crash in the midst of it. */
function rival(net: RaftNet, dice: Dice): void {
  const { nodes } = net;
  for (const node of nodes) if (dice.chance(0.5)) node.feed((core) => core.campaign());
  if (dice.chance(0.5)) return;
  const voter = dice.pick(nodes);
  net.beforeHealing(dice.between(0, RIVALRY_MS), () => voter.crash());
}

function handOver({ nodes }: RaftNet, dice: Dice): void {
  const to = idOf(dice.between(0, nodes.length - 1));
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
