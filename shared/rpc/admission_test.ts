import assert from "node:assert/strict";
import fc from "fast-check";
import http2 from "node:http2";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { SILENT_LOGGER } from "../log/mod.ts";
import { Admission, type ServerLimits, type Ticket } from "./admission.ts";
import { connect, connectRaw, grpcService, RpcCode, RpcFault, serveGrpc } from "./mod.ts";

const LIMITS: ServerLimits = {
  connectionCallsMax: 100,
  callsMax: 6,
  requestBytesMax: 1_000,
  handledCallsMax: 2,
  answerBytesMax: 3 * 1024 * 1024,
  answerTimeoutMs: 200,
};

function openCall(admission: Admission): Ticket {
  const ticket = admission.open();
  assert(ticket !== null);
  return ticket;
}

Deno.test("Admission.open() refuses calls beyond the limit until one is closed", () => {
  const admission = new Admission(LIMITS);
  const tickets = Array.from({ length: LIMITS.callsMax }, () => openCall(admission));
  assert.equal(admission.open(), null);
  for (const ticket of tickets.slice(0, 1)) admission.close(ticket);
  assert.notEqual(admission.open(), null);
});

Deno.test("Admission.receive() refuses what goes beyond the bytes, and forgets what was answered", () => {
  const admission = new Admission(LIMITS);
  const [first, second] = [openCall(admission), openCall(admission)];
  assert(admission.receive(first, 600));
  assert(!admission.receive(second, 401));
  assert(admission.receive(second, 400));
  assert(!admission.receive(first, 1));
  admission.whenItsTurn(first, () => admission.answer(first, 10));
  assert(admission.receive(second, 600));
  admission.close(second);
  assert(admission.receive(first, 1_000));
});

Deno.test("Admission lets calls be handled in their order, so many at a time", () => {
  const admission = new Admission(LIMITS);
  const begun: number[] = [];
  const tickets = [0, 1, 2, 3, 4].map((index) => {
    const ticket = openCall(admission);
    admission.whenItsTurn(ticket, () => begun.push(index));
    return ticket;
  });
  assert.deepEqual(begun, [0, 1]);
  const [first, second, , fourth] = tickets;
  assert(first !== undefined && second !== undefined && fourth !== undefined);
  admission.answer(first, 0);
  assert.deepEqual(begun, [0, 1, 2]);
  admission.close(fourth); // gave up waiting
  admission.close(second); // gave up while it was handled
  assert.deepEqual(begun, [0, 1, 2, 4]);
});

Deno.test("Admission lets no call begin while large answers are being sent, but one alone always", () => {
  const admission = new Admission(LIMITS);
  const begun: number[] = [];
  const tickets = [0, 1, 2].map((index) => {
    const ticket = openCall(admission);
    admission.whenItsTurn(ticket, () => begun.push(index));
    return ticket;
  });
  const [first, second] = tickets;
  assert(first !== undefined && second !== undefined);
  admission.answer(first, 5_000_000);
  admission.answer(second, 5_000_000);
  assert.deepEqual(begun, [0, 1]);
  admission.close(first);
  assert.deepEqual(begun, [0, 1]); // the third is assumed to be as large
  admission.close(second);
  assert.deepEqual(begun, [0, 1, 2]);
});

Deno.test("Admission keeps its limits over any course of calls, and comes back to nothing", () => {
  const step = fc.record({ call: fc.nat(9), bytes: fc.nat(700), end: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const admission = new Admission(LIMITS);
    const calls = new Map<number, { ticket: Ticket; held: number; state: string }>();
    for (const { call: number, bytes, end } of steps) {
      const call = calls.get(number);
      if (call === undefined) {
        const ticket = admission.open();
        assert.equal(ticket === null, calls.size === LIMITS.callsMax);
        if (ticket !== null) calls.set(number, { ticket, held: 0, state: "receiving" });
      } else if (end) {
        admission.close(call.ticket);
        calls.delete(number);
      } else if (call.state === "receiving" && bytes > 350) {
        const held = [...calls.values()].reduce((sum, other) => sum + other.held, 0);
        const fits = admission.receive(call.ticket, bytes);
        assert.equal(fits, held + bytes <= LIMITS.requestBytesMax);
        if (fits) call.held += bytes;
      } else if (call.state === "receiving") {
        call.state = "waiting";
        admission.whenItsTurn(call.ticket, () => call.state = "handled");
      } else if (call.state === "handled") {
        admission.answer(call.ticket, bytes);
        call.state = "answered";
        call.held = 0;
      }
      const states = [...calls.values()].map(({ state }) => state);
      const handled = states.filter((state) => state === "handled").length;
      assert(handled <= LIMITS.handledCallsMax);
      assert(handled === LIMITS.handledCallsMax || !states.includes("waiting"));
    }
    for (const { ticket } of calls.values()) admission.close(ticket);
    const fresh = openCall(admission);
    assert(admission.receive(fresh, LIMITS.requestBytesMax));
  }));
});

const LOAD = StorageServiceService.load.path;
const REFUSED = { store: { code: 605 } };

