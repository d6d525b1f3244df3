import assert from "node:assert/strict";
import { fakeAddress } from "../../services/consensus/testing/fake_crypto.ts";
import { decodeLeaderVote, Step as RoundStep } from "../../services/consensus/bft/core/messages.ts";
import { betrayedShape, honestShape, runScript } from "./consensus_bft/chaos.ts";
import { scriptOf } from "./consensus_bft/planner.ts";
import type { NetShape, Script, Step } from "./consensus_bft/script.ts";
import { shrink } from "./consensus_bft/shrink.ts";
import { DEFECTS, isFound, violationOf } from "./consensus_bft/planted.ts";
import { keptScripts } from "./kept_scripts.ts";
import { type Cut, GOOD_LINKS } from "./network.ts";
import { allValidate, SimNet } from "./consensus_bft/sim_net.ts";

/** Heights that a net decides in chaos. */
const HEIGHTS = 15;

const MINUTE_MS = 60_000;
const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const SEED_COUNT = Number(Deno.env.get("SEEDS") ?? 100);
const SEEDS = Array.from({ length: SEED_COUNT }, (_, index) => FIRST_SEED + index);

/** Runs a net to a height and reports what its nodes logged when it does not get there. */
function expectHeight(net: SimNet, height: bigint, limitMs: number): void {
  assert(net.runToHeight(height, limitMs), `${net.height} of ${height}\n${net.report()}`);
}

/** Lets nets of successive seeds suffer; all of them have to decide and to recover. */
function survive(shapeOf: (seed: number) => NetShape): void {
  for (const seed of SEEDS) {
    try {
      runScript(scriptOf(seed, shapeOf(seed), HEIGHTS));
    } catch (cause) {
      throw new Error(`SEED=${seed} SEEDS=1 fails`, { cause });
    }
  }
}

Deno.test(`${SEED_COUNT} nets survive chaos from seed ${FIRST_SEED} on`, () => {
  survive(honestShape);
});

Deno.test(`${SEED_COUNT} nets survive chaos and as many traitors as they can bear`, () => {
  survive(betrayedShape);
});

Deno.test("one traitor more, and different blocks are decided: the checker sees it", () => {
  const isForked = (seed: number) => {
    const script = scriptOf(seed, { nodeCount: 4, traitorCount: 2 }, HEIGHTS);
    return violationOf(script, null)?.includes("decided another block") ?? false;
  };
  assert(SEEDS.some(isForked), "among so many nets some must fork");
});

// make sim-planted looks for the others
for (const defect of DEFECTS.filter(({ isRare }) => !isRare)) {
  Deno.test(`it is noticed when ${defect.name}`, () => {
    assert(SEEDS.some((seed) => isFound(defect, seed)), `by none of ${SEED_COUNT} nets`);
  });
}

for (const [name, script] of keptScripts<Script>("bft")) {
  Deno.test(`${name}: the shrunk script does harm with the mistake, and none without`, () => {
    const defect = DEFECTS.find((known) => known.name === script.defect) ?? null;
    assert.equal(violationOf(script, null), null);
    if (defect === null) return assert.equal(script.defect, null, "no such mistake is known");
    assert.equal(violationOf(script, defect)?.split("\n")[0], script.violation);
  });
}

Deno.test("shrink() leaves out and softens what a failure does not need", () => {
  const { steps, ...rest } = scriptOf(1, { nodeCount: 4 }, HEIGHTS);
  const [first, second] = steps.filter(({ kind }) => kind === "lines");
  assert(first !== undefined && second !== undefined);
  const isFound = (script: Script, { atMs }: Step) => script.steps.some((s) => s.atMs === atMs);
  const fails = (script: Script) => isFound(script, first) && isFound(script, second);
  const shrunk = shrink({ steps, ...rest }, fails);
  const mild = { forMs: 0, faults: GOOD_LINKS };
  assert.deepEqual(shrunk.steps, [first, second].map((step) => ({ ...step, ...mild })));
});

