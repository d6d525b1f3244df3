/**
 * Calls a kms every few milliseconds from a thread of its own: the longest wait shows for how long
 * the service was held up, by its own work or by other programs on the machine.
 *
 * @module
 */

import { KmsServiceService } from "../proto/gen/kms.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { connect } from "../shared/rpc/mod.ts";
import { serveWorker } from "../shared/workers/mod.ts";

/** Starts probing, or ends it. */
export type ProbeRequest = { readonly port: number; readonly pid: number } | "stop";

/** What the calls of a run met at worst. */
export interface Probe {
  readonly waitMs: number;
  /** How long the main thread of the service worked while a call waited. */
  readonly workMs: number;
}

/** The answer to the start is null. */
export type ProbeResponse = Probe | null;

const INTERVAL_MS = 3;

let stop = (): Promise<ProbeResponse> => Promise.resolve(null);

async function start({ port, pid }: { port: number; pid: number }): Promise<void> {
  const kms = connect(KmsServiceService, { port });
  await kms.getCryptoInfo({}); // connects
  let isStopped = false;
  const probing = (async () => {
    let [waitMs, workMs] = [0, 0];
    while (!isStopped) {
      const [startMs, startWorkMs] = [SYSTEM_CLOCK.monotonicMs(), mainThreadMs(pid)];
      await kms.getCryptoInfo({});
      waitMs = Math.max(waitMs, SYSTEM_CLOCK.monotonicMs() - startMs);
      workMs = Math.max(workMs, mainThreadMs(pid) - startWorkMs);
      await SYSTEM_CLOCK.sleep(INTERVAL_MS);
    }
    kms.close();
    return { waitMs, workMs };
  })();
  stop = () => {
    isStopped = true;
    return probing;
  };
}

/** Processor time that the first thread of a process has used. */
function mainThreadMs(pid: number): number {
  const [nanoseconds] = Deno.readTextFileSync(`/proc/${pid}/schedstat`).split(" ");
  return Number(nanoseconds) / 1e6;
}

serveWorker<ProbeRequest, ProbeResponse>(async (request) => {
  if (request === "stop") return await stop();
  await start(request);
  return null;
});
