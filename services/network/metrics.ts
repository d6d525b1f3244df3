import type { ServiceMetrics } from "../../shared/service/mod.ts";
import { LANES } from "./core/lane.ts";
import type { Dispatcher } from "./dispatch.ts";
import { type Traffic, TRAFFIC_KINDS, type TrafficCount } from "./traffic.ts";
import type { Transport } from "./transport.ts";

/** What the names of the metrics of the network begin with. */
export const METRICS_PREFIX = "cita_cloud_network";

/** What the metrics of a network show. */
export interface ShownNetwork {
  readonly transport: Transport;
  readonly dispatcher: Dispatcher;
  readonly traffic: Traffic;
}

/** Shows neighbours, modules and traffic; labels say what happened and how urgent it was. */
export function showNetwork(metrics: ServiceMetrics, shown: ShownNetwork): void {
  const { transport, dispatcher, traffic } = shown;
  metrics.addGauges({
    peers: ["Nodes that are connected", () => Number(transport.peerCount())],
    connections: ["Connections that messages can be sent on", () => transport.peers().length],
    modules: ["Modules that take messages", () => dispatcher.modules().length],
    waiting_for_modules_bytes: [
      "Messages of neighbours that wait for modules",
      () => dispatcher.waitingSize,
    ],
    waiting_for_peers_bytes: [
      "Messages that wait for neighbours to take them",
      () => transport.waitingSize,
    ],
  });
  const samples = (unit: keyof TrafficCount) =>
    TRAFFIC_KINDS.flatMap((kind) =>
      LANES.map((lane) => {
        return { labels: { kind, lane }, value: traffic.count(kind, lane)[unit] };
      })
    );
  metrics.addCounters({
    messages: [
      "Messages sent, received, dropped on the way out (unsent) and on the way in (undelivered)",
      () => samples("messages"),
      "kind",
      "lane",
    ],
    message_bytes: ["The bytes of these messages", () => samples("bytes"), "kind", "lane"],
  });
}