for (const nodeCount of [1, 2, 3, 4, 7]) {
  Deno.test(`${nodeCount} validators decide one block per interval, each in its turn (L12)`, () => {
    const net = new SimNet({ seed: nodeCount, nodeCount });
    net.start();
    const heights = 3 * nodeCount + 3;
    expectHeight(net, BigInt(heights), heights * 3_000 + 1_000);
    net.chains.checkChains(net.controllers);
    const proposers = net.controllers[0]?.blocks.map(({ data }) =>
      JSON.parse(new TextDecoder().decode(data)).proposer
    );
    const expected = Array.from({ length: heights }, (_, index) => (index + 1) % nodeCount);
    assert.deepEqual(proposers, expected);
  });
}

Deno.test("a block that one node alone decided is decided by all, in a later round (S3)", () => {
  const net = new SimNet({ seed: 9, nodeCount: 4 });
  // height 4 is led by 0, its round 1 by 1, which is the only one that is not locked
  let isLost = true;
  net.network.accepts = (from, to, { type, body }) => {
    const leaderVote = type.startsWith("l") ? decodeLeaderVote(body) : null;
    if (!isLost || from !== 0 || leaderVote?.height !== 4n) return true;
    return leaderVote.step === RoundStep.Prevote && to !== 1;
  };
  net.start();
  assert(net.world.runUntil(() => net.highest >= 4n, MINUTE_MS), net.report());
  assert.equal(net.height, 3n);
  net.network.groupOf.set(0, 1);
  net.runFor(MINUTE_MS);
  assert(net.highest > 4n, "three go on with the block that they are locked on");
  isLost = false;
  net.network.groupOf.clear();
  expectHeight(net, net.highest + 4n, 2 * MINUTE_MS);
  net.chains.checkChains(net.controllers);
  assert.equal(net.controllers[0]?.proofsReplaced, 1, "its own proof was of another round");
});

Deno.test("nodes in different rounds meet again (L4)", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const net = new SimNet({ seed, nodeCount: 4 });
    net.start();
    expectHeight(net, 2n, MINUTE_MS);
    // rounds pass, but no vote for a block gets through, and hardly a newview
    net.network.accepts = (_from, to, { type }) =>
      type === "newview" && (to === 0 || net.world.chance(0.3));
    net.runFor(10 * MINUTE_MS);
    net.network.accepts = () => true;
    const rounds = net.nodes.map(({ core }) => core?.view.round);
    const limitMs = 3 * MINUTE_MS;
    assert(net.runToHeight(net.highest + 2n, limitMs), `rounds ${rounds}\n${net.report()}`);
  }
});

Deno.test("three of four go on while one is down, which catches up after (L1)", () => {
  const net = new SimNet({ seed: 1, nodeCount: 4 });
  net.start();
  expectHeight(net, 2n, MINUTE_MS);
  net.nodes[3]?.crash();
  const before = net.highest;
  net.runFor(MINUTE_MS);
  assert(net.highest >= before + 12n, "at most one round change every fourth height");
  net.nodes[3]?.start();
  expectHeight(net, net.highest + 3n, MINUTE_MS);
});

Deno.test("a node that begins its heights long before the others is soon in step with them", () => {
  for (let aheadMs = 100; aheadMs < 2_900; aheadMs += 200) {
    const net = new SimNet({ seed: aheadMs, nodeCount: 4 });
    net.start();
    expectHeight(net, 2n, MINUTE_MS);
    const [early, other, lost] = net.nodes;
    assert(early !== undefined && other !== undefined);
    early.crash();
    const { highest } = net;
    assert(net.world.runUntil(() => net.highest > highest, net.world.nowMs + MINUTE_MS));
    net.runFor(2_900 - aheadMs);
    early.start();
    net.runFor(50);
    early.syncFrom(other);
    net.runFor(MINUTE_MS);
    // its vote is needed from now on, and no round may end before it comes
    lost?.crash();
    const first = net.highest + 1n;
    net.runFor(MINUTE_MS);
    for (const [index, { proof }] of early.model.blocks.entries()) {
      const height = BigInt(index + 1);
      if (height < first) continue;
      const wanted = height % 4n === 2n ? 1n : 0n;
      const text = `height ${height}, ${aheadMs} ms ahead\n${net.report()}`;
      assert.equal(decodeLeaderVote(proof)?.round, wanted, text);
    }
  }
});

