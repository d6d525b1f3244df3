import assert from "node:assert/strict";
import { NetworkMsg } from "../../proto/gen/network.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import {
  Dispatcher,
  MODULE_SIZE_MAX,
  type ModuleClient,
  NEIGHBOUR_SIZE_MAX,
  QUEUE_MESSAGES_MAX,
  SMALL_SIZE_MAX,
} from "./dispatch.ts";
import type { ModuleAddress } from "./module_address.ts";
import { Traffic } from "./traffic.ts";
import { Inbox } from "./testing/inbox.ts";
import { ManualClock } from "./testing/manual_clock.ts";
import { RecordingLogger } from "./testing/recording_logger.ts";

/** A call of a module that the test answers. */
interface Call {
  readonly message: NetworkMsg;
  readonly port: number;
  answer(): void;
  fail(): void;
}

function setup(
  { unknownModuleLog }: { readonly unknownModuleLog: string | null } = { unknownModuleLog: null },
) {
  const log = new RecordingLogger();
  const calls = new Inbox<Call>();
  const closedPorts: number[] = [];
  const traffic = new Traffic();
  const connectModule = ({ port }: ModuleAddress): ModuleClient => ({
    processNetworkMsg(message) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      calls.push({ message, port, answer: resolve, fail: () => reject(new Error("away")) });
      return promise;
    },
    close: () => void closedPorts.push(port),
  });
  const clock = new ManualClock();
  const options = { connectModule, traffic, unknownModuleLog, clock, log };
  return { dispatcher: new Dispatcher(options), calls, log, clock, closedPorts, traffic };
}

function at(port: number): ModuleAddress {
  return { host: "127.0.0.1", port };
}

function wire(module: string, type: string, size = 0): Bytes {
  return encode(NetworkMsg, { module, type, origin: 12345n, msg: new Uint8Array(size) });
}

