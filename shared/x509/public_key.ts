import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import { type Bytes, toHex } from "../bytes/mod.ts";
import { decodeDer, TAG } from "./der.ts";
import { CertificateError } from "./errors.ts";

/** Kinds of keys that may sign, each with its own signature algorithms. */
export type KeyKind = "ec" | "ed25519" | "rsa";

/** A key that was checked, for `node:crypto`. */
export interface PublicKey {
  readonly kind: KeyKind;
  readonly key: KeyObject;
}

interface KeyForm {
  readonly kind: KeyKind;
  /** Bytes of the key; those of RSA keys differ. */
  readonly size?: number;
}

/** Kinds by the content of the AlgorithmIdentifier of a key, in the one form that is accepted. */
const FORMS: ReadonlyMap<string, KeyForm> = new Map<string, KeyForm>([
  ["06072a8648ce3d020106082a8648ce3d030107", { kind: "ec", size: 65 }], // P-256, whole points
  ["06072a8648ce3d020106052b81040022", { kind: "ec", size: 97 }], // P-384
  ["06032b6570", { kind: "ed25519", size: 32 }],
  ["06092a864886f70d0101010500", { kind: "rsa" }],
]);

/** Smallest modulus of RSA. Deno 2.7.14 refuses those above 4096 bits and exponents above 2^33. */
const RSA_BITS_MIN = 2048;

/**
 * Imports a public key from the DER of its SubjectPublicKeyInfo, whose form is checked first: Deno
 * 2.7.14 ends the process, instead of throwing, at an RSA key in a bit string with unused bits.
 *
 * @returns null when it is damaged or of a kind or size that is not accepted
 */
export function importPublicKey(publicKeyInfo: Bytes): PublicKey | null {
  const form = formOf(publicKeyInfo);
  if (form === null) return null;
  const { kind } = form;
  try {
    const encoded = { key: Buffer.from(publicKeyInfo), format: "der", type: "spki" } as const;
    const key = createPublicKey(encoded);
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    return kind === "rsa" && modulusLength < RSA_BITS_MIN ? null : { kind, key };
  } catch {
    return null; // e.g. a point that is not on the curve, sent by a peer; the caller refuses it
  }
}

function formOf(publicKeyInfo: Bytes): KeyForm | null {
  try {
    return decodeDer(publicKeyInfo, (outer) =>
      outer.inside(TAG.sequence, (reader) => {
        const form = FORMS.get(toHex(reader.element(TAG.sequence).content));
        const { length } = reader.bitString();
        return form === undefined || length !== (form.size ?? length) ? null : form;
      }));
  } catch (error) {
    if (error instanceof CertificateError) return null;
    throw error;
  }
}
