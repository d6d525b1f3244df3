/**
 * Certificates of X.509: reading them, deciding whether to trust a chain, and issuing them as the
 * reference tool does.
 *
 * @module
 */

export { type Certificate, parseCertificate } from "./certificate.ts";
export { isDnsName, matchesDomain } from "./domain.ts";
export { CertificateError, type CertificateProblem } from "./errors.ts";
export type { Extensions, Usage } from "./extensions.ts";
export {
  type AuthorityOptions,
  type CertificateOptions,
  createCertificateAuthority,
  createSigningRequest,
  type Identity,
  issueCertificate,
  type SigningRequest,
  signRequest,
} from "./issue.ts";
export { readCertificates, readPrivateKey } from "./pem.ts";
export {
  CHAIN_COUNT_MAX,
  type ChainCheck,
  type Refusal,
  type RefusalReason,
  type Verified,
  verifyChain,
} from "./verify.ts";
