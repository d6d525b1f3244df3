import type { Bytes } from "../../shared/bytes/mod.ts";

/** Addresses of all laboratories: nobody else uses them inside a namespace. */
const PREFIX = [10, 77, 0] as const;

/** Offset of the destination in an IPv4 header, and the size of the header. */
const DESTINATION_OFFSET = 16;
const HEADER_SIZE_MIN = 20;

/** Address of a node. */
export function addressOf(node: number): string {
  return [...PREFIX, node + 1].join(".");
}

/** Number of the node that an IPv4 packet is for; null for any other packet. */
export function destinationOf(packet: Bytes, nodes: number): number | null {
  const isIpv4 = packet.length >= HEADER_SIZE_MIN && (packet[0] ?? 0) >> 4 === 4;
  if (!isIpv4) return null;
  if (PREFIX.some((part, i) => packet[DESTINATION_OFFSET + i] !== part)) return null;
  const node = (packet[DESTINATION_OFFSET + PREFIX.length] ?? 0) - 1;
  return node >= 0 && node < nodes ? node : null;
}
