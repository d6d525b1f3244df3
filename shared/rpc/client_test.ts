/** What clients make of servers that misbehave. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import http2, { constants, type ServerHttp2Stream } from "node:http2";
import net from "node:net";
import { Channel } from "./channel.ts";
import { connectRaw, type RawClient, RpcCode, RpcFault } from "./mod.ts";

const OK = { ":status": 200, "content-type": "application/grpc" };
const MESSAGE = Buffer.of(0, 0, 0, 0, 1, 7);
/** A call that waits for it would fail the test by its time. */
const LONG_MS = 60_000;

type Answer = (stream: ServerHttp2Stream, count: number) => void;

/** Serves HTTP/2 with whatever answers the n-th call, from 1. */
async function withServer(
  answer: Answer,
  test: (client: RawClient, port: number) => Promise<void>,
): Promise<void> {
  let count = 0;
  const server = http2.createServer();
  const sessions: http2.ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.resume();
    answer(stream, ++count);
  });
  const port = await listen(server);
  const client = connectRaw({ port, deadlineMs: LONG_MS });
  try {
    await test(client, port);
  } finally {
    client.close();
    const closed = new Promise((resolve) => server.close(resolve));
    for (const session of sessions) session.destroy();
    await closed;
  }
}

function listen(server: net.Server | http2.Http2Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    })
  );
}

/** The gRPC status of a call that must fail. */
async function faultOf(client: RawClient): Promise<RpcFault> {
  const outcome = await client.call("/s/M", Uint8Array.of()).catch((error: unknown) => error);
  assert(outcome instanceof RpcFault, `it must fail, got ${outcome}`);
  return outcome;
}

function answerWith(message: Buffer, trailers: Record<string, string>): Answer {
  return (stream) => {
    stream.respond(OK, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(message);
  };
}

Deno.test("a call that the service has not looked at is sent once more, not twice", async () => {
  const good = answerWith(MESSAGE, { "grpc-status": "0" });
  const refuse = (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM);
  const answer: Answer = (stream, count) => count === 2 ? good(stream, count) : refuse(stream);
  await withServer(answer, async (client) => {
    assert.deepEqual(await client.call("/s/M", Uint8Array.of()), Uint8Array.of(7));
    const fault = await faultOf(client);
    assert.equal(fault.code, RpcCode.Unavailable);
    assert(fault.isTransport);
  });
});

Deno.test("an answer that is not of a gRPC service is a fault that says so", async () => {
  const answers = [
    [{ ":status": 404 }, RpcCode.Unimplemented, "404"],
    [{ ":status": 503 }, RpcCode.Unavailable, "503"],
    [{ ":status": 418 }, RpcCode.Unknown, "418"],
    [{ ":status": 200, "content-type": "text/html" }, RpcCode.Unknown, "text/html"],
  ] as const;
  const answer: Answer = (stream, count) => {
    stream.respond(answers[count - 1]?.[0]);
    stream.end("<html>");
  };
  await withServer(answer, async (client) => {
    for (const [, code, text] of answers) {
      const fault = await faultOf(client);
      assert.equal(fault.code, code);
      assert(fault.details.includes(text), fault.details);
    }
  });
});

Deno.test("an answer that is broken is a fault, whatever its status says", async () => {
  const good = { "grpc-status": "0" };
  const broken: readonly (readonly [Buffer, Record<string, string>, RpcCode, RegExp])[] = [
    [Buffer.of(), good, RpcCode.Internal, /no message/],
    [MESSAGE.subarray(0, 5), good, RpcCode.Internal, /cut off/],
    [Buffer.concat([MESSAGE, MESSAGE]), good, RpcCode.Internal, /more than one/],
    [MESSAGE, { "grpc-status": "many" }, RpcCode.Unknown, /^$/],
    [MESSAGE, { "grpc-status": "5", "grpc-message": "n%C3%B6 %zz" }, RpcCode.NotFound, /%zz/],
    [MESSAGE, { other: "x" }, RpcCode.Internal, /without a status/],
  ];
  const answer: Answer = (stream, count) => {
    const [message, trailers] = broken[count - 1] ?? [MESSAGE, good];
    answerWith(message, trailers)(stream, count);
  };
  await withServer(answer, async (client) => {
    for (const [, , code, details] of broken) {
      const fault = await faultOf(client);
      assert.equal(fault.code, code);
      assert.match(fault.details, details);
    }
  });
});

Deno.test("calls fail at once when their connection is lost, and later ones use another", async () => {
  const answer: Answer = (stream, count) => {
    if (count === 2) stream.session?.destroy(); // with the first call still on it
    if (count > 2) answerWith(MESSAGE, { "grpc-status": "0" })(stream, count);
  };
  await withServer(answer, async (client) => {
    for (const { code } of await Promise.all([faultOf(client), faultOf(client)])) {
      assert.equal(code, RpcCode.Unavailable);
    }
    assert.deepEqual(await client.call("/s/M", Uint8Array.of()), Uint8Array.of(7));
  });
});

Deno.test("a service that stops lets running calls end and gets no new ones", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<ServerHttp2Stream>();
  const good = answerWith(MESSAGE, { "grpc-status": "0" });
  const answer: Answer = (stream, count) => {
    if (count > 1) return good(stream, count);
    arrive(stream);
    stream.session?.close(); // GOAWAY
  };
  await withServer(answer, async (client) => {
    const first = client.call("/s/M", Uint8Array.of());
    const stream = await arrived;
    assert.deepEqual(await client.call("/s/M", Uint8Array.of()), Uint8Array.of(7));
    good(stream, 1);
    assert.deepEqual(await first, Uint8Array.of(7));
  });
});

