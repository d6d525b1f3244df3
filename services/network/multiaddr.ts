/** Names of the components that a multiaddr may have (spec/network.md, section 8). */
export type ComponentName =
  | "ip4"
  | "ip6"
  | "dns4"
  | "dns6"
  | "tcp"
  | "tls"
  | "p2p"
  | "memory"
  | "ws"
  | "wss";

/** One step of a multiaddr. */
export interface Component {
  readonly name: ComponentName;
  /** In canonical form; empty for components without an argument. */
  readonly value: string;
}

/** The address of a neighbour. Two of them are equal when their texts are. */
export interface Multiaddr {
  /** Canonical: what was parsed renders to the same text, apart from the spelling of numbers. */
  readonly text: string;
  readonly components: readonly Component[];
}

/** Gives the canonical form of an argument, or null when it is malformed. */
type ArgumentReader = (text: string) => string | null;

const ARGUMENT_READERS: Readonly<Record<ComponentName, ArgumentReader | null>> = {
  ip4: readIpv4,
  ip6: readIpv6,
  dns4: readHostName,
  dns6: readHostName,
  tcp: (text) => readUnsigned(text, 0xffffn),
  tls: readHostName,
  p2p: readPeerId,
  memory: (text) => readUnsigned(text, 0xffff_ffff_ffff_ffffn),
  ws: null,
  wss: null,
};

/**
 * Reads a multiaddr as strictly as 6.3.3 does (spec/network.md, section 8): an unknown name, a
 * malformed argument or a missing one make it unusable. The empty text is an empty address. Host
 * names are the exception: 6.3.3 takes any text for one.
 *
 * @returns the address, or null when the text is not one
 */
export function parseMultiaddr(text: string): Multiaddr | null {
  const parts = text.split("/");
  if (parts.shift() !== "") return null;
  const components: Component[] = [];
  for (let name = parts.shift(); name !== undefined; name = parts.shift()) {
    if (!isComponentName(name)) return null;
    const readArgument = ARGUMENT_READERS[name];
    if (readArgument === null) {
      components.push({ name, value: "" });
      continue;
    }
    const argument = parts.shift();
    const value = argument === undefined ? null : readArgument(argument);
    if (value === null) return null;
    components.push({ name, value });
  }
  return buildMultiaddr(components);
}

/** Joins components, whose values must be canonical, into an address. */
export function buildMultiaddr(components: readonly Component[]): Multiaddr {
  let text = "";
  for (const { name, value } of components) {
    text += ARGUMENT_READERS[name] === null ? `/${name}` : `/${name}/${value}`;
  }
  return { text, components };
}

function isComponentName(name: string): name is ComponentName {
  return Object.hasOwn(ARGUMENT_READERS, name);
}

/**
 * Addresses of strangers get into logs and metrics, so that a name has nothing in it but what names
 * have, in any script. None at all is let through, as 6.3.3 does.
 */
function readHostName(text: string): string | null {
  return /^[\p{L}\p{M}\p{N}._-]{0,253}$/u.test(text) ? text : null;
}

function readUnsigned(text: string, max: bigint): string | null {
  // a plus sign and leading zeros are what the integer parser of 6.3.3 lets through
  if (!/^\+?[0-9]{1,40}$/.test(text)) return null;
  const value = BigInt(text.replace("+", ""));
  return value > max ? null : value.toString();
}

function readIpv4(text: string): string | null {
  const octets = text.split(".");
  const isOctet = (octet: string) => /^(0|[1-9][0-9]{0,2})$/.test(octet) && Number(octet) <= 255;
  return octets.length === 4 && octets.every(isOctet) ? text : null;
}

function readIpv6(text: string): string | null {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(text)) return null;
  const url = URL.parse(`http://[${text}]/`);
  if (url === null) return null;
  const host = url.hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (mapped === null) return host;
  const octets = [mapped[1], mapped[2]].flatMap((group = "0") => {
    const value = parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
  return `::ffff:${octets.join(".")}`;
}

/** Digits of peer ids, without those that look alike. */
export const BASE58_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** A base58 text of 34 bytes has at most 47 digits; anything longer is not worth the work. */
const PEER_ID_DIGITS_MAX = 47;

/** A peer id is a SHA-256 multihash: 0x12, 0x20 and 32 bytes, in base58. */
function readPeerId(text: string): string | null {
  if (text.length > PEER_ID_DIGITS_MAX) return null;
  let value = 0n;
  for (const digit of text) {
    const index = BASE58_DIGITS.indexOf(digit);
    if (index < 0) return null;
    value = value * 58n + BigInt(index);
  }
  // the first byte is 0x12, so that no leading zero digit can occur and 34 bytes are 269 bits
  return text[0] !== "1" && value >> 256n === 0x1220n ? text : null;
}
