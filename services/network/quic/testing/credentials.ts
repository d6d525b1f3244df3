import {
  type CertificateOptions,
  createCertificateAuthority,
  type Identity,
  issueCertificate,
} from "../../../../shared/x509/mod.ts";
import type { Credentials } from "../engine.ts";

/** The certificate authority of most tests. */
export const AUTHORITY = createCertificateAuthority();

/** What a node of a domain proves who it is with. */
export function credentialsOf(
  domain: string,
  authority: Identity = AUTHORITY,
  options: CertificateOptions = {},
): Credentials {
  const identity = issueCertificate(authority, domain, options);
  return {
    ca: AUTHORITY.certificatePem,
    cert: identity.certificatePem,
    key: identity.privateKeyPem,
  };
}
