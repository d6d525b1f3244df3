import assert from "node:assert/strict";
import { toHex } from "../../../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../../../shared/log/mod.ts";
import { Crash, CrashingFiles, losingPages, type Tear } from "../testing/crashing_files.ts";
import { entry, hardStateOf, snapshotRecord, votersOf } from "../testing/log_builders.ts";
import { blankState, type RaftState } from "../core/interface.ts";
import { encodeOperations, Kind, type Operation } from "./operation.ts";
import { RaftLogFile } from "./raft_log_file.ts";
import { applyOperations, compactOperations, lastIndexOf } from "./state.ts";

const BATCHES = 16;

function open(files: CrashingFiles): Promise<RaftLogFile> {
  return RaftLogFile.open({
    files,
    preservedMax: 2,
    compactLimit: 300n,
    allowCorruptTail: true,
    log: SILENT_LOGGER,
  });
}

/** All that a node has to remember, however much of what is applied it still has in memory. */
const essenceOf = (state: RaftState) => toHex(encodeOperations(compactOperations(state)));

/** How the process ends, and what it writes. */
interface Plan {
  readonly tear: Tear | null;
  /** Bytes of an entry. */
  readonly sizeMax: number;
  /** Steps between the crashes that are tried. */
  readonly stride: number;
}

/** What a node might record next, as raft allows it. */
function randomBatch(state: RaftState, random: Random, { sizeMax }: Plan): Operation[] {
  const pick = (max: number) => Math.floor(random() * max);
  const { hardState: { term, vote, commit }, applied } = state;
  const last = lastIndexOf(state);
  const between = (low: bigint, high: bigint) => low + BigInt(pick(Number(high - low) + 1));
  switch (pick(7)) {
    case 0:
      return [hardStateOf(term + 1n, BigInt(pick(3)), commit)];
    case 1: {
      const confState = { ...votersOf(1n, BigInt(pick(9))), votersOutgoing: [2n], autoLeave: true };
      return [{ kind: Kind.ConfState, confState }, { kind: Kind.BlockHeight, height: last }];
    }
    case 2: {
      const configuration = { height: last, blockInterval: pick(4), validators: [] };
      return [{ kind: Kind.Configuration, configuration }];
    }
    case 3:
      return [{ kind: Kind.Applied, index: between(applied, commit) }];
    case 4: {
      if (pick(4) > 0) return [hardStateOf(term, vote, between(commit, last))];
      return [snapshotRecord({ index: last + 2n, term }, votersOf(5n))];
    }
    default: {
      const first = between(commit, last) + 1n;
      const count = 1 + pick(3);
      const entries = Array.from(
        { length: count },
        (_, i) => entry(term, first + BigInt(i), new Uint8Array(pick(sizeMax)).fill(1)),
      );
      return [{ kind: Kind.Append, entries }, hardStateOf(term, vote, commit)];
    }
  }
}

/** What a run must have on disk: all that was acknowledged, and maybe the batch at hand. */
interface Ledger {
  acknowledged: RaftState;
  atHand: readonly Operation[];
}

/** A run of a process, from one start to the end. */
interface Run extends Ledger {
  readonly seed: number;
  readonly plan: Plan;
}

async function run(files: CrashingFiles, ledger: Run): Promise<void> {
  const random = seededRandom(ledger.seed);
  const file = await open(files);
  for (let i = 0; i < BATCHES; i++) {
    ledger.atHand = randomBatch(file.state, random, ledger.plan);
    await file.append(ledger.atHand);
    ledger.acknowledged = file.state;
    ledger.atHand = [];
    await file.compactIfLarge();
  }
}

const runOf = (seed: number, plan: Plan): Run => ({
  seed,
  plan,
  acknowledged: blankState(),
  atHand: [],
});

async function untilCrash(action: () => Promise<unknown>): Promise<void> {
  await assert.rejects(action(), Crash);
}

function allowedEssences({ acknowledged, atHand }: Ledger): string[] {
  return [acknowledged, applyOperations(acknowledged, atHand)].map(essenceOf);
}

async function checkCrashAt(step: number, ledger: Run): Promise<void> {
  const files = new CrashingFiles();
  files.tear = ledger.plan.tear ?? files.tear;
  files.stepsLeft = step;
  await untilCrash(() => run(files, ledger));
  // the restart may crash too
  files.stepsLeft = step % 60;
  await open(files).catch((error) => assert(error instanceof Crash));
  files.stepsLeft = Infinity;
  const reopened = await open(files);
  const place = `seed ${ledger.seed}, crash at step ${step}`;
  assert(allowedEssences(ledger).includes(essenceOf(reopened.state)), place);
  await reopened.append([hardStateOf(99n, 1n, 0n)]);
  assert.equal(essenceOf((await open(files)).state), essenceOf(reopened.state), place);
}

/** Crashes in the course of some runs. */
async function checkCrashes(seeds: number, plan: Plan): Promise<void> {
  for (let seed = 1; seed <= seeds; seed++) {
    const whole = new CrashingFiles();
    await run(whole, runOf(seed, plan));
    assert(whole.contents.has("raft-wal-log.backup"), `seed ${seed} compacts`);
    for (let step = 0; step < whole.steps; step += plan.stride) {
      await checkCrashAt(step, runOf(seed, plan));
    }
  }
}

Deno.test("whatever was acknowledged outlives a kill at any byte, cut and rename", () =>
  checkCrashes(6, { tear: null, sizeMax: 9, stride: 1 }));

Deno.test("whatever was acknowledged outlives a loss of power that leaves pages empty", () =>
  checkCrashes(8, { tear: losingPages(seededRandom(1)), sizeMax: 1_200, stride: 37 }));
