import {
  encodeLeaderVote,
  MessageType,
  Step as RoundStep,
} from "../../../services/consensus/bft/core/messages.ts";
import { type Cut, GOOD_LINKS } from "../network.ts";
import type { Trouble } from "./script.ts";
import { type SimNet, STORED, type Watcher } from "./sim_net.ts";
import type { SimNode } from "./sim_node.ts";
import { NO_FAULTS, type NodeFaults } from "./validator.ts";

/** Ends a trouble. */
export type End = () => void;

/** The session of a peer that validates nothing. */
const STRANGER_ORIGIN = 99n;

const FORGERY_MS_MIN = 50;
const FORGERY_MS_MAX = 1_000;

/** Lets a trouble begin. */
export function begin(net: SimNet, trouble: Trouble): End {
  switch (trouble.kind) {
    case "lines":
      net.network.faults = trouble.faults;
      return () => net.network.faults = GOOD_LINKS;
    case "split":
      return cut(net, (from, to) => isSplit(trouble.groups, from, to));
    case "cut":
      return cut(net, (from, to) => from === trouble.from && to === trouble.to);
    case "silence":
      return silence(net, trouble);
    case "forgery":
      return forge(net);
    default: {
      const node = net.nodes[trouble.node];
      return node === undefined ? () => {} : beginAt(node, trouble);
    }
  }
}

/** When an order of the controller comes a second time: some blocks too late. */
const LATE_ORDER_MS = 10_000;

type NodeTrouble = Exclude<
  Trouble,
  { readonly kind: "lines" | "split" | "cut" | "silence" | "forgery" }
>;

function beginAt(node: SimNode, trouble: NodeTrouble): End {
  switch (trouble.kind) {
    case "crash":
      node.dieAt(trouble);
      return () => {
        node.dieAt(null);
        if (!node.isAlive) node.start();
      };
    case "pause":
      node.pause();
      return () => node.resume();
    case "clock":
      node.setClock(trouble.speed, trouble.leapMs);
      return () => node.setClock(1, 0);
    case "calls":
      return spoilCalls(node, { callFailureRate: trouble.failureRate, callMsMax: trouble.msMax });
    case "controller": {
      const end = spoilCalls(node, { callFailureRate: 1 });
      return () => {
        end();
        const order = { kind: "reconfigure", configuration: node.model.configuration } as const;
        node.post(order);
        node.options.world.schedule(LATE_ORDER_MS, () => node.post(order));
      };
    }
  }
}

function cut({ network }: SimNet, isCut: Cut): End {
  network.cuts.add(isCut);
  return () => network.cuts.delete(isCut);
}

/** Nodes without a group, the traitors, reach everyone. */
function isSplit(groups: readonly number[], from: number, to: number): boolean {
  const left = groups[from];
  const right = groups[to];
  return left !== undefined && right !== undefined && left !== right;
}

/** Those that have not heard of the decision must come to it by themselves. */
function silence(net: SimNet, { node, at }: Extract<Trouble, { readonly kind: "silence" }>): End {
  const isCut: Cut = (from, to) => from === node || to === node;
  const fatal = at === "telling" ? MessageType.LeaderPrecommit : STORED;
  const watch: Watcher = (who, what) => {
    if (who === node && what === fatal) net.network.cuts.add(isCut);
  };
  net.watchers.add(watch);
  return () => {
    net.watchers.delete(watch);
    net.network.cuts.delete(isCut);
  };
}

function spoilCalls(node: SimNode, faults: Partial<NodeFaults>): End {
  node.faults = { ...NO_FAULTS, ...faults };
  return () => node.faults = NO_FAULTS;
}

function forge({ nodes, world }: SimNet): End {
  let isOver = false;
  const forgeOnce = () => {
    if (isOver) return;
    const node = nodes[world.between(0, nodes.length - 1)];
    const view = node?.core?.view;
    if (view !== undefined) {
      const { height, round } = view;
      const vote = { height, round, step: RoundStep.Prevote, hash: null, votes: [] };
      const news = { type: MessageType.LeaderPrevote, body: encodeLeaderVote(vote) };
      node?.post({ kind: "message", origin: STRANGER_ORIGIN, ...news });
    }
    world.schedule(world.between(FORGERY_MS_MIN, FORGERY_MS_MAX), forgeOnce);
  };
  forgeOnce();
  return () => isOver = true;
}
