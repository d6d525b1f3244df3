/**
 * How fast two nodes exchange messages over network_p2p: both transports in this process, one
 * connection on loopback. The baseline is a bare TCP connection of the same runtime that carries as
 * many bytes, both ends in this process too, with a write for each message or each 64 KiB of it.
 *
 * @module
 */

import { NetworkMsg } from "../proto/gen/network.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { decode } from "../shared/codec/mod.ts";
import { SILENT_LOGGER } from "../shared/log/mod.ts";
import { encodeFrame } from "../services/network/frame.ts";
import { parseMultiaddr } from "../services/network/multiaddr.ts";
import { Traffic } from "../services/network/traffic.ts";
import { MemoryBudget } from "../services/network/core/memory_budget.ts";
import { P2pTransport } from "../services/network/p2p/transport.ts";
import { PlainWire } from "../services/network/p2p/wire/plain.ts";
import { type Figure, printFigures } from "./table.ts";

/** One kind of traffic. */
interface Load {
  readonly name: string;
  readonly payloadSize: number;
  readonly count: number;
}

const LOADS: readonly Load[] = [
  { name: "1 KB messages", payloadSize: 1_000, count: 200_000 },
  { name: "100 KB messages", payloadSize: 100_000, count: 5_000 },
  { name: "20 MB messages", payloadSize: 20_000_000, count: 20 },
];

/** Messages that a sender queues before it lets others run, as gRPC calls would arrive. */
const BURST = 64;

const FRAME_SIZE_MAX = 64 * 1024 * 1024;
const TCP_WRITE_SIZE_MAX = 64 * 1024;
const TCP_READ_SIZE = 256 * 1024;

/** A pair of connected transports; the first dials. */
interface Pair {
  readonly sender: P2pTransport;
  readonly receiver: P2pTransport;
  /** Resolves after this many further messages. */
  received(count: number): Promise<void>;
}

async function openPair(): Promise<Pair> {
  let missing = 0;
  let finish = () => {};
  const traffic = new Traffic();
  const options = {
    frameSizeMax: FRAME_SIZE_MAX,
    traffic,
    budget: new MemoryBudget(2 ** 30),
    discovery: null,
    clock: SYSTEM_CLOCK,
    log: SILENT_LOGGER,
  };
  const wire = () => new PlainWire(SYSTEM_CLOCK);
  const receiver = new P2pTransport({ ...options, wire: wire(), port: 0, peers: [] });
  await receiver.listen({
    message(_, bytes) {
      decode(NetworkMsg, bytes); // as the dispatcher does, to find the module
      missing -= 1;
      if (missing === 0) finish();
    },
  });
  const address = parseMultiaddr(`/ip4/127.0.0.1/tcp/${receiver.port}`);
  const sender = new P2pTransport({
    ...options,
    wire: wire(),
    port: 0,
    peers: address === null ? [] : [address],
  });
  await sender.listen({ message() {} });
  const isOpen = () => sender.peers().length + receiver.peers().length === 2;
  while (!isOpen()) await SYSTEM_CLOCK.sleep(1);
  const received = (count: number) =>
    new Promise<void>((resolve) => {
      missing = count;
      finish = resolve;
    });
  return { sender, receiver, received };
}

/** Seconds for a load over the transports, encoding and decoding included. */
async function measureP2p({ sender, received }: Pair, load: Load): Promise<number> {
  const [peer] = sender.peers();
  if (peer === undefined) throw new Error("Cannot measure: the session is gone");
  const msg = new Uint8Array(load.payloadSize);
  const done = received(load.count);
  const startMs = SYSTEM_CLOCK.monotonicMs();
  for (let sent = 0; sent < load.count; sent++) {
    const frame = encodeFrame({ module: "consensus", type: "vote", origin: peer.origin, msg });
    const sending = sender.send(peer.origin, frame);
    if (sent % BURST === 0 || load.payloadSize > TCP_WRITE_SIZE_MAX) await sending;
  }
  await done;
  return (SYSTEM_CLOCK.monotonicMs() - startMs) / 1000;
}

/** Seconds for as many bytes over a bare connection. */
async function measureTcp(load: Load): Promise<number> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const socket = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const other = await accepting;
  const size = load.payloadSize * load.count;
  const startMs = SYSTEM_CLOCK.monotonicMs();
  const writeSize = Math.min(load.payloadSize, TCP_WRITE_SIZE_MAX);
  await Promise.all([writeBytes(socket, size, writeSize), readBytes(other, size)]);
  const elapsedMs = SYSTEM_CLOCK.monotonicMs() - startMs;
  socket.close();
  other.close();
  listener.close();
  return elapsedMs / 1000;
}

async function writeBytes(socket: Deno.Conn, size: number, writeSize: number): Promise<void> {
  const chunk = new Uint8Array(writeSize);
  for (let left = size; left > 0;) left -= await socket.write(chunk.subarray(0, left));
}

async function readBytes(socket: Deno.Conn, size: number): Promise<void> {
  const buffer = new Uint8Array(TCP_READ_SIZE);
  for (let left = size; left > 0;) {
    const read = await socket.read(buffer);
    if (read === null) throw new Error("Cannot measure: the connection ended");
    left -= read;
  }
}

async function benchLoad(pair: Pair, load: Load): Promise<void> {
  const { payloadSize, count, name } = load;
  const warmUp = { ...load, count: Math.ceil(count / 20) };
  await measureP2p(pair, warmUp);
  await measureTcp(warmUp);
  const p2p = await measureP2p(pair, load);
  const tcp = await measureTcp(load);
  const megabytes = payloadSize * count / 1e6;
  const figure = (what: string, value: number, base: number): Figure => (
    { name: what, value, unit: what.startsWith("  ") ? "MB/s" : "/s", ratio: value / base }
  );
  printFigures(`network_p2p, ${count.toLocaleString("en-US")} ${name}, one connection`, [
    figure("messages", count / p2p, count / tcp),
    figure("  network_p2p", megabytes / p2p, megabytes / tcp),
    figure("  bare TCP", megabytes / tcp, megabytes / tcp),
  ]);
}

const pair = await openPair();
for (const load of LOADS) await benchLoad(pair, load);
await pair.sender.close();
await pair.receiver.close();
