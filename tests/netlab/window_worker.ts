/**
 * The thread that makes ports of a node reachable from the namespace of the test: services listen
 * on 127.0.0.1 of their own node. It listens outside first, then enters the node's namespace.
 *
 * @module
 */

import { serveWorker } from "../../shared/workers/mod.ts";
import { LibC } from "./libc.ts";

/** What the thread is told at its start. */
export interface WindowOptions {
  /** Path of the namespace. */
  readonly namespace: string;
  /** Ports at 127.0.0.1 of the node. */
  readonly ports: readonly number[];
}

const HOST = "127.0.0.1";

/** Passes connections on; gives the ports outside, in the order of those inside. */
function open({ namespace, ports }: WindowOptions): number[] {
  const listeners = ports.map(() => Deno.listen({ hostname: HOST, port: 0 }));
  using libc = new LibC();
  libc.enterNamespace(namespace);
  for (const [index, listener] of listeners.entries()) void serve(listener, ports[index] ?? 0);
  return listeners.map(({ addr }) => addr.port);
}

async function serve(listener: Deno.TcpListener, port: number): Promise<void> {
  for await (const outside of listener) {
    Deno.connect({ hostname: HOST, port }).then(
      (inside) => Promise.all([pump(outside, inside), pump(inside, outside)]),
      () => outside.close(), // nobody listens there, now
    );
  }
}

async function pump(source: Deno.TcpConn, target: Deno.TcpConn): Promise<void> {
  // the other direction ends with the connection, and tells nobody anything new
  await source.readable.pipeTo(target.writable).catch(() => {});
}

serveWorker((options: WindowOptions) => Promise.resolve(open(options)));
