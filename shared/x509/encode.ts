import type { KeyObject } from "node:crypto";
import { type Bytes, EMPTY_BYTES } from "../bytes/mod.ts";
import {
  constructedField,
  encodeBitString,
  encodeDer,
  encodeInteger,
  encodeOid,
  plainField,
  sequence,
  TAG,
} from "./der.ts";
import { type Extension, EXTENSION_OID, type Usage, USAGE_OID } from "./extensions.ts";
import { ECDSA_SHA256, signEcdsa } from "./signature.ts";
import { encodeTime } from "./time.ts";

const COMMON_NAME_OID = "2.5.4.3";
const TRUE = Uint8Array.of(TAG.boolean, 1, 0xff);
const VERSION_3 = encodeInteger(2n);

/** A certificate's content before it is signed. */
export interface CertificateContent {
  readonly serial: bigint;
  /** Names and public key as DER. */
  readonly issuer: Bytes;
  readonly subject: Bytes;
  readonly publicKeyInfo: Bytes;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Extension[];
}

/** DER of a certificate of version 3, signed with the issuer's key. */
export function encodeCertificate(content: CertificateContent, issuerKey: KeyObject): Bytes {
  const { serial, issuer, subject, publicKeyInfo, notBeforeMs, notAfterMs } = content;
  return encodeSigned(
    sequence(
      encodeDer(constructedField(0), VERSION_3),
      encodeInteger(serial),
      sequence(ECDSA_SHA256),
      issuer,
      sequence(encodeTime(notBeforeMs), encodeTime(notAfterMs)),
      subject,
      publicKeyInfo,
      encodeDer(constructedField(3), encodeExtensions(content.extensions)),
    ),
    issuerKey,
  );
}

/** Something with its signature behind it, the form of certificates and signing requests. */
export function encodeSigned(content: Bytes, key: KeyObject): Bytes {
  return sequence(content, sequence(ECDSA_SHA256), encodeBitString(signEcdsa(content, key)));
}

/** Name that consists of a common name only. */
export function encodeName(commonName: string): Bytes {
  const text = encodeDer(TAG.utf8String, new TextEncoder().encode(commonName));
  return sequence(encodeDer(TAG.set, sequence(encodeOid(COMMON_NAME_OID), text)));
}

/** List of extensions; those that are not critical do not say so. */
export function encodeExtensions(extensions: readonly Extension[]): Bytes {
  return sequence(...extensions.map(({ oid, isCritical, value }) =>
    sequence(
      encodeOid(oid),
      isCritical ? TRUE : EMPTY_BYTES,
      encodeDer(TAG.octetString, value),
    )
  ));
}

/** Extension subjectAltName with DNS names. */
export function subjectAltName(domains: readonly string[]): Extension {
  const names = domains.map((domain) => encodeDer(plainField(2), new TextEncoder().encode(domain)));
  return { oid: EXTENSION_OID.subjectAltName, isCritical: false, value: sequence(...names) };
}

/** Extension that makes a certificate an authority's. */
export function authorityConstraints(pathLengthMax: number | null): Extension {
  const length = pathLengthMax === null ? EMPTY_BYTES : encodeInteger(BigInt(pathLengthMax));
  return {
    oid: EXTENSION_OID.basicConstraints,
    isCritical: true,
    value: sequence(TRUE, length),
  };
}

/** Extension that restricts a certificate to sides of TLS. */
export function extendedKeyUsage(usages: readonly Usage[]): Extension {
  return {
    oid: EXTENSION_OID.extendedKeyUsage,
    isCritical: false,
    value: sequence(...usages.map((usage) => encodeOid(USAGE_OID[usage]))),
  };
}

/** Extension that names the key of a certificate. */
export function subjectKeyIdentifier(identifier: Bytes): Extension {
  return {
    oid: EXTENSION_OID.subjectKeyIdentifier,
    isCritical: false,
    value: encodeDer(TAG.octetString, identifier),
  };
}
