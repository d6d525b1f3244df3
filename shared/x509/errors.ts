/** Why a certificate, a key or a signing request cannot be used. */
export type CertificateProblem =
  /** The text holds none, or something else in its place. */
  | "missing"
  /** Not DER, or not the structure that X.509 asks for. */
  | "malformed"
  /** A kind that this package does not accept: another version, a critical unknown extension. */
  | "unsupported"
  /** A signature that its key did not make. */
  | "unsigned";

/** A certificate, a key or a signing request that cannot be used; the message says what is wrong. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";

  constructor(readonly code: CertificateProblem, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
