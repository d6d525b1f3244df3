import { type Bytes, equalBytes } from "../bytes/mod.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { CertificateError } from "./errors.ts";
import { type Usage, USAGE_OID } from "./extensions.ts";
import { isSignedBy } from "./signature.ts";

/** Most certificates that a peer may send, its own included. */
export const CHAIN_COUNT_MAX = 8;

/** Times of certificates are whole seconds, and the last one still counts. */
const SECOND_MS = 1000;

/** Why a chain is refused. */
export type RefusalReason =
  /** No certificate, or more than {@linkcode CHAIN_COUNT_MAX}. */
  | "count"
  /** One of them is not DER of X.509. */
  | "malformed"
  /** One of them has another version than 3, or a critical extension that is not known. */
  | "unsupported"
  /** One on the way to the root begins later, or is over. */
  | "not-yet-valid"
  | "expired"
  /** The peer's own certificate is that of an authority. */
  | "authority-as-peer"
  /** An issuer is no authority, or its keyUsage does not let it sign certificates. */
  | "no-authority"
  /** More authorities lie below an issuer than its path length allows. */
  | "path-too-long"
  /** The extended key usage of one on the way to the root lacks the wanted side of TLS. */
  | "usage"
  /** No way of signatures leads to a root. */
  | "unknown-issuer";

/** A chain that must not be trusted. */
export interface Refusal {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  /** For the log; may hold text of the peer's certificates. */
  readonly message: string;
}

/** A chain that leads to a root. */
export interface Verified {
  readonly kind: "verified";
  /** The peer's own certificate; whose it is, its `dnsNames` say. */
  readonly leaf: Certificate;
}

/** What a peer's chain is checked against. */
export interface ChainCheck {
  /** Certificates as DER, the peer's own first, the others in any order. */
  readonly chain: readonly Bytes[];
  /** The only authorities that are trusted. */
  readonly roots: readonly Certificate[];
  readonly nowMs: number;
  /** `server` to check one that was dialled, `client` to check one that dialled. */
  readonly usage: Usage;
}

/** A certificate that leads from the peer towards a root. */
interface Step {
  readonly certificate: Certificate;
  /** Authorities between it and the peer's certificate, itself included. */
  readonly depth: number;
}

/**
 * Decides whether a peer's certificates lead to a trusted root (spec/network.md, 4.3, the checks of
 * webpki): by real signatures, whatever the names and key identifiers look like, so that an issuer
 * with the same name as its subject works. Every certificate on the way is checked, the root too.
 * Costs at most `CHAIN_COUNT_MAX * (CHAIN_COUNT_MAX - 1 + roots)` verifications.
 */
export function verifyChain({ chain, ...check }: ChainCheck): Verified | Refusal {
  if (chain.length > CHAIN_COUNT_MAX) {
    return refusal("count", `at most ${CHAIN_COUNT_MAX} certificates, got ${chain.length}`);
  }
  const certificates = parseAll(chain);
  if ("kind" in certificates) return certificates;
  const [leaf, ...others] = certificates;
  if (leaf === undefined) return refusal("count", "at least one certificate, got none");
  return checkPeer(leaf, check) ?? findRoot(leaf, others, check);
}

/** What the certificates of a chain are checked against. */
type Trust = Omit<ChainCheck, "chain">;

function parseAll(chain: readonly Bytes[]): Certificate[] | Refusal {
  try {
    return chain.map(parseCertificate);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const reason = error.code === "unsupported" ? "unsupported" : "malformed";
    return refusal(reason, `certificates of X.509 version 3: ${error.message}`);
  }
}

/**
 * Walks from the peer's certificate to its issuers, theirs, and so on, nearest first. Each is
 * visited once, over its shortest way, which is the one that path lengths restrict least.
 */
function findRoot(
  leaf: Certificate,
  others: readonly Certificate[],
  trust: Trust,
): Verified | Refusal {
  const unvisited = new Set(others);
  const steps: Step[] = [{ certificate: leaf, depth: 0 }];
  let firstProblem: Refusal | null = null;
  for (const { certificate, depth } of steps) {
    for (const issuer of [...trust.roots, ...unvisited]) {
      if (!isIssuedBy(certificate, issuer)) continue;
      unvisited.delete(issuer);
      const problem = checkIssuer(issuer, depth, trust);
      if (problem === null && trust.roots.includes(issuer)) return { kind: "verified", leaf };
      if (problem === null) steps.push({ certificate: issuer, depth: depth + 1 });
      firstProblem ??= problem;
    }
  }
  return firstProblem ?? refusal("unknown-issuer", "signatures that lead to a trusted root");
}

function isIssuedBy({ issuer, signed }: Certificate, authority: Certificate): boolean {
  return equalBytes(issuer, authority.subject) && isSignedBy(signed, authority.publicKeyInfo);
}

function checkPeer(leaf: Certificate, trust: Trust): Refusal | null {
  if (leaf.isAuthority) {
    return refusal("authority-as-peer", "a certificate of the peer that is no authority's");
  }
  return checkUse(leaf, trust);
}

function checkIssuer(issuer: Certificate, authoritiesBelow: number, trust: Trust): Refusal | null {
  if (!issuer.isAuthority || !issuer.maySignCertificates) {
    return refusal("no-authority", "issuers whose extensions let them sign certificates");
  }
  const { pathLengthMax } = issuer;
  if (pathLengthMax !== null && authoritiesBelow > pathLengthMax) {
    return refusal(
      "path-too-long",
      `at most ${pathLengthMax} authorities below this issuer, got ${authoritiesBelow}`,
    );
  }
  return checkUse(issuer, trust);
}

function checkUse(certificate: Certificate, { nowMs, usage }: Trust): Refusal | null {
  const { notBeforeMs, notAfterMs, purposes } = certificate;
  if (nowMs < notBeforeMs) {
    return refusal("not-yet-valid", `certificates that have begun, got ${dateOf(notBeforeMs)}`);
  }
  if (nowMs >= notAfterMs + SECOND_MS) {
    return refusal("expired", `certificates that are not over, got ${dateOf(notAfterMs)}`);
  }
  if (purposes !== null && !purposes.includes(USAGE_OID[usage])) {
    return refusal("usage", `certificates whose extended key usage allows a ${usage}`);
  }
  return null;
}

const dateOf = (timeMs: number): string => new Date(timeMs).toISOString();

function refusal(reason: RefusalReason, wanted: string): Refusal {
  return {
    kind: "refused",
    reason,
    message: `Cannot trust the peer's certificates: there must be ${wanted}`,
  };
}
