/**
 * The compiled kms over gRPC: calls per second of 64 callers, batches of transactions, and for how
 * long a large batch holds up other calls.
 *
 * @module
 */

import { RawTransaction, RawTransactions } from "../proto/gen/blockchain.ts";
import { KmsServiceService } from "../proto/gen/kms.ts";
import { type Bytes, concatBytes, u64be } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { BinaryWriter, decode, encode } from "../shared/codec/mod.ts";
import { loadSuite, type SuiteName } from "../shared/crypto/mod.ts";
import { connect, rawRequest, type RpcClient } from "../shared/rpc/mod.ts";
import { startWorker, workerUrl } from "../shared/workers/mod.ts";
import { BATCH_SIZE, KNOWN_SENDERS } from "../services/kms/speed/measure.ts";
import { newSenders, signedBatch } from "../services/kms/speed/workload.ts";
import { Player, withFolder } from "../tests/e2e/recordings/player.ts";
import { freePort } from "../tests/free_ports.ts";
import type { Probe, ProbeRequest, ProbeResponse } from "./prober_worker.ts";

/** What a kms does for its callers. */
export interface ServiceSpeed {
  /** Calls per second at 64 concurrent callers. */
  readonly hash: number;
  readonly sign: number;
  readonly recoverKnownKey: number;
  /** Checks of one transaction each, by a known sender, per second at 64 concurrent callers. */
  readonly checkOne: number;
  /** Milliseconds of a batch of 1,000. */
  readonly newSendersMs: number;
  readonly knownSendersMs: number;
  readonly repeatedMs: number;
  /** Milliseconds of a batch of 30,000 by known senders. */
  readonly largeMs: number;
  /** Other calls while nothing else, while that batch, and while it once more is worked on. */
  readonly idle: Probe;
  readonly duringLarge: Probe;
  readonly duringRepeated: Probe;
}

const DEFINITION = rawRequest(KmsServiceService, "checkTransactions");
type KmsClient = RpcClient<typeof DEFINITION>;

const CALLERS = 64;
const MEASURE_MS = 2_000;
const WARM_UP_MS = 500;
const BATCH_RUNS = 3;
/** Transactions of the batch that holds up other calls if anything does: 7 to 10 MB. */
export const LARGE_BATCH_SIZE = 30_000;
const DEADLINE_MS = 120_000;
const IDLE_MS = 1_000;
const BODY_TAG = 10;
const UNKNOWN_FIELD_TAG = 1002;
const DIGEST = new Uint8Array(32).fill(0x11);

/** Starts `bin/kms` with a folder of its own and measures it. */
export async function measureService(suiteName: SuiteName): Promise<ServiceSpeed> {
  let speed: ServiceSpeed | null = null;
  await withFolder(async (folder) => {
    const port = freePort();
    const config = `[kms_${suiteName}]\nkms_port = ${port}\n`;
    await using player = await Player.start({ role: "kms", folder, config, port });
    const kms = connect(DEFINITION, { port, deadlineMs: DEADLINE_MS });
    try {
      speed = {
        ...await measureCalls(kms, suiteName),
        ...await measureBatches(kms, suiteName, player),
      };
    } finally {
      kms.close();
    }
  });
  if (speed === null) throw new Error("The measurement did not run");
  return speed;
}

/** Calls per second. */
async function callRate(call: (serial: number) => Promise<unknown>): Promise<number> {
  let calls = 0;
  const run = async (durationMs: number) => {
    const startMs = SYSTEM_CLOCK.monotonicMs();
    const endMs = startMs + durationMs;
    calls = 0;
    let serial = 0;
    await Promise.all(Array.from({ length: CALLERS }, async () => {
      while (SYSTEM_CLOCK.monotonicMs() < endMs) {
        await call(serial++);
        calls++;
      }
    }));
    return calls * 1000 / (SYSTEM_CLOCK.monotonicMs() - startMs);
  };
  await run(WARM_UP_MS);
  return await run(MEASURE_MS);
}

