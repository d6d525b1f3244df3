import type { Metrics } from "./metrics.ts";

/** Where to serve which metrics. */
export interface ServeMetricsOptions {
  /** 0 asks the system for a free port. */
  readonly port: number;
  readonly metrics: Metrics;
}

/** A server of metrics. */
export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** All addresses of the machine, IPv4 and IPv6; 6.7 binds the same. */
const ANY_ADDRESS = "::";
const ANY_ADDRESS_V4 = "0.0.0.0";

const PATH = "/metrics";

/**
 * Serves `http://<any address>:<port>/metrics` (spec/controller.md, 17).
 *
 * @throws {Error} when the port cannot be bound
 */
export function serveMetrics({ port, metrics }: ServeMetricsOptions): MetricsServer {
  const answer = answerFrom(metrics);
  const stop = new AbortController();
  const listen = (hostname: string) =>
    Deno.serve({ hostname, port, signal: stop.signal, onListen() {} }, answer);
  const server = listenOnAny(listen, port);
  return {
    port: server.addr.port,
    async close() {
      stop.abort();
      await server.finished;
    },
  };
}

/** Listens on all addresses, on those of IPv4 where the machine has no others. */
export function listenOnAny<Server>(listen: (hostname: string) => Server, port: number): Server {
  try {
    return listen(ANY_ADDRESS);
  } catch (cause) {
    if (isTaken(cause)) throw cannotServe(port, cause);
  }
  try {
    return listen(ANY_ADDRESS_V4);
  } catch (cause) {
    throw cannotServe(port, cause);
  }
}

const isTaken = (error: unknown) =>
  error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.PermissionDenied;

function cannotServe(port: number, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(`Cannot serve metrics on port ${port}: it must be free, got "${reason}"`, {
    cause,
  });
}

function answerFrom(metrics: Metrics): (request: Request) => Promise<Response> {
  let running: Promise<string> | null = null;
  // who asks meanwhile gets the same text: many askers cost no more than one
  const text = () => running ??= metrics.text().finally(() => running = null);
  return async ({ method, url }) => {
    if (new URL(url).pathname !== PATH) {
      return new Response(`Not found: metrics are at ${PATH}\n`, { status: 404 });
    }
    if (method !== "GET" && method !== "HEAD") {
      return new Response("Only GET and HEAD\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const headers = { "content-type": metrics.contentType };
    return new Response(method === "HEAD" ? null : await text(), { headers });
  };
}
