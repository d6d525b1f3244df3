import {
  createCertificateAuthority,
  type Identity as Credentials,
  issueCertificate,
} from "../../../../shared/x509/mod.ts";
import { type Identity, type IdentityConfig, readIdentity } from "../identity.ts";

/** An authority of which all tests of a process may have certificates. */
export const TEST_AUTHORITY: Credentials = createCertificateAuthority();

/** Certificates of a node of a domain, of the test authority unless another is given. */
export function identityKeys(domain: string, authority = TEST_AUTHORITY): IdentityConfig {
  const { certificatePem, privateKeyPem } = issueCertificate(authority, domain);
  return { ca_cert: authority.certificatePem, cert: certificatePem, priv_key: privateKeyPem };
}

/** The same, read. */
export function identityOf(domain: string, authority = TEST_AUTHORITY): Identity {
  return readIdentity("network_tls", identityKeys(domain, authority));
}
