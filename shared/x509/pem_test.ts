import assert from "node:assert/strict";
import { CertificateError } from "./errors.ts";
import { createCertificateAuthority } from "./issue.ts";
import { readCertificates, readPrivateKey } from "./pem.ts";

const { certificatePem, privateKeyPem } = createCertificateAuthority();

/** What a text is refused with. */
function refusalOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof CertificateError, String(error));
    return error.message;
  }
  assert.fail("it must be refused");
}

Deno.test("readCertificates() reads LF and CR LF, several, and passes over what is around", () => {
  const lines = certificatePem.replaceAll("\r\n", "\n");
  const text = `# a comment\n${privateKeyPem}\r\nsubject=x\n${certificatePem}${lines.trim()}`;
  const certificates = readCertificates(text);
  assert.equal(certificates.length, 2);
  assert.deepEqual(certificates[0], certificates[1]);
});

Deno.test("readCertificates() says what is wrong", () => {
  const none = 'Cannot read PEM: it must have a block "BEGIN CERTIFICATE", got ';
  assert.equal(refusalOf(() => readCertificates("")), `${none}no PEM block`);
  assert.equal(refusalOf(() => readCertificates(privateKeyPem)), `${none}"BEGIN PRIVATE KEY"`);
  const cut = certificatePem.slice(0, 300);
  assert.equal(refusalOf(() => readCertificates(cut)), `${none}no PEM block`);
  const lines = certificatePem.split("\r\n");
  const shorter = certificatePem + lines.toSpliced(2, 1).join("\n");
  assert.match(
    refusalOf(() => readCertificates(shorter)),
    /^Cannot use certificate 2 of the text: Cannot decode DER: /,
  );
  const damaged = certificatePem.replace("MII", "M?I");
  assert.equal(
    refusalOf(() => readCertificates(damaged)),
    'Cannot read PEM: the block "CERTIFICATE" must hold base64 only',
  );
  const mixed = certificatePem.replace("END CERTIFICATE", "END PRIVATE KEY");
  assert.match(refusalOf(() => readCertificates(mixed)), /must end with "END CERTIFICATE", got/);
});

Deno.test("readPrivateKey() reads the first PKCS#8 key", () => {
  const key = readPrivateKey(`${certificatePem}${privateKeyPem}`);
  assert.equal(key.type, "private");
  assert.equal(key.asymmetricKeyType, "ec");
});

Deno.test("readPrivateKey() refuses other kinds of keys and names them", () => {
  for (const label of ["EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]) {
    const text = privateKeyPem.replaceAll("PRIVATE KEY", label);
    assert.equal(
      refusalOf(() => readPrivateKey(text)),
      `Cannot read PEM: it must have a block "BEGIN PRIVATE KEY", got "BEGIN ${label}"`,
    );
  }
  const body = privateKeyPem.split("\r\n")[1] ?? "";
  const damaged = privateKeyPem.replace(body, body.replace("MIG", "MIA"));
  assert.match(
    refusalOf(() => readPrivateKey(damaged)),
    /^Cannot use the private key: it must be a PKCS#8 key/,
  );
});