Deno.test("serveGrpc() answers calls beyond its limits with the refusal of the method", async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let handled = 0;
  const hold = async () => {
    handled += 1;
    await ended;
    return { code: 0 };
  };
  const handlers = { store: hold, delete: hold, load: () => Promise.reject(new Error("unused")) };
  const services = [grpcService(StorageServiceService, handlers, REFUSED)];
  const log = SILENT_LOGGER;
  const server = await serveGrpc({ host: "127.0.0.1", port: 0, services, log, limits: LIMITS });
  const storage = connect(StorageServiceService, { port: server.port });
  const record = { region: 1, key: Uint8Array.of(1), value: new Uint8Array(100) };
  const waiting = Array.from({ length: LIMITS.callsMax - 1 }, () => storage.store(record));
  // one that cannot be kept whole is refused, and makes room again
  assert.equal((await storage.store({ ...record, value: new Uint8Array(2_000) })).code, 605);
  waiting.push(storage.store(record));
  assert.equal((await storage.store(record)).code, 605);
  await assert.rejects(
    storage.delete(record),
    (error) => error instanceof RpcFault && error.code === RpcCode.ResourceExhausted,
  );
  const raw = connectRaw({ port: server.port });
  assert.equal((await raw.call("/grpc.health.v1.Health/Check", new Uint8Array())).length, 2);
  assert.equal(handled, LIMITS.handledCallsMax);
  end();
  for (const { code } of await Promise.all(waiting)) assert.equal(code, 0);
  assert.equal((await storage.store(record)).code, 0);
  raw.close();
  storage.close();
  await server.close();
});

Deno.test("serveGrpc() counts what is handled until it is done, also for callers that are gone", async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let handled = 0;
  const hold = async () => {
    handled += 1;
    await ended;
    return { code: 0 };
  };
  const handlers = { store: hold, delete: hold, load: () => Promise.reject(new Error("unused")) };
  const services = [grpcService(StorageServiceService, handlers, REFUSED)];
  const log = SILENT_LOGGER;
  const server = await serveGrpc({ host: "127.0.0.1", port: 0, services, log, limits: LIMITS });
  const storage = connect(StorageServiceService, { port: server.port });
  const record = { region: 1, key: Uint8Array.of(1), value: new Uint8Array(100) };
  const impatient = () => storage.store(record, { deadlineMs: 100 });
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.allSettled([impatient(), impatient()]);
    assert(answers.every(({ status }) => status === "rejected"));
  }
  assert.equal(handled, LIMITS.handledCallsMax);
  const waiting = storage.store(record);
  end();
  assert.equal((await waiting).code, 0);
  storage.close();
  await server.close();
});

Deno.test("serveGrpc() cuts off a caller that does not take a large answer", async () => {
  const value = new Uint8Array(200_000);
  const load = () => Promise.resolve({ status: { code: 0 }, value });
  const none = () => Promise.resolve({ code: 0 });
  const services = [grpcService(StorageServiceService, { load, store: none, delete: none })];
  const log = SILENT_LOGGER;
  const server = await serveGrpc({ host: "127.0.0.1", port: 0, services, log, limits: LIMITS });
  const session = http2.connect(`http://127.0.0.1:${server.port}`, {
    settings: { initialWindowSize: 0 },
  });
  const stream = session.request({
    ":method": "POST",
    ":path": LOAD,
    "content-type": "application/grpc",
    "te": "trailers",
  });
  const closed = new Promise<void>((resolve) => stream.on("close", resolve));
  stream.on("error", () => {}); // it ends with a reset
  stream.resume();
  stream.end(new Uint8Array(5)); // an empty message
  await closed;
  session.destroy();
  await server.close();
});

/** A storage that loads at once, and holds all other calls until the end. */
function holdingServices() {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const hold = async () => {
    await ended;
    return { code: 0 };
  };
  const load = () => Promise.resolve({ status: { code: 0 }, value: Uint8Array.of(7) });
  const services = [grpcService(StorageServiceService, { store: hold, delete: hold, load })];
  return { services, end };
}

Deno.test("serveGrpc() never refuses methods without limits, and does not count their calls", async () => {
  const { services, end } = holdingServices();
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services,
    log: SILENT_LOGGER,
    limits: { ...LIMITS, callsMax: 1 },
    apart: [{ paths: [StorageServiceService.delete.path, LOAD] }],
  });
  const storage = connect(StorageServiceService, { port: server.port });
  const record = { region: 1, key: new Uint8Array(2_000), value: Uint8Array.of() };
  const held = [storage.delete(record), storage.delete(record)];
  assert.equal((await storage.load(record)).value[0], 7);
  const small = { ...record, key: Uint8Array.of(1) };
  held.push(storage.store(small));
  await assert.rejects(storage.store(small), RpcFault);
  end();
  for (const { code } of await Promise.all(held)) assert.equal(code, 0);
  storage.close();
  await server.close();
});

Deno.test("serveGrpc() lets no method wait for those that are counted apart, nor those for it", async () => {
  const { services, end } = holdingServices();
  const { store, delete: remove } = StorageServiceService;
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services,
    log: SILENT_LOGGER,
    limits: LIMITS,
    apart: [{ paths: [store.path, remove.path], limits: { ...LIMITS, callsMax: 2 } }],
  });
  const storage = connect(StorageServiceService, { port: server.port });
  const record = { region: 1, key: Uint8Array.of(1), value: new Uint8Array() };
  const held = [storage.store(record), storage.delete(record)];
  await assert.rejects(storage.store(record), RpcFault);
  assert.equal((await storage.load(record)).value[0], 7);
  end();
  for (const { code } of await Promise.all(held)) assert.equal(code, 0);
  storage.close();
  await server.close();
});
