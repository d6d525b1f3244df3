import { type Bytes, equalBytes } from "../bytes/mod.ts";
import { constructedField, decodeDer, type DerReader, TAG } from "./der.ts";
import { CertificateError } from "./errors.ts";
import { type Extensions, readExtensions } from "./extensions.ts";
import type { Signed } from "./signature.ts";
import { readTime } from "./time.ts";

/** The number that stands for version 3. */
const VERSION_3 = 2;

/** What is read of a certificate (RFC 5280, section 4.1); nothing of it is verified yet. */
export interface Certificate extends Extensions {
  /** The certificate itself. */
  readonly der: Bytes;
  /** What its issuer signed. */
  readonly signed: Signed;
  /** DER of the issuer's and of its own name. */
  readonly issuer: Bytes;
  readonly subject: Bytes;
  /** First and last moment at which it is valid. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** DER of its SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Bytes;
}

/**
 * Reads a certificate of version 3 from DER; `der` is kept, not copied.
 *
 * @throws CertificateError `malformed`, or `unsupported` for another version, unique identifiers,
 * name constraints, and critical extensions that this package does not know
 */
export function parseCertificate(der: Bytes): Certificate {
  return decodeDer(der, (outer) => outer.inside(TAG.sequence, (reader) => readFields(der, reader)));
}

function readFields(der: Bytes, reader: DerReader): Certificate {
  const content = reader.element(TAG.sequence);
  const signed: Signed = {
    content: content.encoded,
    algorithm: reader.element(TAG.sequence).content,
    signature: reader.bitString(),
  };
  return { der, signed, ...decodeDer(content.content, (inner) => readContent(inner, signed)) };
}

function readContent(reader: DerReader, { algorithm }: Signed) {
  checkVersion(reader);
  reader.element(TAG.integer);
  if (!equalBytes(reader.element(TAG.sequence).content, algorithm)) {
    throw new CertificateError(
      "malformed",
      "Cannot read the certificate: it must name its signature algorithm twice the same",
    );
  }
  const issuer = reader.element(TAG.sequence).encoded;
  const [notBeforeMs, notAfterMs] = reader.inside(
    TAG.sequence,
    (validity) => [readTime(validity), readTime(validity)] as const,
  );
  const subject = reader.element(TAG.sequence).encoded;
  const publicKeyInfo = reader.element(TAG.sequence).encoded;
  const extensions = reader.inside(
    constructedField(3),
    (field) => field.inside(TAG.sequence, readExtensions),
  );
  return { issuer, subject, notBeforeMs, notAfterMs, publicKeyInfo, ...extensions };
}

function checkVersion(reader: DerReader): void {
  const field = reader.optional(constructedField(0));
  const version = field === null ? 0 : decodeDer(field, (inner) => inner.smallInteger());
  if (version !== VERSION_3) {
    throw new CertificateError(
      "unsupported",
      `Cannot use the certificate: it must have version 3, got ${version + 1}`,
    );
  }
}
