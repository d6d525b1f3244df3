/**
 * How fast two nodes exchange messages over each flavour of the network: a sender in this thread, a
 * receiver in a worker, one connection on loopback, encoding and decoding included. The baseline is
 * a bare TCP connection of the same runtime between the same two threads that carries as many
 * bytes, with a write for each message or each 64 KiB of it. Then: how long an urgent message takes
 * there and back while 100 MB of blocks flow to the same node, and whether memory stays flat. The
 * arguments name the flavours; without any it is all of them.
 *
 * @module
 */

import { NetworkMsg } from "../proto/gen/network.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { decode } from "../shared/codec/mod.ts";
import { encodeFrame } from "../services/network/frame.ts";
import { Inbox } from "../services/network/testing/inbox.ts";
import { type Flavour, FLAVOURS, issueIdentities, type Node, openNode } from "./network_node.ts";
import type { Order, Report } from "./network_receiver_worker.ts";
import { type Figure, printFigures, printGrid } from "./table.ts";

/** One kind of traffic. */
interface Load {
  readonly name: string;
  readonly payloadSize: number;
  readonly count: number;
}

const LOADS: readonly Load[] = [
  { name: "1 KB", payloadSize: 1_000, count: 200_000 },
  { name: "100 KB", payloadSize: 100_000, count: 5_000 },
  { name: "20 MB", payloadSize: 20_000_000, count: 20 },
  { name: "200 MB", payloadSize: 200_000_000, count: 2 },
];

/** Messages that a sender queues before it lets others run, as gRPC calls would arrive. */
const BURST = 64;

const TCP_WRITE_SIZE_MAX = 64 * 1024;

/** What flows while the round trips of urgent messages are measured. */
const SYNC_SIZE = 100_000_000;
const SYNC_MESSAGE_SIZE = 1_000_000;
const PING_INTERVAL_MS = 2;
const QUIET_PINGS = 200;

/** Messages of 1 KB over which memory must stay flat, and how many make a step. */
const MANY_MESSAGES = 1_000_000;
const STEP_MESSAGES = 250_000;

const SENDER = "sender.bench";
const RECEIVER = "receiver.bench";
const IDENTITIES = issueIdentities([SENDER, RECEIVER]);

/** The other thread. */
class Receiver {
  readonly #worker = new Worker(new URL("network_receiver_worker.ts", import.meta.url), {
    type: "module",
  });
  readonly #reports = new Inbox<Report>();

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#reports.push(data);
  }

  tell(order: Order): void {
    this.#worker.postMessage(order);
  }

  async open(order: Order): Promise<number> {
    this.tell(order);
    const report = await this.#reports.next();
    if (report.kind !== "open") throw new Error("Cannot measure: the receiver did not open");
    return report.port;
  }

  /** The memory of the process when all that is expected has arrived. */
  async arrived(): Promise<number> {
    const report = await this.#reports.next();
    return report.kind === "arrived" ? report.rssSize : 0;
  }

  close(): void {
    this.#worker.terminate();
  }
}

/** Two connected nodes. */
interface Pair {
  readonly sender: Node;
  readonly receiver: Receiver;
  readonly origin: bigint;
  /** Answers to pings. */
  readonly answers: Inbox<null>;
}

async function openPair(flavour: Flavour): Promise<Pair> {
  const receiver = new Receiver();
  const port = await receiver.open({
    kind: "open node",
    options: {
      flavour,
      domain: RECEIVER,
      identity: IDENTITIES[RECEIVER],
      peer: { port: null, domain: SENDER },
    },
  });
  const answers = new Inbox<null>();
  const peer = { port, domain: RECEIVER };
  const options = { flavour, domain: SENDER, identity: IDENTITIES[SENDER], peer };
  const sender = await openNode(options, {
    message(_, bytes) {
      decode(NetworkMsg, bytes);
      answers.push(null);
    },
  });
  for (;;) {
    const [connected] = sender.transport.peers();
    if (connected !== undefined) return { sender, receiver, origin: connected.origin, answers };
    await SYSTEM_CLOCK.sleep(10);
  }
}

async function closePair({ sender, receiver }: Pair): Promise<void> {
  await sender.transport.close();
  receiver.close();
}

/** Sends a load as blocks of sync and tells the seconds until all of it has arrived. */
async function send(pair: Pair, { payloadSize, count }: Load): Promise<number> {
  const { sender: { transport }, receiver, origin } = pair;
  const msg = new Uint8Array(payloadSize);
  receiver.tell({ kind: "expect", count });
  const startMs = SYSTEM_CLOCK.monotonicMs();
  for (let sent = 0; sent < count; sent++) {
    const frame = encodeFrame({ module: "controller", type: "sync_block_respond", origin, msg });
    const sending = transport.send(origin, frame);
    if (sent % BURST === 0 || payloadSize > TCP_WRITE_SIZE_MAX) await roomFor(pair, sending);
  }
  await receiver.arrived();
  return (SYSTEM_CLOCK.monotonicMs() - startMs) / 1000;
}

/** Waits for as long as it takes, not only for the moment that a caller of gRPC has to. */
async function roomFor({ sender: { transport } }: Pair, sending: Promise<unknown>): Promise<void> {
  await sending;
  while (transport.waitingSize > 32 * 1024 * 1024) await SYSTEM_CLOCK.sleep(1);
}