async function measureCalls(kms: KmsClient, suiteName: SuiteName) {
  const suite = await loadSuite(suiteName);
  const { keyId } = await kms.generateKeyPair({ Description: "" });
  const request = { keyId, msg: DIGEST };
  const { signature } = await kms.signMessage(request);
  const singles = variantsOf(signedBatch(suite, newSenders(suite, 1), 1));
  return {
    hash: await callRate(() => kms.hashData({ data: DIGEST })),
    sign: await callRate(() => kms.signMessage(request)),
    recoverKnownKey: await callRate(() => kms.recoverSignature({ msg: DIGEST, signature })),
    checkOne: await callRate(() => pass(kms, singles.next().value)),
  };
}

/** The same transaction with a field that nobody knows, so that each is new to the service. */
function* variantsOf(single: Bytes): Generator<Bytes, never> {
  const [transaction] = decode(RawTransactions, single).body;
  if (transaction === undefined) throw new Error("There must be a transaction");
  const encoded = encode(RawTransaction, transaction);
  for (let serial = 0n;; serial++) {
    const field = new BinaryWriter().uint32(UNKNOWN_FIELD_TAG).bytes(u64be(serial)).finish();
    yield new BinaryWriter().uint32(BODY_TAG).bytes(concatBytes(encoded, field)).finish();
  }
}

async function pass(kms: KmsClient, batch: Bytes): Promise<void> {
  const { code } = await kms.checkTransactions(batch);
  if (code !== 0) throw new Error(`The service refuses what was signed here with ${code}`);
}

async function timeOf(kms: KmsClient, batch: Bytes): Promise<number> {
  const startMs = SYSTEM_CLOCK.monotonicMs();
  await pass(kms, batch);
  return SYSTEM_CLOCK.monotonicMs() - startMs;
}

async function measureBatches(kms: KmsClient, suiteName: SuiteName, player: Player) {
  const suite = await loadSuite(suiteName);
  const best = { newSendersMs: Infinity, knownSendersMs: Infinity, repeatedMs: Infinity };
  const known = newSenders(suite, KNOWN_SENDERS);
  await pass(kms, signedBatch(suite, newSenders(suite, BATCH_SIZE), BATCH_SIZE));
  for (let run = 0; run < BATCH_RUNS; run++) {
    const fresh = signedBatch(suite, newSenders(suite, BATCH_SIZE), BATCH_SIZE);
    best.newSendersMs = Math.min(best.newSendersMs, await timeOf(kms, fresh));
    best.repeatedMs = Math.min(best.repeatedMs, await timeOf(kms, fresh));
    // sm signs with a random number: signatures of each run are new ones; eth gets new senders
    const senders = suiteName === "sm" ? known : newSenders(suite, KNOWN_SENDERS);
    const again = signedBatch(suite, senders, BATCH_SIZE);
    best.knownSendersMs = Math.min(best.knownSendersMs, await timeOf(kms, again));
  }
  const large = signedBatch(suite, known, LARGE_BATCH_SIZE);
  const prober = startWorker<ProbeRequest, ProbeResponse>(
    workerUrl("prober_worker", import.meta.url),
  );
  const target = { port: player.options.port, pid: player.pid };
  const probe = async (work: () => Promise<unknown>): Promise<Probe> => {
    await prober.call(target);
    await work();
    return await prober.call("stop") ?? { waitMs: NaN, workMs: NaN };
  };
  const rest = () => SYSTEM_CLOCK.sleep(IDLE_MS);
  let largeMs = NaN;
  await probe(rest); // code is compiled
  const idle = await probe(rest);
  const duringLarge = await probe(async () => largeMs = await timeOf(kms, large));
  const duringRepeated = await probe(() => timeOf(kms, large));
  prober.terminate();
  return { ...best, largeMs, idle, duringLarge, duringRepeated };
}
