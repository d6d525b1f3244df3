import { parseMultiaddr } from "../multiaddr.ts";
import type { InvalidAddress } from "../transport.ts";
import type { KnownPeer } from "./core/neighbours.ts";

/**
 * The peer that a multiaddr of `AddNode` names: host, port and domain, the last of each kind, in
 * any order (spec/network.md, section 4.7); or why it names none, in the words of the reference.
 */
export function peerFromMultiaddr(address: string): KnownPeer | InvalidAddress {
  const parsed = parseMultiaddr(address);
  if (parsed === null) return { reason: `parse multiaddr failed: "${address}" is no multiaddr` };
  let host: string | null = null;
  let port: number | null = null;
  let domain: string | null = null;
  for (const { name, value } of parsed.components) {
    if (name === "tcp") port = Number(value);
    else if (name === "tls") domain = value;
    else if (["dns4", "dns6", "ip4", "ip6"].includes(name)) host = value;
  }
  if (host === null || host === "") return { reason: "host not present in multiaddr" };
  if (port === null) return { reason: "port not present in multiaddr" };
  if (domain === null) return { reason: "domain not present in multiaddr" };
  return { host, port, domain };
}
