import { ExitError } from "../../../shared/cli/mod.ts";
import type { PlainCommand } from "../../../shared/service/mod.ts";
import { createCertificateAuthority, issueCertificate } from "../../../shared/x509/mod.ts";

const PEERS_DEFAULT = 2;

/** The ports of more would leave their range. */
const PEERS_MAX = 15;

/** Only the owner may read a key. */
const KEY_MODE = 0o600;

/** The command `gen-config` of the reference (spec/network.md, section 4.1). */
export const GEN_CONFIG: PlainCommand = {
  about: "write configurations of [network_tls] for trials on this machine into this folder",
  alias: "g",
  arguments: [["[peer-count]", `how many, ${PEERS_DEFAULT} by default`]],
  run({ args: [count = String(PEERS_DEFAULT)], output }) {
    if (!/^[0-9]{1,2}$/.test(count) || Number(count) > PEERS_MAX) {
      throw new ExitError(
        2,
        `Cannot use peer-count: it must be in 0..${PEERS_MAX}, got "${count}"`,
      );
    }
    writeConfigs(Number(count));
    output.out("Done.\nWARNING: This config is for TEST-ONLY.\n");
  },
};

function writeConfigs(count: number): void {
  const authority = createCertificateAuthority();
  writeSecret("ca_key.pem", authority.privateKeyPem);
  for (let index = 0; index < count; index++) {
    const { certificatePem, privateKeyPem } = issueCertificate(authority, domainOf(index));
    const others = Array.from({ length: count }, (_, other) => other)
      .filter((other) => other !== index);
    const lines = [
      "[network_tls]",
      `grpc_port = ${50_000 + 1_000 * index}`,
      `listen_port = ${listenPortOf(index)}`,
      "reconnect_timeout = 5",
      "try_hot_update_interval = 60",
      ...pemLines("ca_cert", authority.certificatePem),
      ...pemLines("cert", certificatePem),
      ...pemLines("priv_key", privateKeyPem),
      ...others.flatMap(peerLines),
      "",
    ];
    writeSecret(`peer${index}.toml`, lines.join("\n"));
  }
}

function domainOf(index: number): string {
  return `peer${index}.fy`;
}

function listenPortOf(index: number): number {
  return 40_000 + index;
}

function pemLines(key: string, pem: string): string[] {
  return [`${key} = """`, ...pem.trimEnd().split(/\r?\n/), '"""'];
}

function peerLines(index: number): string[] {
  return [
    "",
    "[[network_tls.peers]]",
    'host = "localhost"',
    `port = ${listenPortOf(index)}`,
    `domain = "${domainOf(index)}"`,
  ];
}

function writeSecret(path: string, text: string): void {
  Deno.writeTextFileSync(path, text, { mode: KEY_MODE });
  Deno.chmodSync(path, KEY_MODE); // a file that was there keeps its mode otherwise
}
