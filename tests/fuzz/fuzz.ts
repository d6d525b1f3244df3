/**
 * Sends random and damaged requests to a compiled service and judges every answer by a model that
 * shares no code with it.
 *
 * @module
 */

import { HealthService } from "../../proto/gen/health.ts";
import { toHex } from "../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../shared/clock/mod.ts";
import { connectRaw, type RawClient, RpcFault } from "../../shared/rpc/mod.ts";
import { Player, withFolder } from "../e2e/recordings/player.ts";
import { residentBytes } from "../memory.ts";
import { freePort } from "../free_ports.ts";
import { type Answer, judgeAnswer, mutant, oneOf, type Target, type Trial } from "./target.ts";
import { decodeStrictly, type Schema } from "./wire.ts";

/** A run against one service. */
export interface FuzzOptions {
  readonly target: Target;
  readonly runs: number;
  readonly seed: number;
  readonly onProgress?: (runs: number) => void;
}

/** What came of it. */
export interface FuzzOutcome {
  readonly name: string;
  runs: number;
  /** How often each outcome came, by method. */
  readonly outcomes: Map<string, Map<string, number>>;
  readonly violations: string[];
  /** Memory of the process at the end. */
  residentBytes: number;
}

const CONCURRENCY = 64;
const DEADLINE_MS = 20_000;
const VIOLATIONS_MAX = 20;
/** Far above what a service needs that serves 64 callers, far below what leaks in a long run. */
const RESIDENT_BYTES_MAX = 600 * 1024 * 1024;

const HEALTH = HealthService.check.path;
const HEALTH_REQUEST: Schema = { 1: "string" };

/** Runs one target against its executable in bin/, and closes the target. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  const { target } = options;
  const outcome: FuzzOutcome = {
    name: target.name,
    runs: 0,
    outcomes: new Map(),
    violations: [],
    residentBytes: 0,
  };
  try {
    await withFolder((folder) => runInFolder(folder, options, outcome));
  } finally {
    await target.close();
  }
  return outcome;
}

async function runInFolder(
  folder: string,
  { target, runs, seed, onProgress }: FuzzOptions,
  outcome: FuzzOutcome,
): Promise<void> {
  for (const [name, text] of Object.entries(target.files ?? {})) {
    await Deno.writeTextFile(`${folder}/${name}`, text, { mode: 0o600 });
  }
  const { role, args } = target;
  const port = freePort();
  await using player = await Player.start({
    role,
    folder,
    config: target.config(port),
    port,
    ...(args === undefined ? {} : { args }),
  });
  const client = connectRaw({ port, deadlineMs: DEADLINE_MS });
  const random = seededRandom(seed);
  let waiting: Trial[] = [];
  try {
    if (target.first !== undefined) await tryOut(client, target.first(random), outcome);
    while (outcome.runs < runs && outcome.violations.length < VIOLATIONS_MAX && player.isRunning) {
      const left = Math.min(CONCURRENCY, runs - outcome.runs);
      while (waiting.length < left) waiting.push(nextTrial(target, random));
      const { batch, rest } = takeIndependent(waiting);
      waiting = rest;
      await Promise.all(batch.map((trial) => tryOut(client, trial, outcome)));
      onProgress?.(outcome.runs);
    }
  } finally {
    client.close();
  }
  outcome.residentBytes = residentBytes(player.pid);
  await judgeProcess(player, outcome);
}

function nextTrial(target: Target, random: Random): Trial {
  const method = oneOf(random, [HEALTH, ...target.methods]);
  return method === HEALTH ? healthTrial(random) : target.nextTrial(method, random);
}

function healthTrial(random: Random): Trial {
  const { bytes: request } = mutant(random, new Uint8Array());
  return {
    method: HEALTH,
    request,
    isMalformed: decodeStrictly(HEALTH_REQUEST, request) === null,
    places: () => [],
    judge: (answer) => toHex(answer) === "0801" ? null : `answered ${toHex(answer)}`,
    outcome: () => "serving",
  };
}

/** Trials that share no place, in their order, and those that have to wait for them. */
function takeIndependent(trials: readonly Trial[]): { batch: Trial[]; rest: Trial[] } {
  const taken = new Set<string>();
  const batch: Trial[] = [];
  const rest: Trial[] = [];
  for (const trial of trials) {
    const places = trial.places();
    const isFree = places.every((place) => !taken.has(place));
    for (const place of places) taken.add(place);
    (isFree ? batch : rest).push(trial);
  }
  return { batch, rest };
}

async function tryOut(client: RawClient, trial: Trial, outcome: FuzzOutcome): Promise<void> {
  const answer = await call(client, trial);
  const problem = judgeAnswer(trial, answer);
  outcome.runs += 1;
  const counts = outcome.outcomes.get(trial.method) ?? new Map<string, number>();
  outcome.outcomes.set(trial.method, counts);
  const name = "status" in answer ? `grpc ${answer.status}` : trial.outcome(answer.bytes);
  counts.set(name, (counts.get(name) ?? 0) + 1);
  if (problem === null) return;
  outcome.violations.push(`${trial.method} ${toHex(trial.request).slice(0, 2_000)}: ${problem}`);
}

async function call(client: RawClient, { method, request }: Trial): Promise<Answer> {
  try {
    return { bytes: await client.call(method, request) };
  } catch (error) {
    if (!(error instanceof RpcFault)) throw error;
    return { status: error.code, details: error.details };
  }
}

async function judgeProcess(player: Player, outcome: FuzzOutcome): Promise<void> {
  const { folder, role } = player.options;
  const log = await Deno.readTextFile(`${folder}/${role}.log`);
  if (log.includes("panicked")) outcome.violations.push(`panicked:\n${await player.logs()}`);
  if (!player.isRunning) outcome.violations.push(`the process ended:\n${await player.logs()}`);
  else if (await player.stop().catch(String) !== 0) {
    outcome.violations.push("the process did not stop cleanly");
  }
  if (outcome.residentBytes > RESIDENT_BYTES_MAX) {
    outcome.violations.push(`${outcome.residentBytes} bytes of memory in use at the end`);
  }
}
