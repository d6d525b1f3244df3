/** A TOML string; single-quoted where that is possible. */
export function tomlString(text: string): string {
  // deno-lint-ignore no-control-regex -- TOML literals exclude exactly these
  return /['\x00-\x1f\x7f]/.test(text) ? JSON.stringify(text) : `'${text}'`;
}

/** A TOML key, quoted only where it must be. */
export function tomlKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
}