Deno.test("close() fails the running calls and all further ones", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  await withServer(() => arrive(), async (client, port) => {
    const running = faultOf(client);
    const other = connectRaw({ port });
    const waiting = faultOf(other);
    other.close();
    assert.equal((await waiting).code, RpcCode.Cancelled);
    await arrived;
    client.close();
    assert((await running).isTransport);
    assert.equal((await faultOf(client)).code, RpcCode.Cancelled);
  });
});

Deno.test("a listener that speaks no HTTP/2 is left alone between two attempts", async () => {
  let attempts = 0;
  const server = net.createServer((socket) => {
    attempts += 1;
    socket.on("error", () => {});
    socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const port = await listen(server);
  const client = connectRaw({ port, deadlineMs: LONG_MS });
  for (let call = 0; call < 20; call++) {
    const fault = await faultOf(client);
    assert.equal(fault.code, RpcCode.Unavailable);
    assert(fault.details.startsWith(`cannot connect to 127.0.0.1:${port}`), fault.details);
  }
  assert(attempts >= 1 && attempts <= 3, `${attempts} attempts`);
  client.close();
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("a call does not wait longer for a connection than its deadline", async () => {
  const server = net.createServer((socket) => socket.on("error", () => {}).resume());
  const port = await listen(server);
  const client = connectRaw({ port, deadlineMs: 50 });
  assert.equal((await faultOf(client)).code, RpcCode.DeadlineExceeded);
  client.close();
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("a connection that has had its calls is replaced without loss", async () => {
  const sessions = new Set<unknown>();
  const answer: Answer = (stream, count) => {
    sessions.add(stream.session);
    answerWith(MESSAGE, { "grpc-status": "0" })(stream, count);
  };
  await withServer(answer, async (_, port) => {
    const channel = new Channel({ host: "127.0.0.1", port, callsMax: 10 });
    const request = {
      headers: { ":method": "POST", ":path": "/s/M", "content-type": "application/grpc" },
      frame: MESSAGE,
      deadlineMs: LONG_MS,
    };
    const calls = Array.from({ length: 95 }, () => channel.call(request));
    for (const message of await Promise.all(calls)) assert.deepEqual(message, Uint8Array.of(7));
    assert.equal(sessions.size, 10);
    channel.close();
  });
});
