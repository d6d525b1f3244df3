import assert from "node:assert/strict";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { SILENT_LOGGER } from "../log/mod.ts";
import { connect, grpcService, RpcCode, RpcError, serveGrpc } from "../rpc/mod.ts";
import {
  addProcessMetrics,
  EventLoopWatch,
  Metrics,
  observeClientCalls,
  observeServerCalls,
  serveMetrics,
  Tally,
} from "./mod.ts";
import { listenOnAny } from "./serve.ts";

/** The lines of one metric, without those that explain it. */
async function linesOf(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith(name));
}

Deno.test("Metrics.gauge() shows what its owner says at that moment, or nothing", async () => {
  const metrics = new Metrics();
  let height: number | null = null;
  metrics.gauge({ name: "height", help: "Height", read: () => height });
  assert.deepEqual(await linesOf(metrics, "height"), []);
  height = 7;
  assert.deepEqual(await linesOf(metrics, "height"), ["height 7"]);
  height = 0;
  assert.deepEqual(await linesOf(metrics, "height"), ["height 0"]);
});

Deno.test("Metrics.gauge() shows one series for each sample, and those that are gone no more", async () => {
  const metrics = new Metrics();
  let words = ["a", "b"];
  const read = () => words.map((word) => ({ labels: { word }, value: word.length }));
  metrics.gauge({ name: "size", help: "Size", labelNames: ["word"], read });
  assert.deepEqual(await linesOf(metrics, "size"), ['size{word="a"} 1', 'size{word="b"} 1']);
  words = ["ccc"];
  assert.deepEqual(await linesOf(metrics, "size"), ['size{word="ccc"} 3']);
});

Deno.test("Metrics.counter() shows a Tally, escaped, and series that are gone no more", async () => {
  const metrics = new Metrics();
  let tally = new Tally(["code"]);
  const labelNames = tally.labelNames;
  metrics.counter({ name: "txs_total", help: "Txs", labelNames, read: () => tally.samples() });
  tally.add(["a"]);
  tally.add(['q"\n'], 3);
  tally.add(["a"]);
  const expected = ['txs_total{code="a"} 2', 'txs_total{code="q\\"\\n"} 3'];
  assert.deepEqual(await linesOf(metrics, "txs_total"), expected);
  assert.deepEqual(await linesOf(metrics, "txs_total"), expected, "the same when asked again");
  tally = new Tally(["code"]);
  assert.deepEqual(await linesOf(metrics, "txs_total"), []);
});

