import { parseHex } from "../../../shared/bytes/mod.ts";
import { ConfigError, readSecretFile } from "../../../shared/config/mod.ts";
import { loadNodeKey, type NodeKey } from "../../../shared/crypto/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";

/**
 * Reads `key_file`: 32 bytes of a secret key on secp256k1 in hex, with or without 0x. Warns when
 * other users of the machine may read it.
 *
 * @throws {ConfigError} when it cannot be read or holds no key; never shows what is in it
 */
export async function readNodeKey(path: string, log: Logger): Promise<NodeKey> {
  const { text, isExposed } = readFile(path);
  const hex = text.trim().replace(/^0x/i, "");
  const secretKey = hex.length === 64 ? parseHex(hex) : null;
  const key = secretKey === null ? null : await loadNodeKey(secretKey);
  if (key === null) {
    throw new ConfigError(
      `Cannot use network_p2p.key_file "${path}": it must hold 32 bytes of a secp256k1 key in hex`,
    );
  }
  if (isExposed) log.warn(`other users may read the key file "${path}": set its mode to 0600`);
  if (key.fallbackReason !== null) log.error(key.fallbackReason);
  return key;
}

function readFile(path: string): ReturnType<typeof readSecretFile> {
  try {
    return readSecretFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot read network_p2p.key_file "${path}": ${reason}`, { cause });
  }
}
