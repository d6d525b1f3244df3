import assert from "node:assert/strict";
import { authorityConstraints, extendedKeyUsage, subjectAltName } from "./encode.ts";
import { EXTENSION_OID } from "./extensions.ts";
import { AUTHORITY, forge, type Forged, FORGED_NOW_MS, keyUsage, NODE } from "./testing/forge.ts";
import { CHAIN_COUNT_MAX, type ChainCheck, verifyChain } from "./verify.ts";

const ROOT = forge({ extensions: AUTHORITY });
const LEAF = forge({ extensions: NODE, issuer: ROOT });

function check(chain: readonly Forged[], changes: Partial<ChainCheck> = {}): string {
  const result = verifyChain({
    chain: chain.map(({ certificate }) => certificate.der),
    roots: [ROOT.certificate],
    nowMs: FORGED_NOW_MS,
    usage: "server",
    ...changes,
  });
  return result.kind === "verified" ? result.kind : result.reason;
}

/** A chain of authorities below the root, the lowest first. */
function authorities(count: number): Forged[] {
  const chain: Forged[] = [];
  for (let i = 0; i < count; i++) {
    chain.unshift(forge({ extensions: AUTHORITY, issuer: chain[0] ?? ROOT }));
  }
  return chain;
}

Deno.test("verifyChain() trusts what the root signed, for both sides of TLS", () => {
  assert.equal(check([LEAF]), "verified");
  assert.equal(check([LEAF], { usage: "client" }), "verified");
  assert.equal(check([LEAF, ROOT]), "verified");
});

Deno.test("verifyChain() tries every root of the same name", () => {
  const others = [forge({ extensions: AUTHORITY }), forge({ extensions: AUTHORITY })];
  const roots = [...others, ROOT].map(({ certificate }) => certificate);
  assert.equal(check([LEAF], { roots }), "verified");
  assert.equal(check([LEAF], { roots: roots.slice(0, 2) }), "unknown-issuer");
});

Deno.test("verifyChain() does not take an issuer from its name: only signatures count", () => {
  const stranger = forge({ extensions: AUTHORITY });
  const impostor = forge({ extensions: NODE, issuer: { ...ROOT, key: stranger.key } });
  assert.equal(check([impostor]), "unknown-issuer");
  assert.equal(check([impostor, stranger]), "unknown-issuer");
  assert.equal(check([forge({ extensions: NODE })]), "unknown-issuer");
  assert.equal(check([LEAF], { roots: [] }), "unknown-issuer");
  const { name } = forge({ extensions: AUTHORITY, name: "another" });
  const renamed = forge({ extensions: NODE, issuer: { ...ROOT, name } });
  assert.equal(check([renamed]), "unknown-issuer");
});

Deno.test("verifyChain() goes over authorities in between, in any order", () => {
  const [low, middle, high] = authorities(3);
  assert.ok(low !== undefined && middle !== undefined && high !== undefined);
  const leaf = forge({ extensions: NODE, issuer: low });
  assert.equal(check([leaf, low, middle, high]), "verified");
  assert.equal(check([leaf, high, LEAF, low, middle]), "verified");
  assert.equal(check([leaf, low, high]), "unknown-issuer");
});

Deno.test("verifyChain() takes 1 to 8 certificates", () => {
  const chain = authorities(CHAIN_COUNT_MAX - 1);
  const leaf = forge({ extensions: NODE, issuer: chain[0] ?? ROOT });
  assert.equal(check([leaf, ...chain]), "verified");
  assert.equal(check([leaf, ...chain, ROOT]), "count");
  assert.equal(check([]), "count");
});

Deno.test("verifyChain() ends when certificates sign each other", () => {
  const first = forge({ extensions: AUTHORITY });
  const second = forge({ extensions: AUTHORITY, issuer: first });
  const cycle = forge({ extensions: AUTHORITY, issuer: second });
  const leaf = forge({ extensions: NODE, issuer: cycle });
  assert.equal(check([leaf, cycle, second, first, first, cycle]), "unknown-issuer");
});

