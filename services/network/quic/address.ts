import type { Bytes } from "../../../shared/bytes/mod.ts";

/** Where a datagram comes from or goes to; the host is an IPv4 or IPv6 address. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An IPv6 address or a mapped IPv4 one, and the port, big endian: what the engine takes. */
export const ADDRESS_SIZE = 18;

/** The port is behind the address. */
const PORT_OFFSET = 16;

/** Bytes in front of an IPv4 address that is written as an IPv6 one (RFC 4291, section 2.5.5.2). */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Writes an address as the engine takes it; null when the host is no address. */
export function encodeAddress({ host, port }: Address): Bytes | null {
  const octets = parseIpv4(host) ?? parseIpv6(host);
  return octets === null ? null : Uint8Array.of(...octets, port >> 8, port & 0xff);
}

/** Reads what {@linkcode encodeAddress} wrote, from the start of a longer buffer as well. */
export function decodeAddress(bytes: Bytes): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, ADDRESS_SIZE);
  const port = view.getUint16(PORT_OFFSET);
  if (MAPPED_PREFIX.every((byte, index) => bytes[index] === byte)) {
    return { host: bytes.subarray(MAPPED_PREFIX.length, PORT_OFFSET).join("."), port };
  }
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index).toString(16));
  return { host: groups.join(":"), port };
}

/** Whether a host is an IPv6 address and no mapped IPv4 one. */
export function isIpv6(host: string): boolean {
  return host.includes(":") && !host.includes(".");
}

function parseIpv4(host: string): number[] | null {
  const octets = IPV4.exec(host)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 0xff)) return null;
  return [...MAPPED_PREFIX, ...octets];
}

/** A zone (`fe80::1%eth0`) is refused: the engine has no place for it. */
function parseIpv6(host: string): number[] | null {
  try {
    const { hostname } = new URL(`http://[${host}]`);
    const [head = "", tail] = hostname.slice(1, -1).split("::");
    const [before, after] = [parseGroups(head), parseGroups(tail ?? "")];
    const zeros = Array<number>(PORT_OFFSET - before.length - after.length).fill(0);
    return [...before, ...zeros, ...after];
  } catch (error) {
    if (error instanceof TypeError) return null; // the text is no address
    throw error;
  }
}

function parseGroups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").map((group) => parseInt(group, 16)).flatMap((group) => [
    group >> 8,
    group & 0xff,
  ]);
}
