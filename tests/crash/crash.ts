/**
 * Kills the compiled storage again and again in the middle of its work and checks after each start
 * that it has what it acknowledged.
 *
 * @module
 */

import { serveFakeKms } from "../../services/storage/testing/fake_kms.ts";
import { type Random, seededRandom, SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { freePort } from "../free_ports.ts";
import { checkPlace, loadFrom, type Violation } from "./checker.ts";
import { History } from "./history.ts";
import { writeUntilKilled } from "./load.ts";
import { configure, type StorageClient, Victim, type VictimOptions } from "./victim.ts";

/** A run of the harness. */
export interface CrashOptions {
  readonly kills: number;
  readonly seed: number;
  /** The table of the storage to be killed. */
  readonly flavour: string;
  /** Told after every kill. */
  readonly onProgress?: (outcome: CrashOutcome) => void;
}

/** What came of it so far. */
export interface CrashOutcome {
  kills: number;
  /** Kills before the process had finished its start. */
  killsWhileStarting: number;
  acknowledged: number;
  refused: number;
  checked: number;
  readonly violations: Violation[];
}

const LOAD_MS_MAX = 600;
/** One kill of ten comes while the process recovers from the one before. */
const STARTING_SHARE = 0.1;
const START_MS_MAX = 350;
/** Places of earlier rounds that are looked at again in each round. */
const SAMPLED_PLACES = 150;
const CHECKED_AT_A_TIME = 32;
/** A run goes on after a violation to show whether there are more, but not for ever. */
const VIOLATIONS_MAX = 20;

/** Runs the harness; the folder of a run with violations is kept and named in the last of them. */
export async function runCrash(options: CrashOptions): Promise<CrashOutcome> {
  const { kills, seed, flavour, onProgress } = options;
  const folder = await Deno.makeTempDir({ prefix: "crash_" });
  const kms = await serveFakeKms();
  const victim = { folder, flavour, port: freePort(), kmsPort: kms.port };
  await configure(victim);
  const run = new CrashRun(victim, seededRandom(seed));
  const { outcome } = run;
  try {
    while (outcome.kills < kills && outcome.violations.length < VIOLATIONS_MAX) {
      await run.round();
      onProgress?.(outcome);
    }
    await run.checkAll();
  } catch (cause) {
    throw new Error(`Cannot go on, see ${folder}`, { cause });
  } finally {
    await run.dispose();
    await kms.close();
  }
  if (outcome.violations.length === 0) await Deno.remove(folder, { recursive: true });
  else outcome.violations.push({ kind: "lost", text: `see ${folder}` });
  return outcome;
}

class CrashRun {
  readonly outcome: CrashOutcome = {
    kills: 0,
    killsWhileStarting: 0,
    acknowledged: 0,
    refused: 0,
    checked: 0,
    violations: [],
  };
  readonly #options: VictimOptions;
  readonly #random: Random;
  readonly #history = new History();
  #victim: Victim | null = null;
  #version = 0;
  #touched: ReadonlySet<string> = new Set();

  constructor(options: VictimOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** A start, a check of what the last round wrote, and a kill in the middle of new writes. */
  async round(): Promise<void> {
    const victim = this.#start();
    if (this.#random() < STARTING_SHARE) {
      await SYSTEM_CLOCK.sleep(this.#random() * START_MS_MAX);
      await victim.kill();
      this.outcome.killsWhileStarting += 1;
    } else {
      const storage = await victim.connect();
      try {
        await this.#check(storage, [...this.#touched, ...this.#sample()]);
        await this.#writeAndKill(storage, victim);
      } finally {
        storage.close();
      }
    }
    this.outcome.kills += 1;
  }

  async #writeAndKill(storage: StorageClient, victim: Victim): Promise<void> {
    const killed = new AbortController();
    const writing = writeUntilKilled(storage, {
      history: this.#history,
      random: this.#random,
      nextVersion: () => ++this.#version,
      killed: killed.signal,
    });
    const killing = SYSTEM_CLOCK.sleep(this.#random() * LOAD_MS_MAX).then(() => {
      killed.abort();
      return victim.kill();
    });
    // together: a failure of either must find somebody who waits for it
    const [{ acknowledged, refused, touched }] = await Promise.all([writing, killing]);
    this.outcome.acknowledged += acknowledged;
    this.outcome.refused += refused;
    this.#touched = touched;
  }

  /** Checks every place that was ever written to. */
  async checkAll(): Promise<void> {
    const storage = await this.#start().connect();
    try {
      await this.#check(storage, this.#history.places);
    } finally {
      storage.close();
    }
  }

  async dispose(): Promise<void> {
    await this.#victim?.dispose();
  }

  #start(): Victim {
    this.#victim = new Victim(this.#options);
    return this.#victim;
  }

  #sample(): string[] {
    const { places } = this.#history;
    const pick = () => places[Math.floor(this.#random() * places.length)];
    return Array.from({ length: SAMPLED_PLACES }, pick).filter((place) => place !== undefined);
  }

  async #check(storage: StorageClient, places: readonly string[]): Promise<void> {
    const work = new Set(places)[Symbol.iterator]();
    const evidence = { history: this.#history, load: loadFrom(storage) };
    const checkNext = async () => {
      for (const place of work) {
        const violation = await checkPlace(place, evidence);
        this.outcome.checked += 1;
        if (violation === null) continue;
        const text = `after ${this.outcome.kills} kills: ${violation.text}`;
        this.outcome.violations.push({ ...violation, text });
      }
    };
    await Promise.all(Array.from({ length: CHECKED_AT_A_TIME }, checkNext));
  }
}
