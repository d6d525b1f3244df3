import type { SigningRequest } from "../issue.ts";
import { parseDocument } from "../../config/mod.ts";

const VECTORS = new URL("../../../tests/vectors/cloud_config/", import.meta.url);
const recorded = (name: string) => Deno.readTextFileSync(new URL(name, VECTORS));

/** PEM texts of a node, recorded from cloud-config 6.3.3; its domain is `single-0`. */
export interface RecordedNode {
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Reads the recorded node. */
export function readRecordedNode(): RecordedNode {
  const { tables } = parseDocument(recorded("single/config.toml"), "config.toml");
  const { ca_cert, cert, priv_key } = Object(tables["network_tls"]);
  return {
    authorityPem: String(ca_cert),
    certificatePem: String(cert),
    privateKeyPem: String(priv_key),
  };
}

/** Reads the recorded signing request, for the domain `test-chain-7`. */
export function readRecordedRequest(): SigningRequest {
  return { requestPem: recorded("csr/csr.pem"), privateKeyPem: recorded("csr/key.pem") };
}