/** Lets everything run that waits for a settled promise only. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

Deno.test("Dispatcher.deliver() stamps the origin and keeps order per neighbour", async () => {
  const { dispatcher, calls } = setup();
  dispatcher.register("m", at(50001));
  dispatcher.deliver(1n, wire("m", "a1"));
  dispatcher.deliver(1n, wire("m", "a2"));
  dispatcher.deliver(2n, wire("m", "b1"));
  const first = await calls.next();
  const other = await calls.next();
  assert.deepEqual([first.message.type, first.message.origin], ["a1", 1n]);
  assert.deepEqual([other.message.type, other.message.origin], ["b1", 2n]);
  await settle();
  assert.equal(calls.size, 0, "a2 waits for a1");
  first.answer();
  const second = await calls.next();
  assert.deepEqual([second.message.type, second.message.origin], ["a2", 1n]);
});

Deno.test("Dispatcher.deliver() lets no module wait for another", async () => {
  const { dispatcher, calls } = setup();
  dispatcher.register("slow", at(50001));
  dispatcher.register("quick", at(50004));
  dispatcher.deliver(1n, wire("slow", "s"));
  await calls.next();
  for (const type of ["q1", "q2"]) {
    dispatcher.deliver(1n, wire("quick", type));
    const call = await calls.next();
    assert.deepEqual([call.message.type, call.port], [type, 50004]);
    call.answer();
    await settle();
  }
});

Deno.test("Dispatcher.deliver() drops what no module is registered for, for good", async () => {
  const { dispatcher, calls, log } = setup();
  dispatcher.deliver(1n, wire("m", "early"));
  dispatcher.deliver(1n, wire("", ""));
  dispatcher.register("m", at(50001));
  dispatcher.deliver(1n, new Uint8Array([0xff]));
  await settle();
  assert.equal(calls.size, 0);
  assert.equal(log.count(/^network msg decode failed/), 1);
});

Deno.test("Dispatcher.register() without an address drops messages", async () => {
  const { dispatcher, calls, traffic } = setup();
  assert.equal(dispatcher.register("m", null), true);
  dispatcher.deliver(1n, wire("m", "x"));
  await settle();
  assert.equal(calls.size, 0);
  assert.deepEqual(dispatcher.modules(), []);
  assert.equal(traffic.count("undelivered", "sync").messages, 1);
  assert.equal(traffic.count("received", "sync").bytes, 4 + wire("m", "x").length, "as sent");
});

Deno.test("Dispatcher.deliver() lets no lane of a neighbour wait for another", async () => {
  const { dispatcher, calls } = setup();
  dispatcher.register("controller", at(50004));
  dispatcher.deliver(1n, wire("controller", "sync_block_respond"));
  dispatcher.deliver(1n, wire("controller", "sync_block"));
  dispatcher.deliver(1n, wire("controller", "chain_status"));
  dispatcher.deliver(1n, wire("controller", "send_tx"));
  const types = (await calls.take(3)).map(({ message }) => message.type);
  assert.deepEqual(types, ["sync_block_respond", "chain_status", "send_tx"]);
  assert.equal(calls.size, 0, "the second one of sync waits for the first");
});

Deno.test("Dispatcher.register() again moves a module, waiting messages follow", async () => {
  const { dispatcher, calls, closedPorts } = setup();
  dispatcher.register("m", at(50001));
  dispatcher.register("m", at(50001));
  assert.deepEqual(closedPorts, []);
  dispatcher.deliver(1n, wire("m", "first"));
  dispatcher.deliver(1n, wire("m", "second"));
  const first = await calls.next();
  dispatcher.register("m", at(50009));
  assert.deepEqual(closedPorts, [50001]);
  first.fail();
  const second = await calls.next();
  assert.deepEqual([second.message.type, second.port], ["second", 50009]);
});

Deno.test("Dispatcher goes on with the next message after a failure and logs changes only", async () => {
  const { dispatcher, calls, log, traffic } = setup();
  dispatcher.register("m", at(50001));
  for (const type of ["1", "2", "3", "4"]) dispatcher.deliver(1n, wire("m", type));
  (await calls.next()).fail();
  (await calls.next()).fail();
  (await calls.next()).answer();
  assert.equal((await calls.next()).message.type, "4");
  assert.deepEqual(log.lines.map(({ message }) => message), [
    "module m does not take messages",
    "module m is reachable again",
  ]);
  assert.equal(traffic.count("undelivered", "sync").messages, 2);
});

Deno.test("Dispatcher.register() of a module that failed connects anew at once", async () => {
  const { dispatcher, calls, closedPorts } = setup();
  dispatcher.register("m", at(50001));
  dispatcher.deliver(1n, wire("m", "lost"));
  (await calls.next()).fail();
  await settle();
  dispatcher.register("m", at(50001));
  assert.deepEqual(closedPorts, [50001]);
});

Deno.test("Dispatcher bounds the messages of one neighbour and warns once", async () => {
  const { dispatcher, calls, log } = setup();
  dispatcher.register("m", at(50001));
  for (let count = 0; count < QUEUE_MESSAGES_MAX + 10; count++) {
    dispatcher.deliver(1n, wire("m", String(count)));
  }
  dispatcher.deliver(2n, wire("m", "other"));
  assert.equal(log.count(/^module m is too slow/), 1);
  let last = await calls.next();
  assert.equal((await calls.next()).message.type, "other");
  for (let count = 1; count < QUEUE_MESSAGES_MAX; count++) {
    last.answer();
    last = await calls.next();
    assert.equal(last.message.type, String(count));
  }
  last.answer();
  await settle();
  assert.equal(calls.size, 0);
});

Deno.test("Dispatcher bounds the bytes of one neighbour over all of its lanes", () => {
  const { dispatcher, traffic } = setup();
  dispatcher.register("controller", at(50004));
  const droppedCount = () => traffic.count("undelivered", "urgent").messages;
  dispatcher.deliver(1n, wire("controller", "sync_block", NEIGHBOUR_SIZE_MAX - 1_000));
  dispatcher.deliver(1n, wire("controller", "chain_status", 1_000));
  assert.equal(droppedCount(), 0, "the limit counts before the next message");
  dispatcher.deliver(1n, wire("controller", "chain_status"));
  assert.equal(droppedCount(), 1);
  dispatcher.deliver(2n, wire("controller", "chain_status"));
  assert.equal(droppedCount(), 1);
});

Deno.test("Dispatcher bounds the bytes of all neighbours of which much waits", () => {
  const { dispatcher, traffic } = setup();
  dispatcher.register("m", at(50001));
  const droppedCount = () => traffic.count("undelivered", "sync").messages;
  const largest = wire("m", "x", MODULE_SIZE_MAX);
  const small = wire("m", "x", SMALL_SIZE_MAX - 1_000);
  dispatcher.deliver(1n, largest);
  for (const origin of [2n, 3n]) dispatcher.deliver(origin, small);
  dispatcher.deliver(2n, small);
  assert.equal(droppedCount(), 0, "one neighbour shuts no other out");
  dispatcher.deliver(2n, wire("m", "x"));
  assert.equal(droppedCount(), 1, "who has much waiting has to wait for the rest");
  dispatcher.deliver(3n, wire("m", "x"));
  assert.equal(droppedCount(), 1);
});

Deno.test("Dispatcher logs a line per second and reason, whatever neighbours send", () => {
  const { dispatcher, log, clock } = setup({ unknownModuleLog: "unregistered module" });
  dispatcher.register("m", at(50001));
  dispatcher.deliver(1n, wire("m", "x", NEIGHBOUR_SIZE_MAX));
  const flood = () => {
    for (let count = 0; count < 1_000; count++) {
      dispatcher.deliver(1n, new Uint8Array(4));
      dispatcher.deliver(1n, wire(`unknown ${count}`, ""));
      dispatcher.deliver(1n, wire("m", "y"));
      dispatcher.deliver(2n, wire("m", "in between"));
    }
  };
  flood();
  clock.advance(1_000);
  flood();
  assert.deepEqual(log.lines.map(({ message, fields }) => [message, fields?.unlogged]), [
    ["network msg decode failed", 0],
    ["unregistered module", 0],
    ["module m is too slow: messages are dropped", 0],
    ["network msg decode failed", 999],
    ["unregistered module", 999],
    ["module m is too slow: messages are dropped", 999],
  ]);
});

Deno.test("Dispatcher.register() has a limit of names", () => {
  const { dispatcher } = setup();
  for (let count = 0; count < 1_024; count++) assert(dispatcher.register(`m${count}`, null));
  assert.equal(dispatcher.register("one more", null), false);
  assert.equal(dispatcher.register("m0", null), true);
});

Deno.test("Dispatcher.close() drops what waits", async () => {
  const { dispatcher, calls, closedPorts } = setup();
  dispatcher.register("m", at(50001));
  dispatcher.deliver(1n, wire("m", "1"));
  dispatcher.deliver(1n, wire("m", "2"));
  const first = await calls.next();
  dispatcher.close();
  first.fail();
  dispatcher.deliver(1n, wire("m", "3"));
  await settle();
  assert.equal(calls.size, 0);
  assert.deepEqual(closedPorts, [50001]);
});
