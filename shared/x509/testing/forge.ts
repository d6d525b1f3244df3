import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Bytes, fromHex } from "../../bytes/mod.ts";
import { type Certificate, parseCertificate } from "../certificate.ts";
import { encodeBitString, encodeDer, sequence, TAG } from "../der.ts";
import { authorityConstraints, encodeCertificate, encodeName, subjectAltName } from "../encode.ts";
import { type Extension, EXTENSION_OID } from "../extensions.ts";

/** 2026-01-01 and a year around it, in which forged certificates are valid. */
export const FORGED_NOW_MS = Date.UTC(2026, 0);
const HALF_YEAR_MS = 180 * 24 * 3600 * 1000;

/** A certificate and its secret key. */
export interface Forged {
  readonly certificate: Certificate;
  readonly key: KeyObject;
  /** Name of the subject as DER. */
  readonly name: Bytes;
}

/** What a forged certificate holds. */
export interface ForgedContent {
  readonly extensions: readonly Extension[];
  /** Signs it; it signs itself without. */
  readonly issuer?: Forged;
  readonly name?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

/** Makes a certificate of any content, as no authority would. */
export function forge(content: ForgedContent): Forged {
  const { privateKey: key, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = encodeName(content.name ?? "forged");
  const der = encodeCertificate({
    serial: 1n,
    issuer: content.issuer?.name ?? name,
    subject: name,
    publicKeyInfo: new Uint8Array(publicKey.export({ format: "der", type: "spki" })),
    notBeforeMs: content.notBeforeMs ?? FORGED_NOW_MS - HALF_YEAR_MS,
    notAfterMs: content.notAfterMs ?? FORGED_NOW_MS + HALF_YEAR_MS,
    extensions: content.extensions,
  }, content.issuer?.key ?? key);
  return { certificate: parseCertificate(der), key, name };
}

/** Extensions of an authority. */
export const AUTHORITY: readonly Extension[] = [authorityConstraints(null)];

/** Extensions of a node. */
export const NODE: readonly Extension[] = [subjectAltName(["node"])];

/** Extension keyUsage with these bits, e.g. `0204` for one that signs certificates only. */
export function keyUsage(bitsHex: string): Extension {
  const value = encodeDer(TAG.bitString, fromHex(bitsHex));
  return { oid: EXTENSION_OID.keyUsage, isCritical: true, value };
}

/** An extension that this package does not know. */
export function unknownExtension(isCritical: boolean): Extension {
  return { oid: "1.2.3.4", isCritical, value: sequence(encodeBitString(Uint8Array.of(1))) };
}