Deno.test("two of four decide nothing; with a third the chain grows again (L2)", () => {
  const net = new SimNet({ seed: 2, nodeCount: 4 });
  net.start();
  expectHeight(net, 2n, MINUTE_MS);
  for (const index of [2, 3]) net.nodes[index]?.crash();
  net.runFor(1_000);
  const { highest } = net;
  net.runFor(10 * MINUTE_MS);
  assert(net.highest <= highest + 1n, "a block on its way may have been decided");
  const stuckAt = net.highest;
  net.nodes[2]?.start();
  const limitMs = net.world.nowMs + 2 * 45_000 + 10_000;
  assert(net.world.runUntil(() => net.highest > stuckAt, limitMs), net.report());
});

Deno.test("halves that do not reach each other decide nothing; together they do (L3)", () => {
  const net = new SimNet({ seed: 3, nodeCount: 4 });
  net.start();
  expectHeight(net, 2n, MINUTE_MS);
  for (const index of [2, 3]) net.network.groupOf.set(index, 1);
  net.runFor(MINUTE_MS);
  const stuckAt = net.highest;
  net.runFor(5 * MINUTE_MS);
  assert.equal(net.highest, stuckAt);
  net.network.groupOf.clear();
  expectHeight(net, stuckAt + 3n, 2 * MINUTE_MS);
  net.chains.checkChains(net.controllers);
});

Deno.test("a node that hears nobody but is heard disturbs no one, and catches up after", () => {
  const net = new SimNet({ seed: 10, nodeCount: 4 });
  net.start();
  expectHeight(net, 2n, MINUTE_MS);
  const isDeaf: Cut = (_from, to) => to === 3;
  net.network.cuts.add(isDeaf);
  const before = net.highest;
  net.runFor(2 * MINUTE_MS);
  assert(net.highest >= before + 20n, `${net.highest - before} heights in two minutes`);
  net.network.cuts.delete(isDeaf);
  expectHeight(net, net.highest + 3n, MINUTE_MS);
});

Deno.test("a process that stood still finds late timers and messages, and catches up (L9)", () => {
  for (const pauseMs of [500, 5_000, 120_000]) {
    const net = new SimNet({ seed: pauseMs, nodeCount: 4 });
    net.start();
    expectHeight(net, 2n, MINUTE_MS);
    const [node] = net.nodes;
    node?.pause();
    const before = net.highest;
    net.runFor(pauseMs);
    assert(pauseMs < MINUTE_MS || net.highest > before + 20n, "the others go on");
    node?.resume();
    expectHeight(net, net.highest + 4n, MINUTE_MS);
    net.chains.checkChains(net.controllers);
  }
});

Deno.test("clocks that run at other speeds, or leap ahead, cost no round (L9)", () => {
  const net = new SimNet({ seed: 11, nodeCount: 4 });
  const speeds = [0.8, 0.95, 1.1, 1.25];
  for (const [index, node] of net.nodes.entries()) node.setClock(speeds[index] ?? 1, 0);
  net.start();
  for (let height = 3n; height <= 30n; height += 3n) {
    expectHeight(net, height, MINUTE_MS);
    net.nodes[Number(height / 3n) % 4]?.setClock(speeds[Number(height) % 4] ?? 1, 3_600_000);
  }
  assert(net.world.nowMs < 30 * 3_000 * 1.25 + 10_000, `${net.world.nowMs} ms`);
});

Deno.test("all crash at once, again and again, and go on (S8)", () => {
  const net = new SimNet({ seed: 4, nodeCount: 4 });
  net.start();
  for (let crash = 0; crash < 30; crash++) {
    net.runFor(net.world.between(100, 4_000));
    for (const node of net.nodes) node.crash();
    for (const node of net.nodes) node.start();
  }
  expectHeight(net, net.highest + 3n, 2 * MINUTE_MS);
  net.chains.checkChains(net.controllers);
});

