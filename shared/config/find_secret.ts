import { ConfigError } from "./document.ts";

/** Where an operator may keep one secret, the places that are looked at first on top. */
export interface SecretPlaces {
  /** Path of a file that holds it, from a key such as `db_key_file`; null when none is named. */
  readonly file: string | null;
  /** Name of a systemd credential: a file in the folder `$CREDENTIALS_DIRECTORY`. */
  readonly credential: string;
  /** Name of an environment variable; it is removed once it was read. */
  readonly variable: string;
  /** The value of `config.toml`. */
  readonly inConfig: string;
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

/**
 * Looks for a secret where it is kept out of `config.toml`, and takes that file's value otherwise.
 * The end of the line behind it in a file does not belong to it.
 *
 * @throws {ConfigError} when a file that is named, or a credential that is there, cannot be read
 */
export function findSecret(places: SecretPlaces): FoundSecret {
  if (places.file !== null) return readSecret(places.file, `file "${places.file}"`);
  const credential = credentialPath(places.credential);
  if (credential !== null) return readSecret(credential, `credential "${places.credential}"`);
  const value = Deno.env.get(places.variable);
  if (value === undefined) {
    return { value: places.inConfig, source: "config.toml", isExposed: false };
  }
  Deno.env.delete(places.variable);
  return { value, source: `environment variable ${places.variable}`, isExposed: false };
}

function credentialPath(name: string): string | null {
  const folder = Deno.env.get("CREDENTIALS_DIRECTORY");
  if (folder === undefined) return null;
  const path = `${folder}/${name}`;
  try {
    Deno.statSync(path);
    return path;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function readSecret(path: string, source: string): FoundSecret {
  try {
    const value = Deno.readTextFileSync(path).replace(/\r?\n$/, "");
    const isExposed = ((Deno.statSync(path).mode ?? 0) & OTHERS_MAY_READ) !== 0;
    return { value, source, isExposed };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot read the secret in ${source}: ${reason}`, { cause });
  }
}
