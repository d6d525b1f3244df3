/** Two nodes over a bad network: in the end there is one connection, and it stays. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { seededRandom } from "../../../../shared/clock/mod.ts";
import { ReferenceNeighbour } from "../testing/reference_neighbour.ts";
import { type VirtualEnd, type VirtualNode, VirtualPair } from "../testing/virtual_pair.ts";
import { Neighbours } from "./neighbours.ts";

const REDIAL_MS = 5_000;

/** Times of redialling after which the pair must be connected, however it was before. */
const REDIALS_MAX = 6;

function ours(domain: string, other: string): VirtualNode {
  return {
    domain,
    tickMs: 100,
    create(nowMs) {
      const machine = new Neighbours<VirtualEnd>({ ownDomains: [domain], redialMs: REDIAL_MS });
      machine.add({ host: "h", port: 1, domain: other }, nowMs);
      return machine;
    },
  };
}

function reference(domain: string, other: string): VirtualNode {
  const peer = { host: "h", port: 1, domain: other };
  return { domain, tickMs: 5, create: () => new ReferenceNeighbour(peer, REDIAL_MS) };
}

/** What happens to the pair, and how long until the next thing. */
const FAULTS = ["none", "cut", "unreachable", "restart a", "restart b"] as const;
const DEAF_FAULTS = [...FAULTS, "a is deaf", "b is deaf"] as const;

function inflict(pair: VirtualPair, fault: typeof DEAF_FAULTS[number]): void {
  if (fault === "unreachable") pair.isReachable = false;
  if (fault === "cut") pair.cut();
  if (fault === "a is deaf") pair.cut(0);
  if (fault === "b is deaf") pair.cut(1);
  if (fault === "restart a") pair.restart(0);
  if (fault === "restart b") pair.restart(1);
}

function testPair(
  title: string,
  nodes: readonly [VirtualNode, VirtualNode],
  faults: readonly typeof DEAF_FAULTS[number][],
): void {
  Deno.test(title, () => {
    const fault = fc.record({
      fault: fc.constantFrom(...faults),
      pauseMs: fc.oneof(fc.integer({ max: 50, min: 0 }), fc.integer({ min: 0, max: 12_000 })),
    });
    const run = { seed: fc.integer(), latencyMs: fc.integer({ min: 1, max: 150 }) };
    const property = fc.property(
      fc.record({ ...run, faults: fc.array(fault, { maxLength: 8 }) }),
      ({ seed, latencyMs, faults }) => {
        const pair = new VirtualPair(nodes, { latencyMs, random: seededRandom(seed) });
        for (const { fault, pauseMs } of faults) {
          inflict(pair, fault);
          pair.run(pauseMs);
          pair.isReachable = true;
        }
        pair.run(REDIALS_MAX * REDIAL_MS);
        assert(pair.isWhole, "both have the same connection");
        const { connectionCount } = pair;
        pair.run(10 * REDIAL_MS);
        assert(pair.isWhole, "and keep it");
        assert.equal(pair.connectionCount, connectionCount, "without another dial");
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });
}

testPair(
  "Neighbours of two nodes come to one connection",
  [ours("a.test", "b.test"), ours("b.test", "a.test")],
  DEAF_FAULTS,
);

testPair(
  "Neighbours and the reference come to one connection, when ours is the lesser",
  [ours("a.test", "b.test"), reference("b.test", "a.test")],
  FAULTS,
);

testPair(
  "Neighbours and the reference come to one connection, when ours is the greater",
  [ours("b.test", "a.test"), reference("a.test", "b.test")],
  FAULTS,
);
