import { isDnsName } from "../../shared/x509/mod.ts";

const ADDRESS_SIZE_HEX = 40;
const PORT_MAX = 65535;

/** Where a node of the chain listens for the others. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
  /** Name of the node within the chain. */
  readonly domain: string;
}

/**
 * Takes an account address without its optional `0x`. As the reference tool it looks at the length
 * only and keeps the case (spec/cloud_config.md, section 1).
 */
export function parseAccountAddress(text: string): string {
  const digits = text.startsWith("0x") ? text.slice(2) : text;
  if (digits.length !== ADDRESS_SIZE_HEX) {
    throw new Error(
      `wrong address, please check! It must have ${ADDRESS_SIZE_HEX} hex digits, ` +
        `with or without 0x, got "${text}"`,
    );
  }
  return digits;
}

/** Reads `host:port:domain`; further parts are ignored (spec/cloud_config.md, section 1). */
export function parseNodeAddress(text: string): NodeAddress {
  const [host, portText, domain] = text.split(":");
  if (host === undefined || portText === undefined || domain === undefined) {
    throw new Error(`Cannot parse node "${text}": it must be host:port:domain`);
  }
  const port = /^\+?[0-9]+$/.test(portText) ? Number(portText) : NaN;
  if (!(port <= PORT_MAX)) {
    throw new Error(
      `Cannot parse node "${text}": the port must be in 0..${PORT_MAX}, got "${portText}"`,
    );
  }
  return { host, port, domain: parseFolderPart("domain", domain) };
}

/**
 * The name by which other nodes know a node: a DNS name in its certificate, `<chain>-<domain>`
 * (spec/cloud_config.md, section 13).
 */
export function peerDomain(chainName: string, domain: string): string {
  const name = `${chainName}-${domain}`;
  if (isDnsName(name)) return name;
  throw new Error(
    `Cannot make a certificate for "${name}": chain name and domain must be labels of a DNS name, ` +
      `letters, digits, "-", "_" and "." only`,
  );
}

/** A name that becomes part of a folder's name, and so must not lead elsewhere. */
export function parseFolderPart(what: string, text: string): string {
  if (text.includes("/") || text.includes("\0") || text === "." || text === "..") {
    throw new Error(`Cannot use ${what} "${text}": it must not contain "/" and not be "." or ".."`);
  }
  return text;
}