Deno.test("a crash at every single effect is survived by the same votes (S7)", () => {
  for (let effect = 1; effect < 60; effect++) {
    const net = new SimNet({ seed: 5, nodeCount: 4 });
    net.start();
    expectHeight(net, 1n, MINUTE_MS);
    const victim = net.nodes[effect % 4];
    assert(victim !== undefined);
    victim.dieAt({ at: "effect", countdown: effect, writtenShare: (effect % 5) / 4 });
    net.onCrash = (node) => net.world.schedule(100, () => node.start());
    expectHeight(net, 6n, 2 * MINUTE_MS);
    net.chains.checkChains(net.controllers);
  }
});

Deno.test("a node whose data folder was deleted comes back by itself (L14)", () => {
  const net = new SimNet({ seed: 6, nodeCount: 4 });
  net.start();
  expectHeight(net, 3n, MINUTE_MS);
  for (const node of net.nodes) {
    node.crash();
    node.disk.wipe();
    // not before the height is over at which its votes are forgotten
    net.runFor(7_000);
    node.start();
    net.runFor(7_000);
  }
  expectHeight(net, net.highest + 4n, 2 * MINUTE_MS);
});

Deno.test("a node with a damaged log follows, and votes again at the next height", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const net = new SimNet({ seed, nodeCount: 4 });
    net.start();
    net.runFor(3_000 + net.world.between(0, 6_000));
    const [node] = net.nodes;
    node?.crash();
    node?.disk.flipBit(net.world.random());
    node?.start();
    expectHeight(net, net.highest + 5n, 2 * MINUTE_MS);
  }
});

Deno.test("a slow commit is repeated and disturbs nobody (L10)", () => {
  const net = new SimNet({ seed: 7, nodeCount: 4 });
  const [slow] = net.nodes;
  assert(slow !== undefined);
  slow.faults = { ...slow.faults, callMsMax: 10_000 };
  net.start();
  net.runFor(5 * MINUTE_MS);
  assert(net.highest >= 60n, `${net.highest} heights in five minutes`);
});

Deno.test("the interval of the configuration counts from the next height on (L11)", () => {
  const intervals = [3, 3, 1, 1, 0, 0, 3];
  const { validators } = allValidate(4)(0n);
  const net = new SimNet({
    seed: 8,
    nodeCount: 4,
    schedule: (height) => ({ validators, intervalSeconds: intervals[Number(height)] ?? 3 }),
  });
  net.start();
  const timesMs: number[] = [];
  for (let height = 1n; height <= 8n; height++) {
    expectHeight(net, height, MINUTE_MS);
    timesMs.push(net.world.nowMs);
  }
  const spacings = timesMs.slice(1).map((timeMs, index) => timeMs - (timesMs[index] ?? 0));
  const wanted = [3_000, 3_000, 1_000, 1_000, 3_000, 3_000, 3_000];
  for (const [index, spacing] of spacings.entries()) {
    assert(Math.abs(spacing - (wanted[index] ?? 0)) < 300, `${spacings}`);
  }
});

Deno.test("validators come, go and change places; the new list decides at once (S10)", () => {
  const lists = [[0], [0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 3], [1, 2, 3, 4], [4], [0, 1, 2, 3, 4]];
  const heightsPerList = 4;
  for (let seed = 1; seed <= 10; seed++) {
    const net = new SimNet({
      seed,
      nodeCount: 5,
      schedule: (height) => {
        const list = lists[Math.floor(Number(height) / heightsPerList)] ?? lists.at(-1) ?? [];
        return { validators: list.map(fakeAddress), intervalSeconds: 3 };
      },
    });
    net.start();
    expectHeight(net, BigInt(lists.length * heightsPerList), 5 * MINUTE_MS);
    net.chains.checkChains(net.controllers);
  }
});
