import { ConfigError } from "./document.ts";

/** Where an operator may keep one secret out of `config.toml`, the first place on top. */
export interface SecretPlaces {
  /** Path of a file that holds it, from a key such as `db_key_file`; null when none is named. */
  readonly file: string | null;
  /** Name of a systemd credential: a file in the folder `$CREDENTIALS_DIRECTORY`. */
  readonly credential: string;
  /** Name of an environment variable; it is removed once it was read. */
  readonly variable: string;
}

/** A secret and where it was. */
export interface FoundSecret {
  readonly value: string;
  /** For a log line, such as `file "/etc/kms.key"`; never the secret. */
  readonly source: string;
  /** Whether other users of the machine may read the file that it was in. */
  readonly isExposed: boolean;
}

const OTHERS_MAY_READ = 0o044;

/** Far more than any password or key; what is larger is another file, or has no end. */
const SECRET_SIZE_MAX = 64 * 1024;

/**
 * Looks for a secret in the places out of `config.toml`, and takes that file's value otherwise. The
 * end of the line behind it in a file does not belong to it.
 *
 * @throws {ConfigError} when a file that is named, or a credential that is there, holds no secret
 */
export function findSecret(places: SecretPlaces & { readonly inConfig: string }): FoundSecret {
  return findSecretOutside(places) ??
    { value: places.inConfig, source: "config.toml", isExposed: false };
}

/** As {@linkcode findSecret}, for a secret that is never in `config.toml`; null when there is none. */
export function findSecretOutside(places: SecretPlaces): FoundSecret | null {
  if (places.file !== null) return readSecret(places.file, `file "${places.file}"`);
  const credential = credentialPath(places.credential);
  if (credential !== null) return readSecret(credential, `credential "${places.credential}"`);
  const value = Deno.env.get(places.variable);
  if (value === undefined) return null;
  Deno.env.delete(places.variable);
  return { value, source: `environment variable ${places.variable}`, isExposed: false };
}

/** The path of a credential; null when systemd gave none of this name. */
function credentialPath(name: string): string | null {
  const folder = Deno.env.get("CREDENTIALS_DIRECTORY");
  if (folder === undefined) return null;
  const path = `${folder}/${name}`;
  try {
    Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    // reading it says what is wrong
  }
  return path;
}

function readSecret(path: string, source: string): FoundSecret {
  try {
    const { text, isExposed } = readSecretFile(path);
    const value = text.replace(/\r?\n$/, "");
    if (value === "") throw new Error("it is empty");
    return { value, source, isExposed };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot read the secret in ${source}: ${reason}`, { cause });
  }
}

/** The text of a file that holds a secret, and whether other users of the machine may read it. */
export function readSecretFile(
  path: string,
): { readonly text: string; readonly isExposed: boolean } {
  const file = Deno.openSync(path);
  try {
    const bytes = new Uint8Array(SECRET_SIZE_MAX + 1);
    let size = 0;
    for (let read: number | null = 0; read !== null && size < bytes.length; size += read ?? 0) {
      read = file.readSync(bytes.subarray(size));
    }
    if (size > SECRET_SIZE_MAX) throw new Error(`it must have ${SECRET_SIZE_MAX} bytes at most`);
    const text = decodeUtf8(bytes.subarray(0, size));
    bytes.fill(0);
    return { text, isExposed: ((file.statSync().mode ?? 0) & OTHERS_MAY_READ) !== 0 };
  } finally {
    file.close();
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    // of two wrong bytes each would become the same sign, and two passwords one
    throw new Error("it must be UTF-8 text", { cause });
  }
}
