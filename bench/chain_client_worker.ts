/**
 * A thread that sends transactions with the HTTP/2 client of the runtime: a call costs it half of
 * what one of the gRPC library does, so that more is left for the services.
 *
 * @module
 */

import type { Bytes } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { serveWorker } from "../shared/workers/mod.ts";
import type { SendRequest, Sent } from "./chain_client.ts";

const PATH = "/controller.RPCService/SendRawTransaction";
const HEADERS = { "content-type": "application/grpc", te: "trailers" };

/** In front of a message: one byte that says it is not compressed, four bytes of length. */
const PREFIX_SIZE = 5;

/** Sends one request; gives the reason when it was refused. */
type Call = (request: Uint8Array<ArrayBuffer>) => Promise<string | null>;

function connectTo(port: number): Call {
  const client = Deno.createHttpClient({ http1: false, http2: true });
  const url = `http://127.0.0.1:${port}${PATH}`;
  return async (body) => {
    const response = await fetch(url, { client, method: "POST", headers: HEADERS, body });
    const { byteLength } = await response.arrayBuffer();
    // a refusal has no message; its reason is among the headers then
    if (byteLength > PREFIX_SIZE) return null;
    return decodeURIComponent(response.headers.get("grpc-message") ?? `HTTP ${response.status}`);
  };
}

function frame(message: Bytes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PREFIX_SIZE + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, PREFIX_SIZE);
  return bytes;
}

async function sendAll(request: SendRequest): Promise<Sent> {
  const { ports, connections, concurrency, transactions } = request;
  const calls = Array.from(
    { length: Math.max(connections, ports.length) },
    (_, connection) => connectTo(ports[connection % ports.length] ?? 0),
  );
  const frames = transactions.map(frame);
  const startMs = new Float64Array(frames.length).fill(NaN);
  const endMs = new Float64Array(frames.length);
  const refusals = new Map<string, number>();
  let next = 0;
  const caller = async (call: Call) => {
    for (let index = next++; index < frames.length; index = next++) {
      const body = frames[index];
      if (body === undefined) return;
      const beforeMs = SYSTEM_CLOCK.nowMs();
      const refusal = await call(body);
      endMs[index] = SYSTEM_CLOCK.nowMs();
      if (refusal === null) startMs[index] = beforeMs;
      else refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, at) => {
    const call = calls[at % calls.length];
    return call === undefined ? Promise.resolve() : caller(call);
  }));
  return { startMs, endMs, refusals };
}

serveWorker<SendRequest, Sent>(sendAll);
