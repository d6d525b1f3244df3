import { createPrivateKey, createPublicKey } from "node:crypto";
import { equalBytes } from "../../../shared/bytes/mod.ts";
import { ConfigError } from "../../../shared/config/mod.ts";
import { type Certificate, readCertificates } from "../../../shared/x509/mod.ts";
import type { Identity } from "../domains/identity.ts";
import type { TlsIdentity } from "../tls_session.ts";
import type { P2pConfig } from "./config.ts";

/** What TLS mode works with. */
export interface P2pTlsSettings {
  readonly identity: Identity;
  readonly tls: TlsIdentity;
}

const VERSIONS = { "1.2": "TLSv1.2", "1.3": "TLSv1.3" } as const;

/** Cipher suites by the names of the library, which are those of the reference as well. */
const SUITES: readonly string[] = [
  "TLS13_AES_256_GCM_SHA384",
  "TLS13_AES_128_GCM_SHA256",
  "TLS13_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

/**
 * Reads what `enable_tls` needs (spec/network.md, sections 3.2 and 3.3).
 *
 * @throws {ConfigError} that names the key which is missing or cannot be used
 */
export function readTlsSettings(config: P2pConfig): P2pTlsSettings {
  const ca = readPem("ca_cert", config.ca_cert);
  const ownCert = readPem("server_chain_certs", config.server_chain_certs);
  const key = readPem("server_key", config.server_key);
  const roots = readKey("ca_cert", () => readCertificates(ca));
  const presented = readKey("server_chain_certs", () => readCertificates(ownCert));
  readKey("server_key", () => checkKey(key, presented[0]));
  // a file of one certificate is completed with those of the authority
  const isAlone = presented.length === 1;
  const cert = isAlone ? `${ownCert}\n${ca}` : ownCert;
  const chain: [Certificate, ...Certificate[]] = isAlone ? [presented[0], ...roots] : presented;
  return {
    identity: { ca, cert, key, roots, chain },
    tls: {
      ca,
      cert,
      key,
      ...readVersions(config.protocols),
      ...readSuites(config.cypher_suits),
    },
  };
}

function readPem(name: keyof P2pConfig, path: string | null): string {
  if (path === null) {
    throw new ConfigError(`Cannot use network_p2p.enable_tls: it needs network_p2p.${name}`);
  }
  return readKey(name, () => Deno.readTextFileSync(path));
}

function readKey<Value>(name: keyof P2pConfig, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot use network_p2p.${name}: ${reason}`, { cause });
  }
}

/** Accepts PKCS#8 and PKCS#1, as the reference does. */
function checkKey(key: string, { publicKeyInfo }: Certificate): void {
  const own = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" });
  if (!equalBytes(own, publicKeyInfo)) throw new Error("it is not the key of server_chain_certs");
}

/** The versions are also what ALPN offers, which the reference does and nobody needs. */
function readVersions(
  protocols: P2pConfig["protocols"],
): Pick<TlsIdentity, "minVersion" | "maxVersion" | "alpnProtocols"> {
  if (protocols === null) return {};
  const isVersion = (text: string): text is keyof typeof VERSIONS => Object.hasOwn(VERSIONS, text);
  const wrong = protocols.find((text) => !isVersion(text));
  const [min, max] = [...protocols].sort().filter(isVersion).map((text) => VERSIONS[text]);
  if (wrong !== undefined || min === undefined) {
    const got = wrong ?? "";
    throw new ConfigError(
      `Cannot use network_p2p.protocols: it must name "1.2" or "1.3", got "${got}"`,
    );
  }
  return { minVersion: min, maxVersion: max ?? min, alpnProtocols: protocols };
}

function readSuites(names: P2pConfig["cypher_suits"]): Pick<TlsIdentity, "suites"> {
  if (names === null) return {};
  const suites = names.map((name) => name.toUpperCase());
  const isKnown = (name: string) => SUITES.includes(name.toUpperCase());
  if (suites.length > 0 && names.every(isKnown)) return { suites };
  const got = names.find((name) => !isKnown(name)) ?? "";
  throw new ConfigError(
    `Cannot use network_p2p.cypher_suits: it must name some of ${SUITES.join(", ")}, got "${got}"`,
  );
}
