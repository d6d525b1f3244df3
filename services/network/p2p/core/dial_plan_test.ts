import assert from "node:assert/strict";
import { type Multiaddr, parseMultiaddr } from "../../multiaddr.ts";
import { DialPlan, dialTarget } from "./dial_plan.ts";

function address(text: string): Multiaddr {
  const parsed = parseMultiaddr(text);
  assert(parsed !== null, text);
  return parsed;
}

const A = address("/dns4/a/tcp/1");
const B = address("/dns4/b/tcp/1");

Deno.test("DialPlan.due() gives missing peers at once and then every 10 s", () => {
  const plan = new DialPlan([A, B, A]);
  const connected = new Set<string>();
  const dueAt = (nowMs: number) =>
    plan.due(nowMs, (text) => connected.has(text)).map(({ text }) => text);
  assert.deepEqual(dueAt(5), [A.text, B.text]);
  plan.finish(A.text);
  connected.add(A.text);
  plan.finish(B.text);
  assert.deepEqual(dueAt(10_004), []);
  assert.deepEqual(dueAt(10_005), [B.text]);
  connected.delete(A.text);
  assert.deepEqual(dueAt(20_005), [A.text], "B is being dialled");
});

Deno.test("DialPlan.begin() refuses an address that is being dialled", () => {
  const plan = new DialPlan([]);
  assert.equal(plan.begin(A.text), true);
  assert.equal(plan.begin(A.text), false);
  plan.finish(A.text);
  assert.equal(plan.begin(A.text), true);
});

Deno.test("DialPlan.begin() has a limit", () => {
  const plan = new DialPlan([]);
  for (let port = 0; port < 1_024; port++) assert(plan.begin(`/dns4/a/tcp/${port}`));
  assert.equal(plan.begin("/dns4/b/tcp/1"), false);
});

Deno.test("dialTarget() gives host, port and domain, or says why it cannot", () => {
  const domain = null;
  assert.deepEqual(dialTarget(address("/ip6/::1/tcp/7")), { hostname: "::1", port: 7, domain });
  assert.deepEqual(dialTarget(address("/dns4/localhost/tcp/7/tls/a.fy")), {
    hostname: "localhost",
    port: 7,
    domain: "a.fy",
  });
  const reasonOf = (text: string) => String(dialTarget(address(text)));
  assert.match(reasonOf(""), /a host and a tcp port/);
  assert.match(reasonOf("/ip4/1.2.3.4"), /a host and a tcp port/);
  assert.match(reasonOf("/dns4//tcp/1"), /a host and a tcp port/);
  assert.match(reasonOf("/ip4/1.2.3.4/tcp/7/ws"), /\/ws is not supported/);
  assert.match(reasonOf("/memory/1"), /\/memory is not supported/);
});