Deno.test("serveMetrics() answers GET and HEAD of /metrics, on IPv4 and IPv6", async () => {
  const metrics = new Metrics();
  metrics.gauge({ name: "height", help: "Height of the chain", read: () => 12 });
  const server = serveMetrics({ port: 0, metrics });
  const url = `http://127.0.0.1:${server.port}/metrics`;
  const text = "# HELP height Height of the chain\n# TYPE height gauge\nheight 12\n";
  const answer = await fetch(url);
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(await answer.text(), text);
  assert.equal(await (await fetch(`${url}?x=1`)).text(), text);
  const head = await fetch(url, { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
  const statusOf = async (path: string, init: RequestInit = {}) => {
    const { status, body } = await fetch(`http://localhost:${server.port}${path}`, init);
    await body?.cancel();
    return status;
  };
  assert.equal(await statusOf("/"), 404);
  assert.equal(await statusOf("/metrics/x"), 404);
  assert.equal(await statusOf("/metrics", { method: "POST", body: "x" }), 405);
  if (hasIpv6()) {
    assert.equal(await (await fetch(`http://[::1]:${server.port}/metrics`)).text(), text);
  }
  await server.close();
  await assert.rejects(fetch(url), "nothing listens after close()");
});

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("serveMetrics() names the port that is taken", () => {
  const other = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port } = other.addr;
  assert.throws(
    () => serveMetrics({ port, metrics: new Metrics() }),
    new RegExp(`^Error: Cannot serve metrics on port ${port}: it must be free, got "`),
  );
  other.close();
});

Deno.test("listenOnAny() does without IPv6, but not without the port", () => {
  const asked: string[] = [];
  const listen = (failure: Error, onlyOn: string) => (hostname: string) => {
    asked.push(hostname);
    if (hostname === onlyOn) throw failure;
    return hostname;
  };
  const noFamily = new Error("Address family not supported by protocol");
  assert.equal(listenOnAny(listen(noFamily, "::"), 1), "0.0.0.0");
  assert.throws(
    () => listenOnAny(listen(new Deno.errors.AddrInUse("taken"), "::"), 1),
    /got "taken"/,
  );
  assert.deepEqual(asked.splice(0), ["::", "0.0.0.0", "::"]);
});

Deno.test("addProcessMetrics() and EventLoopWatch show the state of the process", async () => {
  const metrics = new Metrics();
  const fired: (() => void)[] = [];
  let nowMs = 1_000;
  const clock = {
    ...SYSTEM_CLOCK,
    monotonicMs: () => nowMs,
    nowMs: () => 1_700_000_000_500,
    setTimer: (_delayMs: number, fire: () => void) => {
      fired.push(fire);
      return { cancel: () => void fired.splice(0) };
    },
  };
  addProcessMetrics(metrics, clock);
  const watch = new EventLoopWatch(metrics, clock);
  for (const lateMs of [0, 2, 200]) {
    nowMs += 500 + lateMs;
    fired.shift()?.();
  }
  const text = await metrics.text();
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
  assert.equal(value("process_start_time_seconds"), 1_700_000_000.5);
  assert(value("process_cpu_seconds_total") > 0);
  assert(value("process_resident_memory_bytes") > 1e7);
  assert(value("process_heap_bytes") > 1e6);
  const lag = "process_event_loop_lag_seconds";
  assert.match(text, new RegExp(`^${lag}_bucket\\{le="0.001"\\} 1$`, "m"));
  assert.match(text, new RegExp(`^${lag}_bucket\\{le="0.1"\\} 2$`, "m"));
  assert.equal(value(`${lag}_count`), 3);
  watch.stop();
  assert.equal(fired.length, 0);
});

const CALLS = { prefix: "test", bucketsMs: [1, 1_000] };

Deno.test("observeServerCalls() and observeClientCalls() show calls at both ends", async () => {
  const [atServer, atClient] = [new Metrics(), new Metrics()];
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    log: SILENT_LOGGER,
    onFinished: observeServerCalls(atServer, CALLS),
    services: [
      grpcService(StorageServiceService, {
        store: () => Promise.reject(new RpcError(RpcCode.InvalidArgument, "no")),
        load: ({ key }) => Promise.resolve({ status: { code: 0 }, value: key }),
        delete: () => Promise.resolve({ code: 0 }),
      }),
    ],
  });
  const onFinished = observeClientCalls(atClient, CALLS)("storage");
  const named = connect(StorageServiceService, { ...server, clientName: "my-tool", onFinished });
  const nameless = connect(StorageServiceService, { ...server, onFinished });
  const request = { region: 1, key: new Uint8Array(), value: new Uint8Array() };
  await named.load(request);
  await named.load(request);
  await nameless.load(request);
  await assert.rejects(named.store(request));
  for (const client of [named, nameless]) client.close();
  await server.close();
  await assert.rejects(nameless.load(request));

  const count = (method: string) => `test_rpc_duration_seconds_count{method="${method}"}`;
  assert.deepEqual(await linesOf(atServer, count("Load")), [`${count("Load")} 3`]);
  assert.deepEqual(await linesOf(atServer, count("Store")), [`${count("Store")} 1`]);
  assert.deepEqual(await linesOf(atServer, "test_rpc_errors_total"), [
    'test_rpc_errors_total{method="Store",code="3"} 1',
  ]);
  assert.deepEqual(await linesOf(atServer, "my_tool_to_Load_count"), ["my_tool_to_Load_count 2"]);
  assert.deepEqual(await linesOf(atServer, "my_tool_to_Store_count"), ["my_tool_to_Store_count 1"]);
  assert.match(await atServer.text(), /^my_tool_to_Load_bucket\{le="1000"\} 2$/m);

  const outgoing = 'test_outgoing_rpc_duration_seconds_count{service="storage",method="Load"}';
  assert.deepEqual(await linesOf(atClient, outgoing), [`${outgoing} 4`]);
  const errors = await linesOf(atClient, "test_outgoing_rpc_errors_total");
  assert.deepEqual(errors.length, 2);
  assert.match(errors.join(), /method="Store",code="3"\} 1/);
});

Deno.test("observeServerCalls() lets callers make up a limited number of names", async () => {
  const metrics = new Metrics();
  const observe = observeServerCalls(metrics, CALLS);
  const call = { method: "Load", code: 0, durationMs: 1 };
  const names = Array.from({ length: 1_000 }, (_, i) => `evil${i}`);
  const bad = ["", "9x", "a b", 'a"b', "a{b}", "x".repeat(33), "é", "__proto__", "a\nb 1"];
  for (const clientName of [...names, ...bad, "consensus"]) observe({ ...call, clientName });
  const found = (await metrics.text()).match(/^# TYPE \S+_to_Load histogram$/gm) ?? [];
  assert.equal(found.length, 17);
  assert(found.includes("# TYPE consensus_to_Load histogram"));
});
