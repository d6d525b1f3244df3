import { CldiError } from "./errors.ts";

/** Mode of every file that may hold a key. */
const PRIVATE_MODE = 0o600;

/** Writes a file beside its place, synced, so that the place never holds half a file. */
async function writeTemporary(folder: string, text: string): Promise<string> {
  const path = await Deno.makeTempFile({ dir: folder });
  await Deno.chmod(path, PRIVATE_MODE);
  const file = await Deno.open(path, { write: true });
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) {
      written += await file.write(bytes.subarray(written));
    }
    await file.sync();
  } finally {
    file.close();
  }
  return path;
}

/** Replaces a file in one step. */
export async function replaceFile(folder: string, name: string, text: string): Promise<void> {
  await Deno.rename(await writeTemporary(folder, text), `${folder}/${name}`);
}

/** Creates a file in one step; one that exists stays as it is. */
export async function createFile(folder: string, name: string, text: string): Promise<void> {
  const temporary = await writeTemporary(folder, text);
  try {
    await Deno.link(temporary, `${folder}/${name}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    const reason = "File exists (os error 17)";
    throw new CldiError(`failed to persist temporary file: ${reason}`, [reason]);
  } finally {
    await Deno.remove(temporary);
  }
}

/** A TOML string; single-quoted where that is possible. */
export function tomlString(text: string): string {
  // deno-lint-ignore no-control-regex -- TOML literals exclude exactly these
  return /['\x00-\x1f\x7f]/.test(text) ? JSON.stringify(text) : `'${text}'`;
}

/** A TOML key, quoted only where it must be. */
export function tomlKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
}
