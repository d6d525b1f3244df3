/** What servers make of callers that misbehave. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import http2, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import net from "node:net";
import fc from "fast-check";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { type Caller, connect, RpcCode, RpcError, RpcFault, type RpcServer } from "./mod.ts";
import { type StorageHandlers, withEcho } from "./testing/echo_server.ts";

const HEADERS = {
  ":method": "POST",
  ":path": StorageServiceService.load.path,
  "content-type": "application/grpc",
  "te": "trailers",
};

/** Sends a request as no client of ours would; gives the headers of the answer and its trailers. */
async function request(
  { port }: RpcServer,
  headers: OutgoingHttpHeaders,
  body = Buffer.of(0, 0, 0, 0, 0),
): Promise<IncomingHttpHeaders> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ...HEADERS, ...headers }, { endStream: false });
  const answer: IncomingHttpHeaders = {};
  stream.on("response", (received) => Object.assign(answer, received));
  stream.on("trailers", (received) => Object.assign(answer, received));
  stream.resume().end(body);
  try {
    await new Promise((resolve, reject) => stream.on("close", resolve).on("error", reject));
    return answer;
  } finally {
    session.destroy();
  }
}

Deno.test("serveGrpc() answers what is no gRPC call with an HTTP status", async () => {
  await withEcho({}, async (server) => {
    const answers = [
      [{ ":method": "GET" }, 405],
      [{ "content-type": "application/json" }, 415],
      [{ "content-type": "application/grpc+proto" }, 200],
    ] as const;
    for (const [headers, status] of answers) {
      assert.equal((await request(server, headers))[":status"], status);
    }
  });
});

Deno.test("serveGrpc() answers a request that is not one message with a status", async () => {
  await withEcho({}, async (server) => {
    const answers: readonly (readonly [number[], RpcCode])[] = [
      [[0, 0, 0, 0, 0], RpcCode.Ok],
      [[], RpcCode.Internal],
      [[0, 0, 0, 0, 9, 1], RpcCode.Internal],
      [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], RpcCode.Internal],
      [[1, 0, 0, 0, 0], RpcCode.Unimplemented],
      [[0, 0, 0, 0, 1, 0xff], RpcCode.Internal],
    ];
    for (const [body, code] of answers) {
      const { "grpc-status": status } = await request(server, {}, Buffer.from(body));
      assert.equal(status, String(code), `for ${body}`);
    }
  });
});

Deno.test("serveGrpc() is not harmed by what is no HTTP/2", async () => {
  await withEcho({}, async ({ port }) => {
    for (const text of ["GET / HTTP/1.1\r\n\r\n", "\0".repeat(100), "PRI * HTTP/2.0\r\n\r\nSM"]) {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => {});
      await new Promise<void>((resolve) => socket.resume().end(text, () => resolve()));
      socket.destroy();
    }
    const storage = connect(StorageServiceService, { port });
    const { value } = await storage.load({ region: 1, key: Uint8Array.of(7) });
    assert.deepEqual(value, Uint8Array.of(7));
    storage.close();
  });
});

Deno.test("the text of a status arrives as it was thrown", async () => {
  const text = fc.string({ unit: "binary", maxLength: 60 });
  let thrown = "";
  const load = () => Promise.reject(new RpcError(RpcCode.NotFound, thrown));
  await withEcho({ load }, async (server) => {
    const storage = connect(StorageServiceService, server);
    await fc.assert(
      fc.asyncProperty(text, async (text) => {
        thrown = text;
        const fault = await storage.load({ region: 1, key: Uint8Array.of() })
          .catch((error: unknown) => error);
        assert(fault instanceof RpcFault);
        assert.equal(fault.details, text.toWellFormed());
      }),
      { examples: [["50 % höher\r\n\u{1f600}"], ["%41"]] },
    );
    storage.close();
  });
});

Deno.test("each of many calls on one connection gets its own answer", async () => {
  const load: StorageHandlers["load"] = async ({ key }) => {
    if (key.length % 3 === 0) await new Promise((resolve) => setTimeout(resolve, key.length % 7));
    return { status: { code: 0 }, value: key };
  };
  await withEcho({ load }, async (server) => {
    const storage = connect(StorageServiceService, server);
    const sizes = [...Array(300).keys(), 70_000, 3_000_000, 200_000];
    await Promise.all(sizes.map(async (size, index) => {
      const key = new Uint8Array(size).fill(index);
      assert.deepEqual((await storage.load({ region: 1, key })).value, key);
    }));
    storage.close();
  });
});

Deno.test("close() waits for a running call and takes no new one", async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<{ code: number }>();
  const store = () => {
    begun.resolve();
    return ended.promise;
  };
  await withEcho({ store }, async (server) => {
    const storage = connect(StorageServiceService, server);
    const record = { region: 1, key: Uint8Array.of(), value: Uint8Array.of() };
    const running = storage.store(record);
    await begun.promise;
    let isClosed = false;
    const closing = server.close().then(() => isClosed = true);
    await assert.rejects(storage.delete(record), RpcFault);
    assert(!isClosed);
    ended.resolve({ code: 0 });
    assert.equal((await running).code, 0);
    await closing;
    storage.close();
  });
});

Deno.test("a handler can tell that its caller is gone", async () => {
  const begun = Promise.withResolvers<Caller | undefined>();
  const ended = Promise.withResolvers<{ code: number }>();
  const store: StorageHandlers["store"] = (_record, caller) => {
    begun.resolve(caller);
    return ended.promise;
  };
  await withEcho({ store }, async (server) => {
    const storage = connect(StorageServiceService, server);
    const record = { region: 1, key: Uint8Array.of(), value: Uint8Array.of() };
    const running = assert.rejects(storage.store(record), RpcFault);
    const caller = await begun.promise;
    assert(caller?.isGone === false);
    storage.close();
    await running;
    while (!caller.isGone) await SYSTEM_CLOCK.sleep(1);
    ended.resolve({ code: 0 });
  });
});
