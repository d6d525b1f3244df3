import assert from "node:assert/strict";
import { type NetworkMsg, NetworkServiceService } from "../../proto/gen/network.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { grpcService, serveGrpc } from "../../shared/rpc/mod.ts";
import { connectNetwork, type NetworkPort, type NetworkPortOptions } from "./network_port.ts";

/** The session that a node had which is gone. */
const GONE = 9n;

/** A session that makes the service fail. */
const BROKEN = 8n;

const MESSAGE = { type: "raft", origin: GONE, body: Uint8Array.of(1) };

/** Everything here happens within a second. */
const TEST_MS_MAX = 15_000;

/** A network service that reaches all sessions but two, and tells of every message it sent. */
async function withNetwork(
  callbacks: Pick<NetworkPortOptions, "onUnreachable" | "onRegistered">,
  test: (network: NetworkPort, nextSent: () => Promise<NetworkMsg>) => Promise<void>,
): Promise<void> {
  const sent = new TransformStream<NetworkMsg, NetworkMsg>();
  const writer = sent.writable.getWriter();
  const reader = sent.readable.getReader();
  const take = (message: NetworkMsg) => {
    if (message.origin === GONE) return Promise.resolve({ code: 504 });
    if (message.origin === BROKEN) return Promise.reject(new Error("broken"));
    void writer.write(message);
    return Promise.resolve({ code: 0 });
  };
  const unused = () => Promise.reject(new Error("not used by consensus"));
  const service = grpcService(NetworkServiceService, {
    sendMsg: take,
    broadcast: take,
    registerNetworkMsgHandler: () => Promise.resolve({ code: 0 }),
    addNode: unused,
    getNetworkStatus: unused,
    getPeersNetInfo: unused,
  });
  const [log, clock] = [SILENT_LOGGER, SYSTEM_CLOCK];
  const server = await serveGrpc({ host: "127.0.0.1", port: 0, services: [service], log });
  const network = connectNetwork({
    networkPort: server.port,
    ownPort: 1,
    retryMs: 100,
    clock,
    log,
    ...callbacks,
  });
  const nextSent = async () => {
    const { value } = await reader.read();
    assert(value !== undefined);
    return value;
  };
  const ended = new AbortController();
  const late = clock.sleep(TEST_MS_MAX, ended.signal)
    .then(() => assert(ended.signal.aborted, "what the test waits for does not happen"));
  try {
    await Promise.race([test(network, nextSent), late]);
  } finally {
    ended.abort();
    network.close();
    await server.close();
  }
}

Deno.test("a message to a session that is gone goes to everyone", () =>
  withNetwork({}, async (network, nextSent) => {
    network.send(MESSAGE);
    const { module, type, origin, msg } = await nextSent();
    assert.deepEqual([module, type, origin], ["consensus", "raft", 0n]);
    assert.deepEqual([...msg], [1]);
  }));

Deno.test("whoever wants to know of sessions that are gone is told, and nobody gets the message", async () => {
  const told = Promise.withResolvers<bigint>();
  await withNetwork({ onUnreachable: told.resolve }, async (network, nextSent) => {
    network.send(MESSAGE);
    assert.equal(await told.promise, GONE);
    network.send({ ...MESSAGE, type: "probe", origin: 0n });
    assert.equal((await nextSent()).type, "probe");
    network.send({ ...MESSAGE, origin: 3n });
    assert.equal((await nextSent()).origin, 3n);
  });
});

Deno.test("a call that fails tells of its session, and of the registration that follows it", async () => {
  const [told, first, second] = [
    Promise.withResolvers<bigint>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  const registered = [first.resolve, second.resolve];
  const onRegistered = () => registered.shift()?.();
  await withNetwork({ onUnreachable: told.resolve, onRegistered }, async (network) => {
    await first.promise;
    network.send({ ...MESSAGE, origin: BROKEN });
    assert.equal(await told.promise, BROKEN);
    await second.promise;
  });
});
