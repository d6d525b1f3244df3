import {
  createCertificateAuthority,
  type Identity,
  issueCertificate,
} from "../../../shared/x509/mod.ts";

/** Certificates of a network of nodes, and some that are none of it. */
export interface Identities {
  /** PEM text of the authority that all nodes trust. */
  readonly authorityPem: string;
  /** A node with a certificate as it should be. */
  good(domain: string): Identity;
  /** What must be refused although it names a domain that is known, by what is wrong with it. */
  bad(domain: string): Readonly<Record<string, Identity>>;
}

const PAST_MS = Date.UTC(2001, 0);
const NEAR_PAST_MS = Date.UTC(2002, 0);
const FUTURE_MS = Date.UTC(2901, 0);
const FAR_FUTURE_MS = Date.UTC(2902, 0);

/** Makes an authority, and others that nobody trusts. */
export function createIdentities(): Identities {
  const authority = createCertificateAuthority();
  const otherAuthority = createCertificateAuthority();
  return {
    authorityPem: authority.certificatePem,
    good: (domain) => issueCertificate(authority, domain),
    bad: (domain) => ({
      "of another authority": issueCertificate(otherAuthority, domain),
      "of another authority, its certificate sent along": withIssuer(
        issueCertificate(otherAuthority, domain),
        otherAuthority,
      ),
      "signed by a node": withIssuer(
        issueCertificate(issueCertificate(authority, "node.fy"), domain),
        authority,
      ),
      "expired": issueCertificate(authority, domain, {
        notBeforeMs: PAST_MS,
        notAfterMs: NEAR_PAST_MS,
      }),
      "not valid yet": issueCertificate(authority, domain, {
        notBeforeMs: FUTURE_MS,
        notAfterMs: FAR_FUTURE_MS,
      }),
    }),
  };
}

function withIssuer(identity: Identity, issuer: Identity): Identity {
  return { ...identity, certificatePem: identity.certificatePem + issuer.certificatePem };
}
