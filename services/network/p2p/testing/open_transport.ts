import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { type Clock, SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { MemoryBudget } from "../../core/memory_budget.ts";
import { type Multiaddr, parseMultiaddr } from "../../multiaddr.ts";
import { Inbox } from "../../testing/inbox.ts";
import { Traffic } from "../../traffic.ts";
import { RecordingLogger } from "../../testing/recording_logger.ts";
import { FRAME_SIZE_MAX } from "../config.ts";
import type { Discovery } from "../discovery.ts";
import { P2pTransport } from "../transport.ts";
import { PlainWire } from "../wire/plain.ts";
import type { Wire } from "../wire/wire.ts";

/** What differs from test to test. */
export interface TestTransportOptions {
  readonly port?: number;
  readonly peers?: readonly string[];
  readonly frameSizeMax?: number;
  readonly clock?: Clock;
  /** By default plain TCP. */
  readonly wire?: Wire;
  readonly discovery?: Discovery;
}

/** A message that arrived. */
export interface ReceivedMessage {
  readonly origin: bigint;
  readonly bytes: Bytes;
}

/** A listening transport and what it reports; disposal closes it. */
export interface TestTransport extends AsyncDisposable {
  readonly transport: P2pTransport;
  readonly log: RecordingLogger;
  readonly messages: Inbox<ReceivedMessage>;
}

/** Opens a transport on a port of the system's choice. */
export async function openTransport(options: TestTransportOptions): Promise<TestTransport> {
  const { port = 0, peers = [], frameSizeMax = FRAME_SIZE_MAX, clock = SYSTEM_CLOCK } = options;
  const log = new RecordingLogger();
  const messages = new Inbox<ReceivedMessage>();
  const addresses = peers.map((text) => parseMultiaddr(text))
    .filter((address): address is Multiaddr => address !== null);
  const transport = new P2pTransport({
    wire: options.wire ?? new PlainWire(clock),
    port,
    peers: addresses,
    frameSizeMax,
    budget: new MemoryBudget(2 ** 30),
    discovery: options.discovery ?? null,
    traffic: new Traffic(),
    clock,
    log,
  });
  await transport.listen({ message: (origin, bytes) => messages.push({ origin, bytes }) });
  return { transport, log, messages, [Symbol.asyncDispose]: () => transport.close() };
}
