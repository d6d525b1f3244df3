import { createPublicKey } from "node:crypto";
import { type Bytes, equalBytes } from "../../../shared/bytes/mod.ts";
import { ConfigError } from "../../../shared/config/mod.ts";
import {
  type Certificate,
  CertificateError,
  matchesDomain,
  readCertificates,
  readPrivateKey,
  type Usage,
  verifyChain,
} from "../../../shared/x509/mod.ts";
import type { DomainConfig } from "./config.ts";

/** The keys that say who a node is. */
export type IdentityConfig = Pick<DomainConfig, "ca_cert" | "cert" | "priv_key">;

/** Who this node is and whom it trusts. */
export interface Identity {
  /** PEM texts as configured. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The only authorities that peers' certificates may come from. */
  readonly roots: readonly Certificate[];
  /** The own certificate, then those that lead to a root. */
  readonly chain: readonly [Certificate, ...Certificate[]];
}

/**
 * Reads the certificates and the key of a configuration.
 *
 * @param table name of the table, for errors
 * @throws {ConfigError} that names the key which cannot be used
 */
export function readIdentity(table: string, config: IdentityConfig): Identity {
  const { ca_cert: ca, cert, priv_key: key } = config;
  const roots = readKey(`${table}.ca_cert`, () => readCertificates(ca));
  const chain = readKey(`${table}.cert`, () => readCertificates(cert));
  const secret = readKey(`${table}.priv_key`, () => readPrivateKey(key));
  const publicKeyInfo = createPublicKey(secret).export({ type: "spki", format: "der" });
  if (!equalBytes(publicKeyInfo, chain[0].publicKeyInfo)) {
    throw new ConfigError(`Cannot use ${table}.priv_key: it must be the key of ${table}.cert`);
  }
  return { ca, cert, key, roots, chain };
}

function readKey<Value>(name: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw new ConfigError(`Cannot use ${name}: ${cause.message}`);
  }
}

/** Why peers will refuse this node's own certificate; null when they have no reason to. */
export function ownProblem({ roots, chain }: Identity, nowMs: number): string | null {
  for (const usage of ["server", "client"] as const) {
    const result = verifyChain({ chain: chain.map(({ der }) => der), roots, nowMs, usage });
    if (result.kind === "refused") return result.message;
  }
  return chain[0].dnsNames.length === 0 ? "it has no DNS name in subjectAltName" : null;
}

/** A peer after its handshake. */
export interface PresentedChain {
  /** Certificates as DER, the peer's own first. */
  readonly chain: readonly Bytes[];
  readonly usage: Usage;
  /** The domain that it must be valid for; null for one that dialled this node. */
  readonly domain: string | null;
  readonly nowMs: number;
}

/** The DNS names of a peer whose certificate is good, or why it is not (spec/network.md, 4.3). */
export function checkPeer(
  { roots }: Identity,
  { chain, usage, domain, nowMs }: PresentedChain,
): readonly string[] | { readonly refusal: string } {
  const result = verifyChain({ chain, roots, nowMs, usage });
  if (result.kind === "refused") return { refusal: result.message };
  const { dnsNames } = result.leaf;
  if (domain === null || dnsNames.some((name) => matchesDomain(name, domain))) return dnsNames;
  return { refusal: `the certificate is not valid for "${domain}"` };
}
