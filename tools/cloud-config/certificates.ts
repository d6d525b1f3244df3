import { PLAIN_MODE, SECRET_MODE } from "../../shared/files/mod.ts";
import {
  CertificateError,
  createCertificateAuthority,
  createSigningRequest,
  type Identity,
  signRequest,
} from "../../shared/x509/mod.ts";
import { peerDomain } from "./addresses.ts";
import { type ChainFolder, replaceFile } from "./folder.ts";
import type { NodeCertificates } from "./node_sections.ts";

/** Makes the chain's authority; one that is there is replaced, and what it signed is worthless then. */
export function createAuthority(folder: ChainFolder): void {
  const { certificatePem, privateKeyPem } = createCertificateAuthority();
  replaceFile(`${folder.authorityPath}/key.pem`, privateKeyPem, SECRET_MODE);
  replaceFile(`${folder.authorityPath}/cert.pem`, certificatePem, PLAIN_MODE);
}

/** Makes a node's key and the request that the chain's authority is to sign. */
export function createNodeRequest(folder: ChainFolder, domain: string): void {
  const { requestPem, privateKeyPem } = createSigningRequest(peerDomain(folder.chainName, domain));
  const path = folder.certPath(domain);
  Deno.mkdirSync(path, { recursive: true });
  replaceFile(`${path}/key.pem`, privateKeyPem, SECRET_MODE);
  replaceFile(`${path}/csr.pem`, requestPem, PLAIN_MODE);
}

/** Signs a node's request with the key of the chain's authority. */
export function signNodeRequest(folder: ChainFolder, domain: string): void {
  const authority: Identity = {
    certificatePem: readText(`${folder.authorityPath}/cert.pem`),
    privateKeyPem: readText(`${folder.authorityPath}/key.pem`),
  };
  const path = folder.certPath(domain);
  const requestPem = readText(`${path}/csr.pem`);
  replaceFile(`${path}/cert.pem`, sign(`${path}/csr.pem`, authority, requestPem), PLAIN_MODE);
}

function sign(path: string, authority: Identity, requestPem: string): string {
  try {
    return signRequest(authority, requestPem);
  } catch (cause) {
    if (!(cause instanceof CertificateError)) throw cause;
    throw new Error(`Cannot sign "${path}": ${cause.message}`, { cause });
  }
}

/** Makes a node's key and certificate in one step. */
export function createNodeCertificate(folder: ChainFolder, domain: string): void {
  createNodeRequest(folder, domain);
  signNodeRequest(folder, domain);
}

/** What a node's configuration takes over. */
export function readNodeCertificates(folder: ChainFolder, domain: string): NodeCertificates {
  const path = folder.certPath(domain);
  return {
    caCert: readText(`${folder.authorityPath}/cert.pem`),
    cert: readText(`${path}/cert.pem`),
    privKey: readText(`${path}/key.pem`),
  };
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot read "${path}": ${reason}`, { cause });
  }
}
