import type { Bytes } from "../bytes/mod.ts";
import { decodeDer, type DerReader, plainField, TAG } from "./der.ts";
import { CertificateError } from "./errors.ts";

/** Object identifiers of extensions (RFC 5280, section 4.2). */
export const EXTENSION_OID = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  extendedKeyUsage: "2.5.29.37",
} as const;

/** What a certificate may be used for in TLS, as the object identifier of extended key usage. */
export const USAGE_OID = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
} as const;

/** The side of a TLS connection on which a certificate stands. */
export type Usage = keyof typeof USAGE_OID;

/** Bit 5 of the first byte of a key usage: it signs certificates. */
const CERTIFICATE_SIGN_BIT = 0x04;

/** Tag of a DNS name within subjectAltName. */
const DNS_NAME = plainField(2);

/** What the extensions of a certificate say. */
export interface Extensions {
  /** Whether basicConstraints make it an authority. */
  readonly isAuthority: boolean;
  /** False when there is a keyUsage without certSign. */
  readonly maySignCertificates: boolean;
  /** How many authorities may stand between it and the peer's certificate; null for any number. */
  readonly pathLengthMax: number | null;
  /** Object identifiers of extended key usage; null when it is not restricted. */
  readonly purposes: readonly string[] | null;
  /** DNS names of subjectAltName as they are, those that are no ASCII text left out. */
  readonly dnsNames: readonly string[];
}

const NO_EXTENSIONS: Extensions = {
  isAuthority: false,
  maySignCertificates: true,
  pathLengthMax: null,
  purposes: null,
  dnsNames: [],
};

/** One extension as it stands in a certificate or a signing request. */
export interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  /** DER that `oid` gives a meaning. */
  readonly value: Bytes;
}

/** Reads extensions up to the end of `reader`; throws a {@linkcode CertificateError}. */
export function readExtensions(reader: DerReader): Extensions {
  const found = new Set<string>();
  let extensions = NO_EXTENSIONS;
  for (const extension of readExtensionList(reader)) {
    if (found.has(extension.oid)) {
      throw new CertificateError("malformed", `Cannot read ${extension.oid}: it must come once`);
    }
    found.add(extension.oid);
    extensions = { ...extensions, ...readExtension(extension) };
  }
  return extensions;
}

/** Extensions as they are, in their order. */
export function readExtensionList(reader: DerReader): Extension[] {
  const extensions: Extension[] = [];
  while (!reader.isAtEnd) {
    extensions.push(reader.inside(TAG.sequence, (inner) => ({
      oid: inner.oid(),
      isCritical: inner.flag(),
      value: inner.element(TAG.octetString).content,
    })));
  }
  return extensions;
}

/** What one extension says; throws a {@linkcode CertificateError}. */
export function readExtension({ oid, isCritical, value }: Extension): Partial<Extensions> {
  switch (oid) {
    case EXTENSION_OID.basicConstraints:
      return decodeDer(value, (reader) => reader.inside(TAG.sequence, readBasicConstraints));
    case EXTENSION_OID.keyUsage:
      return { maySignCertificates: decodeDer(value, readSignBit) };
    case EXTENSION_OID.extendedKeyUsage:
      return { purposes: decodeDer(value, (reader) => reader.inside(TAG.sequence, readOids)) };
    case EXTENSION_OID.subjectAltName:
      return { dnsNames: decodeDer(value, (reader) => reader.inside(TAG.sequence, readDnsNames)) };
  }
  // To overlook name constraints would widen what an authority may sign, critical or not.
  if (isCritical || oid === EXTENSION_OID.nameConstraints) {
    throw new CertificateError(
      "unsupported",
      `Cannot use the certificate: the extension ${oid} must not be critical, it is not known`,
    );
  }
  return {};
}

function readBasicConstraints(reader: DerReader): Partial<Extensions> {
  const isAuthority = reader.flag();
  return { isAuthority, pathLengthMax: reader.isAtEnd ? null : reader.smallInteger() };
}

function readSignBit(reader: DerReader): boolean {
  const [unused = 0, first = 0] = reader.element(TAG.bitString).content;
  if (unused > 7) {
    throw new CertificateError("malformed", `Cannot read keyUsage: ${unused} bits unused`);
  }
  return (first & CERTIFICATE_SIGN_BIT) !== 0;
}

function readOids(reader: DerReader): string[] {
  const oids = [];
  while (!reader.isAtEnd) oids.push(reader.oid());
  return oids;
}

function readDnsNames(reader: DerReader): string[] {
  const names = [];
  while (!reader.isAtEnd) {
    const { tag, content } = reader.any();
    const isAscii = content.every((byte) => byte < 0x80);
    if (tag === DNS_NAME && isAscii) names.push(new TextDecoder("ascii").decode(content));
  }
  return names;
}
