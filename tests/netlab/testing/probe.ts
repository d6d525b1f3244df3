/**
 * Sends numbered datagrams to `echo.ts` and prints what came back, as JSON: the numbers in the
 * order of their arrival, and the time of each: `probe.ts ADDRESS PORT COUNT INTERVAL_MS`.
 *
 * @module
 */

import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";

/** An answer. */
export interface Answer {
  readonly serial: number;
  readonly roundTripMs: number;
}

/** Longer than any round trip of the tests. */
const LAST_WAIT_MS = 500;

const SIZE = 500;

const [hostname = "", port = "", count = "", intervalMs = ""] = Deno.args;
const socket = Deno.listenDatagram({ hostname: "0.0.0.0", port: 0, transport: "udp" });
const sentMs: number[] = [];
const answers: Answer[] = [];

async function receive(): Promise<void> {
  for await (const [bytes] of socket) {
    const serial = new DataView(bytes.buffer).getUint32(0);
    answers.push({ serial, roundTripMs: SYSTEM_CLOCK.monotonicMs() - (sentMs[serial] ?? 0) });
  }
}

const received = receive();
for (let serial = 0; serial < Number(count); serial++) {
  const bytes = new Uint8Array(SIZE);
  new DataView(bytes.buffer).setUint32(0, serial);
  sentMs.push(SYSTEM_CLOCK.monotonicMs());
  await socket.send(bytes, { transport: "udp", hostname, port: Number(port) });
  await SYSTEM_CLOCK.sleep(Number(intervalMs));
}
await SYSTEM_CLOCK.sleep(LAST_WAIT_MS);
socket.close();
await received;
console.log(JSON.stringify(answers));
