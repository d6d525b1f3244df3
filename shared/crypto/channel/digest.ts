import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as sha256Of, sha512 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../../bytes/mod.ts";

/** Hashes, by the names that secio gives them. */
export type DigestName = "SHA256" | "SHA512";

/** SHA-256. */
export function sha256(bytes: Bytes): Bytes {
  return sha256Of(bytes);
}

/** HMAC with SHA-256 or SHA-512. */
export function hmacOf(digest: DigestName, key: Bytes, bytes: Bytes): Bytes {
  return hmac(digest === "SHA256" ? sha256Of : sha512, key, bytes);
}

/** Unpredictable bytes. */
export function randomBytes(size: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(size));
}
