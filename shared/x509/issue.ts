import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Bytes, bytesToUint, equalBytes } from "../bytes/mod.ts";
import { decodeDer, TAG } from "./der.ts";
import {
  authorityConstraints,
  encodeCertificate,
  encodeName,
  extendedKeyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from "./encode.ts";
import { CertificateError } from "./errors.ts";
import type { Extension, Usage } from "./extensions.ts";
import { formatPem, readBlock, readCertificates, readPrivateKey } from "./pem.ts";
import { encodeSigningRequest, readSigningRequest } from "./signing_request.ts";

/** Subject and issuer of every certificate that the reference tool makes. */
const COMMON_NAME = "rcgen self signed cert";

/** Validity of every certificate that the reference tool makes. */
const NOT_BEFORE_MS = Date.UTC(1975, 0);
const NOT_AFTER_MS = Date.UTC(4096, 0);

/** How much of the hash of a public key makes its serial number and its identifier, in bytes. */
const SERIAL_SIZE = 8;
const KEY_IDENTIFIER_SIZE = 20;

const CURVE = "prime256v1";

/** A certificate and the secret key of its subject, as PEM texts. */
export interface Identity {
  readonly certificatePem: string;
  /** PKCS#8. */
  readonly privateKeyPem: string;
}

/** A signing request and the secret key that it is for, as PEM texts. */
export interface SigningRequest {
  readonly requestPem: string;
  readonly privateKeyPem: string;
}

/** Where a certificate may differ from those of the reference tool. */
export interface CertificateOptions {
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  /** Sides of TLS to which the certificate is restricted; to none without. */
  readonly usages?: readonly Usage[];
}

/** Where an authority may differ from that of the reference tool. */
export interface AuthorityOptions extends CertificateOptions {
  /** The authority above; without one it signs itself. */
  readonly parent?: Identity;
  /** How many authorities may stand between it and a node's certificate. */
  readonly pathLengthMax?: number;
}

/** What signs: a name and the key behind it. */
interface Issuer {
  /** DER. */
  readonly name: Bytes;
  readonly key: KeyObject;
}

/** What is signed. */
interface Subject {
  /** DER. */
  readonly name: Bytes;
  readonly publicKeyInfo: Bytes;
  readonly extensions: readonly Extension[];
}

/** Makes an authority with a new key (spec/cloud_config.md, section 13). */
export function createCertificateAuthority(options: AuthorityOptions = {}): Identity {
  const { parent, pathLengthMax = null } = options;
  const name = encodeName(COMMON_NAME);
  const key = newKey();
  const publicKeyInfo = publicKeyInfoOf(key);
  const identifier = publicKeyHash(publicKeyInfo).subarray(0, KEY_IDENTIFIER_SIZE);
  const extensions = [subjectKeyIdentifier(identifier), authorityConstraints(pathLengthMax)];
  const issuer = parent === undefined ? { name, key } : readIssuer(parent);
  return {
    certificatePem: issue(issuer, { name, publicKeyInfo, extensions }, options),
    privateKeyPem: formatKey(key),
  };
}

/** Makes a key and a request to sign it for a domain. */
export function createSigningRequest(domain: string): SigningRequest {
  const key = newKey();
  const content = {
    subject: encodeName(COMMON_NAME),
    publicKeyInfo: publicKeyInfoOf(key),
    subjectAltName: subjectAltName([domain]),
  };
  return {
    requestPem: formatPem("CERTIFICATE REQUEST", encodeSigningRequest(content, key)),
    privateKeyPem: formatKey(key),
  };
}

/**
 * Signs a request; the certificate has its name, key and subjectAltName and nothing else of it.
 *
 * @returns the certificate as PEM text
 * @throws CertificateError when the request or the authority cannot be used
 */
export function signRequest(
  authority: Identity,
  requestPem: string,
  options: CertificateOptions = {},
): string {
  const request = readSigningRequest(readBlock(requestPem, "CERTIFICATE REQUEST"));
  const { subject: name, publicKeyInfo, subjectAltName } = request;
  const subject = { name, publicKeyInfo, extensions: [subjectAltName] };
  return issue(readIssuer(authority), subject, options);
}

/** Makes a key and a certificate of it for a domain, in one step. */
export function issueCertificate(
  authority: Identity,
  domain: string,
  options: CertificateOptions = {},
): Identity {
  const { requestPem, privateKeyPem } = createSigningRequest(domain);
  return { certificatePem: signRequest(authority, requestPem, options), privateKeyPem };
}

function issue(issuer: Issuer, subject: Subject, options: CertificateOptions): string {
  const { notBeforeMs = NOT_BEFORE_MS, notAfterMs = NOT_AFTER_MS, usages } = options;
  const restriction = usages === undefined ? [] : [extendedKeyUsage(usages)];
  const content = {
    serial: serialOf(subject.publicKeyInfo),
    issuer: issuer.name,
    subject: subject.name,
    publicKeyInfo: subject.publicKeyInfo,
    notBeforeMs,
    notAfterMs,
    extensions: [...subject.extensions, ...restriction],
  };
  return formatPem("CERTIFICATE", encodeCertificate(content, issuer.key));
}

/** The name and the key of an authority; throws when they do not belong together. */
function readIssuer({ certificatePem, privateKeyPem }: Identity): Issuer {
  const [certificate] = readCertificates(certificatePem);
  const key = readPrivateKey(privateKeyPem);
  if (key.asymmetricKeyType !== "ec") throw wrongIssuer(`of ECDSA, got ${key.asymmetricKeyType}`);
  if (!equalBytes(certificate.publicKeyInfo, publicKeyInfoOf(key))) {
    throw wrongIssuer("that of its certificate");
  }
  return { name: certificate.subject, key };
}

function wrongIssuer(wanted: string): CertificateError {
  return new CertificateError("unsupported", `Cannot use the authority: its key must be ${wanted}`);
}

function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: CURVE }).privateKey;
}

/** PKCS#8 of version 1 with the public key in it, as the reference tool writes it. */
function formatKey(key: KeyObject): string {
  const der = key.export({ format: "der", type: "pkcs8" });
  return formatPem("PRIVATE KEY", new Uint8Array(der));
}

function publicKeyInfoOf(key: KeyObject): Bytes {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }));
}

/** SHA-256 of the bytes of a public key, for P-256 a point of 65 bytes. */
function publicKeyHash(publicKeyInfo: Bytes): Bytes {
  const point = decodeDer(publicKeyInfo, (outer) =>
    outer.inside(TAG.sequence, (reader) => {
      reader.element(TAG.sequence);
      return reader.bitString();
    }));
  return new Uint8Array(createHash("sha256").update(point).digest());
}

/** The first bytes of the key's hash as a little-endian integer, as the reference tool. */
function serialOf(publicKeyInfo: Bytes): bigint {
  const hash = publicKeyHash(publicKeyInfo);
  return bytesToUint(hash.slice(0, SERIAL_SIZE).reverse());
}