/** Seconds for as many bytes over a bare connection. */
async function sendTcp({ payloadSize, count }: Load): Promise<number> {
  const receiver = new Receiver();
  const port = await receiver.open({ kind: "open tcp" });
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const size = payloadSize * count;
  receiver.tell({ kind: "expect", count: size });
  const chunk = new Uint8Array(Math.min(payloadSize, TCP_WRITE_SIZE_MAX));
  const startMs = SYSTEM_CLOCK.monotonicMs();
  for (let left = size; left > 0;) left -= await socket.write(chunk.subarray(0, left));
  await receiver.arrived();
  const elapsedMs = SYSTEM_CLOCK.monotonicMs() - startMs;
  socket.close();
  receiver.close();
  return elapsedMs / 1000;
}

async function benchLoads(flavour: Flavour, tcpSeconds: readonly number[]): Promise<void> {
  const pair = await openPair(flavour);
  const figures: Figure[] = [];
  for (const [index, load] of LOADS.entries()) {
    await send(pair, { ...load, count: Math.ceil(load.count / 20) });
    const seconds = await send(pair, load);
    const ratio = (tcpSeconds[index] ?? NaN) / seconds;
    const megabytes = load.payloadSize * load.count / 1e6;
    figures.push({
      name: `messages of ${load.name}`,
      value: load.count / seconds,
      unit: "/s",
      ratio,
    });
    figures.push({ name: "  their bytes", value: megabytes / seconds, unit: "MB/s", ratio });
  }
  printFigures(`${flavour}, one connection, ratio to bare TCP`, figures);
  await closePair(pair);
}

/** Round trips of urgent messages in milliseconds, for as long as `isOver` says no. */
async function ping(pair: Pair, isOver: (count: number) => boolean): Promise<number[]> {
  const { sender: { transport }, origin, answers } = pair;
  const trips: number[] = [];
  while (!isOver(trips.length)) {
    const startMs = SYSTEM_CLOCK.monotonicMs();
    const msg = new Uint8Array(200);
    transport.send(origin, encodeFrame({ module: "consensus", type: "ping", origin, msg }));
    await answers.next();
    trips.push(SYSTEM_CLOCK.monotonicMs() - startMs);
    await SYSTEM_CLOCK.sleep(PING_INTERVAL_MS);
  }
  return trips.sort((one, other) => one - other);
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(part * (sorted.length - 1))] ?? NaN;
}

async function benchUrgency(flavour: Flavour): Promise<readonly number[]> {
  const pair = await openPair(flavour);
  const quiet = await ping(pair, (count) => count === QUIET_PINGS);
  let isOver = false;
  const count = SYNC_SIZE / SYNC_MESSAGE_SIZE;
  const flow = send(pair, { name: "", payloadSize: SYNC_MESSAGE_SIZE, count })
    .then((seconds) => {
      isOver = true;
      return seconds;
    });
  const loaded = await ping(pair, () => isOver);
  const seconds = await flow;
  await closePair(pair);
  return [
    quantile(quiet, 0.5),
    quantile(quiet, 0.99),
    quantile(loaded, 0.5),
    quantile(loaded, 0.99),
  ]
    .map((ms) => Math.round(10 * ms) / 10).concat(Math.round(1_000 * seconds));
}

async function benchMemory(flavour: Flavour): Promise<readonly number[]> {
  const pair = await openPair(flavour);
  const sizes: number[] = [];
  for (let sent = 0; sent < MANY_MESSAGES; sent += STEP_MESSAGES) {
    await send(pair, { name: "", payloadSize: 1_000, count: STEP_MESSAGES });
    sizes.push(Math.round(Deno.memoryUsage().rss / 1024 / 1024));
  }
  await closePair(pair);
  return sizes;
}

const chosen = FLAVOURS.filter((flavour) => Deno.args.length === 0 || Deno.args.includes(flavour));
const tcpSeconds: number[] = [];
for (const load of LOADS) {
  await sendTcp({ ...load, count: Math.ceil(load.count / 20) });
  tcpSeconds.push(await sendTcp(load));
}
printFigures(
  "bare TCP",
  LOADS.map(({ name, payloadSize, count }, index) => {
    const value = payloadSize * count / 1e6 / (tcpSeconds[index] ?? NaN);
    return { name: `messages of ${name}`, value, unit: "MB/s", ratio: 1 };
  }),
);
const only = Deno.args[0];
for (const flavour of FLAVOURS.filter((f) => !only || f === only)) {
  await benchLoads(flavour, tcpSeconds);
}
const urgency: (readonly (string | number)[])[] = [];
for (const flavour of chosen) urgency.push([flavour, ...await benchUrgency(flavour)]);
printGrid(
  "round trip of a message of consensus, in ms, alone and while 100 blocks of 1 MB flow",
  ["flavour", "p50 alone", "p99 alone", "p50 loaded", "p99 loaded", "ms of the flow"],
  urgency,
);
const memory: (readonly (string | number)[])[] = [];
for (const flavour of chosen) memory.push([flavour, ...await benchMemory(flavour)]);
const steps = [1, 2, 3, 4].map((step) => `${step * STEP_MESSAGES / 1_000}k`);
printGrid(
  "memory of both nodes in MiB (RSS) after so many messages of 1 KB",
  ["flavour", ...steps],
  memory,
);
