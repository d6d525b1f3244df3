import assert from "node:assert/strict";
import { type Message, MessageType } from "../core/messages.ts";
import { idOf, NodeGroup, validatorsOf } from "../testing/node_group.ts";

const LATENCY_MS = 5;
const RUN_MS = 300_000;

/** How much of what the links carry must become blocks. */
const SHARE = 0.7;

/** A group in which a block takes its time on the links of some nodes; elsewhere it takes none. */
interface Links {
  readonly count: number;
  readonly slow: readonly number[];
  /** Against an election time of a second. */
  readonly blockMs: number;
  /** Whether heartbeats wait for the blocks before them. */
  readonly isQueueing: boolean;
}

const LINKS: Readonly<Record<string, Links>> = {
  "2 election times on all links": {
    count: 3,
    slow: [0, 1, 2],
    blockMs: 2_000,
    isQueueing: true,
  },
  "5 election times on all links": {
    count: 3,
    slow: [0, 1, 2],
    blockMs: 5_000,
    isQueueing: true,
  },
  "2 election times to half of the group": {
    count: 4,
    slow: [2, 3],
    blockMs: 2_000,
    isQueueing: true,
  },
  "5 election times to half of the group, with heartbeats in time": {
    count: 4,
    slow: [2, 3],
    blockMs: 5_000,
    isQueueing: false,
  },
};

/** The time that a message takes on links which carry one after the other. */
function delays(
  { slow, blockMs, isQueueing }: Links,
  group: NodeGroup,
): (message: Message) => number {
  const slowIds = new Set(slow.map(idOf));
  const freeAtMs = new Map<string, number>();
  return ({ from, to, msgType, entries }) => {
    if (!isQueueing && msgType === MessageType.HEARTBEAT) return LATENCY_MS;
    const link = `${from} ${to}`;
    const isBlock = entries.some(({ data }) => data.length > 0);
    const isSlow = isBlock && (slowIds.has(from) || slowIds.has(to));
    const startMs = Math.max(group.nowMs, freeAtMs.get(link) ?? 0);
    const endMs = startMs + (isSlow ? blockMs : 0);
    freeAtMs.set(link, endMs);
    return endMs - group.nowMs + LATENCY_MS;
  };
}

for (const [what, links] of Object.entries(LINKS)) {
  Deno.test(`blocks come as fast as links carry them when one takes ${what}`, () => {
    const { count, blockMs } = links;
    const numbers = Array.from({ length: count }, (_, number) => number);
    const group = NodeGroup.started(count, new Map([[0n, validatorsOf(...numbers)]]));
    group.latencyMs = delays(links, group);
    group.run(RUN_MS);
    const least = SHARE * RUN_MS / blockMs;
    assert(group.height >= least, `height ${group.height} of ${least}`);
  });
}
