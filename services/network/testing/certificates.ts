/** A certificate authority in a temporary folder; disposal removes it. */
export interface TestAuthority extends AsyncDisposable {
  /** Its own certificate in PEM. */
  readonly ca: string;
  /** A certificate for a DNS name, and its key, both in PEM. */
  issue(domain: string): Promise<TestIdentity>;
}

/** Who a test peer is. */
export interface TestIdentity {
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority with a key on P-256. */
export async function openAuthority(name = "test ca"): Promise<TestAuthority> {
  const folder = await Deno.makeTempDir({ prefix: "network-ca-" });
  const run = (...args: readonly string[]) => openssl(folder, args);
  const read = (file: string) => Deno.readTextFile(`${folder}/${file}`);
  const key = (file: string) =>
    run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file);
  await key("ca.key");
  const subject = ["-subj", `/CN=${name}`, "-days", "30"];
  const isCa = ["-addext", "basicConstraints=critical,CA:TRUE"];
  await run("req", "-x509", "-new", "-key", "ca.key", "-out", "ca.pem", ...subject, ...isCa);
  let issued = 0;
  return {
    ca: await read("ca.pem"),
    async issue(domain) {
      issued += 1;
      const [keyFile, certFile] = [`${issued}.key`, `${issued}.pem`];
      await key(keyFile);
      await run("req", "-new", "-key", keyFile, "-subj", `/CN=${domain}`, "-out", "request");
      await Deno.writeTextFile(`${folder}/extensions`, `subjectAltName=DNS:${domain}\n`);
      const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30"];
      const files = ["-in", "request", "-out", certFile, "-extfile", "extensions"];
      await run("x509", "-req", ...files, ...signer);
      return { cert: await read(certFile), key: await read(keyFile) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function openssl(cwd: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { cwd, args: [...args] }).output();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
