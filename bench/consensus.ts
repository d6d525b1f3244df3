/**
 * What a block costs consensus as the number of validators grows: messages and their bytes, the size
 * of the proof, and processor time with the signatures of both suites and with fake ones. Whole
 * groups run in this process, on a virtual clock and a network without faults. The baseline of
 * counts is the smallest group; that of times is the bare check of a signature in the same run.
 *
 * @module
 */

import { u64be } from "../shared/bytes/mod.ts";
import { loadSuite } from "../shared/crypto/mod.ts";
import { MessageType } from "../services/consensus/bft/core/messages.ts";
import { FAKE_CRYPTO } from "../services/consensus/testing/fake_crypto.ts";
import { fakeValidators } from "../tests/sim/quiet/fake_validators.ts";
import type { Delivery } from "../tests/sim/quiet/quiet_bft.ts";
import {
  type BftCost,
  BLOCKS,
  type GroupCost,
  runBft,
  runRaft,
  type Signatures,
  suiteSignatures,
} from "./consensus_groups.ts";
import { printGrid, showRatio } from "./table.ts";

const BFT_SIZES = [4, 7, 13, 22, 31];
const RAFT_SIZES = [3, 5, 7];

/** Signatures to check for the baseline of times. */
const CHECKS = 200;

function bytesOf(deliveries: GroupCost["deliveries"]): number {
  return deliveries.reduce((sum, { bodySize }) => sum + bodySize, 0);
}

/** Messages and bytes of a block, each with its growth per node. */
function printTotals(flavour: string, costs: readonly GroupCost[]): void {
  const quantities = [
    ({ deliveries }: GroupCost) => deliveries.length / BLOCKS,
    ({ deliveries }: GroupCost) => bytesOf(deliveries) / BLOCKS,
  ];
  printGrid(
    `${flavour}: messages and bytes of a block`,
    ["nodes", "messages", "per node", "growth", "bytes", "per node", "growth"],
    costs.map((cost) => {
      const columns = quantities.flatMap((valueOf) => {
        const perNode = (cost: GroupCost) => valueOf(cost) / cost.size;
        return [valueOf(cost), perNode(cost), showRatio(perNode(cost) / perNode(costs[0] ?? cost))];
      });
      return [cost.size, ...columns];
    }),
  );
}

function printKinds(flavour: string, costs: readonly GroupCost[]): void {
  const types = [...new Set(costs.flatMap(({ deliveries }) => deliveries.map(({ type }) => type)))];
  printGrid(
    `${flavour}: messages and bytes of a block by kind`,
    ["nodes", ...types.flatMap((type) => [type, "bytes"])],
    costs.map(({ size, deliveries }) => [
      size,
      ...types.flatMap((type) => {
        const some = deliveries.filter((one) => one.type === type);
        return [some.length / BLOCKS, bytesOf(some) / BLOCKS];
      }),
    ]),
  );
}

/** The middle of some times: what other processes do in between does not count. */
function median(times: readonly number[]): number {
  return times.toSorted((left, right) => left - right)[times.length >> 1] ?? NaN;
}

/** Microseconds to check one signature and nothing else. */
function checkUs({ crypto, validators }: Signatures): number {
  const hash = crypto.hash(u64be(1n));
  const [validator] = validators(1);
  const times = Array.from({ length: CHECKS }, () => {
    const signature = validator?.sign(hash) ?? hash;
    const startMs = performance.now();
    crypto.recover(hash, signature);
    return performance.now() - startMs;
  });
  return median(times) * 1_000;
}

/** Microseconds of the core that gets a message of a type. */
function messageUs(deliveries: readonly Delivery[], type: MessageType): number {
  return median(deliveries.filter((one) => one.type === type).map(({ cpuMs }) => cpuMs)) * 1_000;
}

/** Time of a leader for a vote, of a follower for a vote in a quorum, of all for a block. */
function printTimes(signatures: Signatures, costs: readonly BftCost[]): void {
  const bareUs = checkUs(signatures);
  const withRatio = (us: number) => [us, showRatio(us / bareUs)];
  const bare = `a bare check of a signature takes ${bareUs.toFixed(1)}`;
  printGrid(
    `bft with ${signatures.name}: microseconds of the core, and ratios (${bare})`,
    [
      "nodes",
      "prevote, by leader",
      "",
      "vote in lprevote, by follower",
      "",
      "block, by a node",
      "",
    ],
    costs.map(({ size, deliveries }) => {
      const quorum = Math.floor((2 * size) / 3) + 1;
      const types = Object.values(MessageType).filter((type) => type !== MessageType.NewView);
      const followers = size - 1;
      const blockUs = types.reduce((sum, type) => sum + messageUs(deliveries, type) * followers, 0);
      return [
        size,
        ...withRatio(messageUs(deliveries, MessageType.Prevote)),
        ...withRatio(messageUs(deliveries, MessageType.LeaderPrevote) / quorum),
        ...withRatio(blockUs / size),
      ];
    }),
  );
}

const fake = { name: "fake signatures", crypto: FAKE_CRYPTO, validators: fakeValidators };
const sm = suiteSignatures(await loadSuite("sm"));
const eth = suiteSignatures(await loadSuite("eth"));
for (const signatures of [fake, sm, eth]) {
  runBft(signatures, 7); // code is slow until it has run for a while
  const costs = BFT_SIZES.map((size) => runBft(signatures, size));
  const flavour = `bft with ${signatures.name}`;
  if (signatures !== fake) {
    printTotals(flavour, costs);
    printKinds(flavour, costs);
    const proofs = costs.map(({ size, proofSize }) => [size, proofSize, proofSize / size]);
    printGrid(`${flavour}: bytes of a proof`, ["nodes", "bytes", "per node"], proofs);
  }
  printTimes(signatures, costs);
}
const raft = RAFT_SIZES.map(runRaft);
printTotals("raft", raft);
printKinds("raft", raft);
printGrid(
  "raft: microseconds of all cores for a message",
  ["nodes", "time"],
  raft.map(({ size, messageUs }) => [size, messageUs]),
);
