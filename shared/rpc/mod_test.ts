import assert from "node:assert/strict";
import { createServer } from "node:net";
import { HealthCheckResponse_ServingStatus, HealthService } from "../../proto/gen/health.ts";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { SILENT_LOGGER } from "../log/mod.ts";
import {
  connect,
  connectRaw,
  grpcService,
  rawRequest,
  RpcCode,
  RpcError,
  RpcFault,
  serveGrpc,
} from "./mod.ts";
import { ECHO, serveEcho, type StorageHandlers, withEcho } from "./testing/echo_server.ts";

Deno.test("connect() calls a served method, also with 20 MB each way", async () => {
  const seen: Uint8Array[] = [];
  const load: StorageHandlers["load"] = ({ key }) => {
    seen.push(key);
    return Promise.resolve({ status: { code: 0 }, value: key });
  };
  await withEcho({ load }, async ({ port }) => {
    const storage = connect(StorageServiceService, { port });
    const key = new Uint8Array(20_000_000).fill(7);
    const { value } = await storage.load({ region: 1, key });
    storage.close();
    assert.equal(value.length, key.length);
    // plain arrays on both sides: a Buffer's slice() would share memory
    for (const bytes of [value, seen[0]]) assert.equal(bytes?.constructor, Uint8Array);
  });
});

Deno.test("rawRequest() leaves the request of one method as it is on the wire", async () => {
  const definition = rawRequest(StorageServiceService, "load");
  const services = [grpcService(definition, {
    ...ECHO,
    load: (request) => Promise.resolve({ status: { code: 0 }, value: request }),
  })];
  const server = await serveGrpc({ host: "127.0.0.1", port: 0, services, log: SILENT_LOGGER });
  const [raw, typed] = [connect(definition, server), connect(StorageServiceService, server)];
  const malformed = Uint8Array.of(0x0a, 0x05);
  assert.deepEqual((await raw.load(malformed)).value, malformed);
  const { value } = await typed.load({ region: 1, key: Uint8Array.of(7) });
  assert.deepEqual(value, Uint8Array.of(0x08, 0x01, 0x12, 0x01, 0x07));
  const content = { region: 1, key: malformed, value: malformed };
  assert.deepEqual(await raw.store(content), { code: 0 });
  raw.close();
  typed.close();
  await server.close();
});

Deno.test("connectRaw() carries bytes both ways and gives a status as RpcFault", async () => {
  await withEcho({}, async ({ port }) => {
    const raw = connectRaw({ port });
    const key = Uint8Array.of(0x12, 0x01, 0x07);
    const answer = await raw.call("/storage.StorageService/Load", key);
    // a present status of 0 is an empty message, field 2 is the echoed key
    assert.deepEqual(answer, Uint8Array.of(0x0a, 0x00, 0x12, 0x01, 0x07));
    const codeOf = (path: string, request: Uint8Array) =>
      raw.call(path, request).then(() => 0, (error) => error instanceof RpcFault ? error.code : -1);
    assert.equal(
      await codeOf("/storage.StorageService/Load", Uint8Array.of(0xff)),
      RpcCode.Internal,
    );
    assert.equal(await codeOf("/storage.StorageService/No", key), RpcCode.Unimplemented);
    raw.close();
  });
});

Deno.test("RpcError of a handler reaches the caller as code and text", async () => {
  const refuse = () => Promise.reject(new RpcError(RpcCode.InvalidArgument, "HistoryDupTx"));
  await withEcho({ load: refuse }, async ({ port }) => {
    const storage = connect(StorageServiceService, { port });
    await assert.rejects(
      storage.load({ region: 1, key: new Uint8Array() }),
      (error) =>
        error instanceof RpcFault && error.code === RpcCode.InvalidArgument &&
        error.details === "HistoryDupTx" && !error.isTransport,
    );
    storage.close();
  });
});

Deno.test("serveGrpc() answers a handler's unexpected error with INTERNAL and goes on", async () => {
  const fail = () => {
    throw new TypeError("secret detail");
  };
  await withEcho({ load: fail }, async ({ port }) => {
    const storage = connect(StorageServiceService, { port });
    await assert.rejects(
      storage.load({ region: 1, key: new Uint8Array() }),
      (error) =>
        error instanceof RpcFault && error.code === RpcCode.Internal &&
        !error.message.includes("secret"),
    );
    const { code } = await storage.delete({ region: 1, key: new Uint8Array() });
    assert.equal(code, 0);
    storage.close();
  });
});

Deno.test("connect() reports a service that does not answer in time", async () => {
  const { promise, resolve } = Promise.withResolvers<{ code: number }>();
  await withEcho({ store: () => promise }, async ({ port }) => {
    const storage = connect(StorageServiceService, { port, deadlineMs: 100 });
    const content = { region: 1, key: new Uint8Array(), value: new Uint8Array() };
    await assert.rejects(
      storage.store(content),
      (error) => error instanceof RpcFault && error.code === RpcCode.DeadlineExceeded,
    );
    resolve({ code: 0 });
    storage.close();
  });
});

Deno.test("connect() finds a service again that was away", async () => {
  const first = await serveEcho({});
  const storage = connect(StorageServiceService, { port: first.port });
  const request = { region: 1, key: new Uint8Array([1]) };
  await storage.load(request);
  await first.close();
  await assert.rejects(storage.load(request), (error) => error instanceof RpcFault);
  const second = await serveEcho({}, first.port);
  const deadline = performance.now() + 5_000;
  let answered = false;
  while (!answered && performance.now() < deadline) {
    answered = await storage.load(request).then(() => true, () => false);
  }
  assert(answered);
  storage.close();
  await second.close();
});

Deno.test("serveGrpc() names the port that is taken", async () => {
  const blocker = createServer();
  const port = await new Promise<number>((resolve) =>
    blocker.listen(0, "127.0.0.1", () => {
      const address = blocker.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    })
  );
  await assert.rejects(serveEcho({}, port), new RegExp(`Cannot listen on 127.0.0.1:${port}`));
  await new Promise((resolve) => blocker.close(resolve));
});

Deno.test("serveGrpc() serves the health service", async () => {
  await withEcho({}, async ({ port }) => {
    const health = connect(HealthService, { port });
    for (const service of ["", "storage.StorageService"]) {
      const { status } = await health.check({ service });
      assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
    }
    await assert.rejects(
      health.check({ service: "storage" }),
      (error) => error instanceof RpcFault && error.code === RpcCode.NotFound,
    );
    health.close();
  });
});

Deno.test("onDisconnect() tells of a service that was restarted between two calls", async () => {
  const first = await serveEcho({});
  const storage = connect(StorageServiceService, { port: first.port });
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  storage.onDisconnect(resolve);
  const request = { region: 1, key: new Uint8Array([1]) };
  await storage.load(request);
  await first.close();
  await lost;
  storage.close();
});
