import type { KeyObject } from "node:crypto";
import type { Bytes } from "../bytes/mod.ts";
import {
  constructedField,
  decodeDer,
  DerReader,
  encodeDer,
  encodeInteger,
  encodeOid,
  sequence,
  TAG,
} from "./der.ts";
import { encodeExtensions, encodeSigned } from "./encode.ts";
import { CertificateError } from "./errors.ts";
import { type Extension, EXTENSION_OID, readExtension, readExtensionList } from "./extensions.ts";
import { isSignedBy } from "./signature.ts";

/** Attribute of a signing request that lists wanted extensions (RFC 2985, section 5.4.2). */
const EXTENSION_REQUEST_OID = "1.2.840.113549.1.9.14";

/** What a node asks an authority to sign. */
export interface RequestContent {
  /** Name and public key as DER. */
  readonly subject: Bytes;
  readonly publicKeyInfo: Bytes;
  /** The names that the certificate is to hold. */
  readonly subjectAltName: Extension;
}

/** DER of a signing request (PKCS#10), signed with the key that it is for. */
export function encodeSigningRequest(content: RequestContent, key: KeyObject): Bytes {
  const { subject, publicKeyInfo, subjectAltName } = content;
  const attribute = sequence(
    encodeOid(EXTENSION_REQUEST_OID),
    encodeDer(TAG.set, encodeExtensions([subjectAltName])),
  );
  const fields = [encodeInteger(0n), subject, publicKeyInfo];
  return encodeSigned(sequence(...fields, encodeDer(constructedField(0), attribute)), key);
}

/**
 * Reads a signing request and checks that the owner of its key made it.
 *
 * @throws CertificateError `malformed`; `unsigned`; `unsupported` when it asks for another extension
 * than subjectAltName; `missing` when it does not ask for that
 */
export function readSigningRequest(der: Bytes): RequestContent {
  const { signed, ...content } = decodeDer(
    der,
    (outer) => outer.inside(TAG.sequence, readSignedRequest),
  );
  if (!isSignedBy(signed, content.publicKeyInfo)) {
    throw new CertificateError(
      "unsigned",
      "Cannot use the signing request: it must be signed with the key that it is for",
    );
  }
  return content;
}

function readSignedRequest(reader: DerReader) {
  const { encoded, content } = reader.element(TAG.sequence);
  const signed = {
    content: encoded,
    algorithm: reader.element(TAG.sequence).content,
    signature: reader.bitString(),
  };
  return { signed, ...decodeDer(content, readRequest) };
}

function readRequest(reader: DerReader): RequestContent {
  const version = reader.smallInteger();
  if (version !== 0) {
    const reason = `it must have version 1, got ${version + 1}`;
    throw new CertificateError("unsupported", `Cannot use the signing request: ${reason}`);
  }
  return {
    subject: reader.element(TAG.sequence).encoded,
    publicKeyInfo: reader.element(TAG.sequence).encoded,
    subjectAltName: reader.inside(constructedField(0), readAttributes),
  };
}

function readAttributes(reader: DerReader): Extension {
  const wanted: Extension[] = [];
  while (!reader.isAtEnd) {
    reader.inside(TAG.sequence, (attribute) => {
      const oid = attribute.oid();
      const values = new DerReader(attribute.element(TAG.set).content);
      if (oid === EXTENSION_REQUEST_OID) {
        wanted.push(...values.inside(TAG.sequence, readExtensionList));
      }
    });
  }
  const [names, ...others] = wanted;
  const other = wanted.find(({ oid }) => oid !== EXTENSION_OID.subjectAltName) ?? others[0];
  if (other !== undefined) throw wrongExtensions("unsupported", other.oid);
  if (names === undefined) throw wrongExtensions("missing", "none");
  readExtension(names);
  return { ...names, isCritical: false };
}

function wrongExtensions(code: "unsupported" | "missing", got: string): CertificateError {
  const reason = `it must ask for the extension subjectAltName only, got ${got}`;
  return new CertificateError(code, `Cannot use the signing request: ${reason}`);
}
