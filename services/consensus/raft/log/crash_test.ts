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

/** What a node might record next, as raft allows it. */
function randomBatch(state: RaftState, random: Random): Operation[] {
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
        (_, i) => entry(term, first + BigInt(i), new Uint8Array(pick(9))),
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

async function run(files: CrashingFiles, seed: number, ledger: Ledger): Promise<void> {
  const random = seededRandom(seed);
  const file = await open(files);
  for (let i = 0; i < BATCHES; i++) {
    ledger.atHand = randomBatch(file.state, random);
    await file.append(ledger.atHand);
    ledger.acknowledged = file.state;
    ledger.atHand = [];
    await file.compactIfLarge();
  }
}

async function untilCrash(action: () => Promise<unknown>): Promise<void> {
  await assert.rejects(action(), Crash);
}

function allowedEssences({ acknowledged, atHand }: Ledger): string[] {
  return [acknowledged, applyOperations(acknowledged, atHand)].map(essenceOf);
}

async function checkCrashAt(seed: number, step: number, tear?: Tear): Promise<void> {
  const files = new CrashingFiles();
  if (tear !== undefined) files.tear = tear;
  const ledger: Ledger = { acknowledged: blankState(), atHand: [] };
  files.stepsLeft = step;
  await untilCrash(() => run(files, seed, ledger));
  // the restart may crash too
  files.stepsLeft = step % 60;
  await open(files).catch((error) => assert(error instanceof Crash));
  files.stepsLeft = Infinity;
  const reopened = await open(files);
  const place = `seed ${seed}, crash at step ${step}`;
  assert(allowedEssences(ledger).includes(essenceOf(reopened.state)), place);
  await reopened.append([hardStateOf(99n, 1n, 0n)]);
  assert.equal(essenceOf((await open(files)).state), essenceOf(reopened.state), place);
}

/** Crashes at every step of some runs. */
async function checkCrashes(seeds: number, tear?: Tear): Promise<void> {
  for (let seed = 1; seed <= seeds; seed++) {
    const whole = new CrashingFiles();
    await run(whole, seed, { acknowledged: blankState(), atHand: [] });
    assert(whole.contents.has("raft-wal-log.backup"), `seed ${seed} compacts`);
    for (let step = 0; step < whole.steps; step++) await checkCrashAt(seed, step, tear);
  }
}

Deno.test("whatever was acknowledged outlives a kill at any byte, cut and rename", () =>
  checkCrashes(6));

Deno.test("whatever was acknowledged outlives a loss of power that leaves pages empty", () =>
  checkCrashes(6, losingPages(seededRandom(1))));
