import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject } from "node:crypto";
import type { Bytes } from "../bytes/mod.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { CertificateError } from "./errors.ts";

/** Base64 characters in a line (RFC 7468). */
const LINE_LENGTH = 64;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END ([A-Z0-9 ]+)-----/g;

interface PemBlock {
  readonly label: string;
  readonly der: Bytes;
}

/** Writes bytes as a PEM text as the reference tool does: 64 columns, lines end with CR LF. */
export function formatPem(label: string, der: Bytes): string {
  const lines = der.toBase64().match(new RegExp(`.{1,${LINE_LENGTH}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\r\n");
}

/**
 * Reads the certificates of a PEM text in their order, at least one; other blocks and text around
 * are passed over.
 *
 * @throws CertificateError when there is none, or for the first that cannot be read
 */
export function readCertificates(pem: string): [Certificate, ...Certificate[]] {
  const blocks = readBlocks(pem);
  const [first, ...others] = blocks.filter(({ label }) => label === "CERTIFICATE");
  if (first === undefined) throw missing("CERTIFICATE", blocks);
  return [readNumbered(first, 0), ...others.map((block, index) => readNumbered(block, index + 1))];
}

function readNumbered({ der }: PemBlock, index: number): Certificate {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const message = `Cannot use certificate ${index + 1} of the text: ${error.message}`;
    throw new CertificateError(error.code, message, { cause: error });
  }
}

/**
 * Reads the first secret key of a PEM text, which must be PKCS#8 without a password.
 *
 * @throws CertificateError when there is none
 */
export function readPrivateKey(pem: string): KeyObject {
  const der = readBlock(pem, "PRIVATE KEY");
  try {
    return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
  } catch (cause) {
    const reason = "it must be a PKCS#8 key of a kind that TLS knows";
    throw new CertificateError("malformed", `Cannot use the private key: ${reason}`, { cause });
  }
}

/** The bytes of the first block with that label; throws a {@linkcode CertificateError}. */
export function readBlock(pem: string, label: string): Bytes {
  const blocks = readBlocks(pem);
  const block = blocks.find((each) => each.label === label);
  if (block === undefined) throw missing(label, blocks);
  return block.der;
}

function readBlocks(pem: string): PemBlock[] {
  return [...pem.matchAll(BLOCK)].map(([, label = "", body = "", end]) => {
    if (end !== label) {
      throw new CertificateError(
        "malformed",
        `Cannot read PEM: "BEGIN ${label}" must end with "END ${label}", got "END ${end}"`,
      );
    }
    return { label, der: decodeBody(label, body) };
  });
}

function decodeBody(label: string, body: string): Bytes {
  try {
    return Uint8Array.fromBase64(body);
  } catch (cause) {
    const message = `Cannot read PEM: the block "${label}" must hold base64 only`;
    throw new CertificateError("malformed", message, { cause });
  }
}

function missing(label: string, blocks: readonly PemBlock[]): CertificateError {
  const got = blocks.map((block) => `"BEGIN ${block.label}"`).join(", ") || "no PEM block";
  const message = `Cannot read PEM: it must have a block "BEGIN ${label}", got ${got}`;
  return new CertificateError("missing", message);
}
