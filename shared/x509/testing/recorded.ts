import { parseDocument } from "../../config/mod.ts";

const PATH = new URL("../../../tests/vectors/cloud_config/single/config.toml", import.meta.url);

/** PEM texts of a node, recorded from cloud-config 6.3.3; its domain is `single-0`. */
export interface RecordedNode {
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Reads the recorded node. */
export function readRecordedNode(): RecordedNode {
  const { tables } = parseDocument(Deno.readTextFileSync(PATH), "config.toml");
  const { ca_cert, cert, priv_key } = Object(tables["network_tls"]);
  return {
    authorityPem: String(ca_cert),
    certificatePem: String(cert),
    privateKeyPem: String(priv_key),
  };
}
