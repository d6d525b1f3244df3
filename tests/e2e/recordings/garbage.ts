/** Malformed requests: recorded ones with changes, and noise. */

import assert from "node:assert/strict";
import { type Bytes, concatBytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../../shared/clock/mod.ts";
import type { Player } from "./player.ts";
import { readJson, readLines, type RecordedCall } from "./recordings.ts";

/** Well-formed requests by method, to be changed. */
export type Samples = ReadonlyMap<string, readonly Bytes[]>;

/** A service as `proto/gen` describes it, as far as its paths go. */
export type Paths = Readonly<Record<string, { readonly path: string }>>;

const SAMPLES_PER_METHOD_MAX = 60;

/** Reads requests of every service that were recorded. */
export async function readSamples(): Promise<Samples> {
  const { calls } = await readJson<{ calls: RecordedCall[] }>("executor/evm_sm3.json.gz");
  const recorded = [
    ...await readJson<RecordedCall[]>("controller/single_send_cases.json.gz"),
    ...await readJson<RecordedCall[]>("controller/single_calls.json.gz"),
    ...await readJson<RecordedCall[]>("kms/kms_sm.json"),
    ...calls,
    ...await readLines<RecordedCall>("controller/single_tap.jsonl.gz"),
    ...await readLines<RecordedCall>("controller/raft_tap.jsonl.gz"),
  ];
  const samples = new Map<string, Bytes[]>();
  for (const { method, request_hex } of recorded) {
    const known = samples.get(method) ?? [];
    if (known.length < SAMPLES_PER_METHOD_MAX) known.push(fromHex(request_hex));
    samples.set(method, known);
  }
  return samples;
}

function pick(random: Random, count: number): number {
  return Math.floor(random() * count);
}

function noise(random: Random, sizeMax: number): Bytes {
  return Uint8Array.from({ length: pick(random, sizeMax) }, () => pick(random, 256));
}

function changeBytes(random: Random, sample: Bytes): Bytes {
  const changed = sample.slice();
  for (let count = 1 + pick(random, 4); count > 0; count--) {
    changed[pick(random, changed.length)] = pick(random, 256);
  }
  return changed;
}

function cut(random: Random, sample: Bytes): Bytes {
  const start = pick(random, sample.length);
  const end = start + pick(random, sample.length - start);
  return concatBytes(sample.subarray(0, start), sample.subarray(end));
}

function repeat(random: Random, sample: Bytes): Bytes {
  const start = pick(random, sample.length);
  const end = start + pick(random, sample.length - start);
  return concatBytes(sample.subarray(0, end), sample.subarray(start));
}

/** Ten bytes that are a varint of 2^64 - 1 in the middle: lengths, heights, quotas. */
function insertHugeVarint(random: Random, sample: Bytes): Bytes {
  const at = pick(random, sample.length);
  const huge = new Uint8Array(10).fill(0xff);
  huge[9] = 0x01;
  return concatBytes(sample.subarray(0, at), huge, sample.subarray(at + 1));
}

const CHANGES = [changeBytes, changeBytes, cut, repeat, insertHugeVarint];

/** One of the samples with a change, or noise now and then. */
export function mutate(random: Random, samples: readonly Bytes[]): Bytes {
  const sample = samples[pick(random, samples.length)];
  if (sample === undefined || sample.length === 0 || random() < 0.1) return noise(random, 200);
  const change = CHANGES[pick(random, CHANGES.length)] ?? cut;
  return change(random, sample);
}

/** How to bother a service. */
export interface Bombardment {
  readonly player: Player;
  readonly services: readonly Paths[];
  readonly samples: Samples;
  readonly seed: number;
  /** Requests per method. */
  readonly count: number;
}

/** Requests that wait for an answer at a time. */
const CONCURRENCY = 16;
const ANSWER_TIMEOUT_MS = 8_000;

/** What the transport reports when no answer came: cancelled, too late, unavailable. */
const NO_ANSWER = [1, 4, 14];

/** Sends malformed requests to every method; each must be answered by the service itself. */
export async function bombard(options: Bombardment): Promise<void> {
  const { player, services, samples, seed, count } = options;
  const random = seededRandom(seed);
  const paths = services.flatMap((service) => Object.values(service).map(({ path }) => path));
  const requests = paths.flatMap((path) =>
    Array.from({ length: count }, () => ({ path, body: mutate(random, samples.get(path) ?? []) }))
  ).sort(() => random() - 0.5);
  const work = requests[Symbol.iterator]();
  const send = async () => {
    for (const { path, body } of work) {
      const answer = await player.call(path, body, ANSWER_TIMEOUT_MS);
      const isAnswered = "hex" in answer || !NO_ANSWER.includes(answer.code);
      const what = `seed ${seed}: ${path} ${toHex(body)} gets ${JSON.stringify(answer)}`;
      assert(isAnswered, `${what}\n${isAnswered ? "" : await player.logs()}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, send));
  assert(player.isRunning, `seed ${seed}: the process ended`);
}

/** Sends bytes that are no HTTP/2 to a port. */
export async function sendNoise(port: number, seed: number): Promise<void> {
  const random = seededRandom(seed);
  for (let count = 0; count < 20; count++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(noise(random, 2_000)).catch(() => 0); // it may have hung up already
    connection.close();
  }
}