Deno.test("verifyChain() refuses any certificate outside its validity, to the second", () => {
  const second = 1000;
  const from = { extensions: NODE, issuer: ROOT, notBeforeMs: FORGED_NOW_MS };
  assert.equal(check([forge(from)]), "verified");
  assert.equal(check([forge(from)], { nowMs: FORGED_NOW_MS - 1 }), "not-yet-valid");
  const until = { extensions: NODE, issuer: ROOT, notAfterMs: FORGED_NOW_MS };
  assert.equal(check([forge(until)], { nowMs: FORGED_NOW_MS + second - 1 }), "verified");
  assert.equal(check([forge(until)], { nowMs: FORGED_NOW_MS + second }), "expired");

  const notAfterMs = FORGED_NOW_MS - second;
  const expired = forge({ extensions: AUTHORITY, issuer: ROOT, notAfterMs });
  assert.equal(check([forge({ extensions: NODE, issuer: expired }), expired]), "expired");
  const root = forge({ extensions: AUTHORITY, notAfterMs });
  const leaf = forge({ extensions: NODE, issuer: root });
  assert.equal(check([leaf], { roots: [root.certificate] }), "expired");
});

Deno.test("verifyChain() takes another way when one issuer cannot be used", () => {
  const good = forge({ extensions: AUTHORITY });
  const notAfterMs = FORGED_NOW_MS - 1000;
  const leaf = forge({ extensions: NODE, issuer: good });
  const expired = forge({ extensions: AUTHORITY, notAfterMs });
  const roots = [expired.certificate, good.certificate];
  assert.equal(check([leaf], { roots }), "verified");
});

Deno.test("verifyChain() refuses issuers that are no authority", () => {
  for (
    const extensions of [
      NODE,
      [...AUTHORITY, keyUsage("0780")],
      [{ oid: EXTENSION_OID.basicConstraints, isCritical: true, value: Uint8Array.of(0x30, 0) }],
    ]
  ) {
    const issuer = forge({ extensions, issuer: ROOT });
    const leaf = forge({ extensions: NODE, issuer });
    assert.equal(check([leaf, issuer]), "no-authority");
    assert.equal(check([leaf], { roots: [issuer.certificate] }), "no-authority");
  }
  const signs = forge({ extensions: [...AUTHORITY, keyUsage("0204")], issuer: ROOT });
  assert.equal(check([forge({ extensions: NODE, issuer: signs }), signs]), "verified");
});

Deno.test("verifyChain() refuses an authority's certificate as a peer's", () => {
  const leaf = forge({ extensions: [...AUTHORITY, ...NODE], issuer: ROOT });
  assert.equal(check([leaf]), "authority-as-peer");
  assert.equal(check([ROOT]), "authority-as-peer");
});

Deno.test("verifyChain() obeys path lengths, and counts authorities of the same name", () => {
  const limited = (pathLengthMax: number, issuer: Forged = ROOT) =>
    forge({ extensions: [authorityConstraints(pathLengthMax)], issuer });
  const none = limited(0);
  const below = forge({ extensions: AUTHORITY, issuer: none });
  assert.equal(check([forge({ extensions: NODE, issuer: none }), none]), "verified");
  assert.equal(check([forge({ extensions: NODE, issuer: below }), below, none]), "path-too-long");
  const one = limited(1);
  const lower = limited(0, one);
  assert.equal(check([forge({ extensions: NODE, issuer: lower }), lower, one]), "verified");
});

Deno.test("verifyChain() wants the side of TLS that extended key usage allows", () => {
  const client = extendedKeyUsage(["client"]);
  const leaf = forge({ extensions: [...NODE, client], issuer: ROOT });
  assert.equal(check([leaf], { usage: "client" }), "verified");
  assert.equal(check([leaf], { usage: "server" }), "usage");
  const both = forge({ extensions: [extendedKeyUsage(["client", "server"])], issuer: ROOT });
  assert.equal(check([both]), "verified");
  const authority = forge({ extensions: [...AUTHORITY, client], issuer: ROOT });
  assert.equal(check([forge({ extensions: NODE, issuer: authority }), authority]), "usage");
  const nothing = forge({ extensions: [extendedKeyUsage([])], issuer: ROOT });
  assert.equal(check([nothing]), "usage");
});

Deno.test("verifyChain() gives the DNS names of the peer's certificate", () => {
  const extensions = [subjectAltName(["a.example", "*.b.example", "xn--é"])];
  const { certificate } = forge({ extensions, issuer: ROOT });
  const result = verifyChain({
    chain: [certificate.der],
    roots: [ROOT.certificate],
    nowMs: FORGED_NOW_MS,
    usage: "client",
  });
  assert.ok(result.kind === "verified");
  assert.deepEqual(result.leaf.dnsNames, ["a.example", "*.b.example"]);
});
