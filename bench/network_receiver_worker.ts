/** The other node of `network.ts`, in a thread of its own: counts messages and answers pings. */

import { parentPort } from "node:worker_threads";
import { NetworkMsg } from "../proto/gen/network.ts";
import { decode } from "../shared/codec/mod.ts";
import { encodeFrame } from "../services/network/frame.ts";
import { type NodeOptions, openNode } from "./network_node.ts";

/** What the worker is told. */
export type Order =
  | { readonly kind: "open node"; readonly options: NodeOptions }
  | { readonly kind: "open tcp" }
  /** Tell when so many messages (of TCP: bytes) have arrived. */
  | { readonly kind: "expect"; readonly count: number };

/** What the worker tells. */
export type Report =
  | { readonly kind: "open"; readonly port: number }
  | { readonly kind: "arrived"; readonly rssSize: number };

/** The type of messages that are sent back. */
export const PING = "ping";

const TCP_READ_SIZE = 256 * 1024;

let missing = 0;

parentPort?.on("message", async (data: Order) => {
  if (data.kind === "expect") arrived(-data.count); // some may have been here before
  else if (data.kind === "open node") {
    tell({ kind: "open", port: await openReceiver(data.options) });
  } else tell({ kind: "open", port: openTcp() });
});

function tell(report: Report): void {
  parentPort?.postMessage(report);
}

function arrived(count: number): void {
  missing -= count;
  if (missing === 0) tell({ kind: "arrived", rssSize: Deno.memoryUsage().rss });
}

async function openReceiver(options: NodeOptions): Promise<number> {
  const { transport, port } = await openNode(options, {
    message(origin, bytes) {
      const message = decode(NetworkMsg, bytes); // as the dispatcher does, to find the module
      if (message.type === PING) transport.send(origin, encodeFrame(message));
      else arrived(1);
    },
  });
  return port;
}

function openTcp(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.accept().then(async (socket) => {
    listener.close();
    const buffer = new Uint8Array(TCP_READ_SIZE);
    for (;;) {
      const size = await socket.read(buffer);
      if (size === null) return socket.close();
      arrived(size);
    }
  });
  return listener.addr.port;
}
