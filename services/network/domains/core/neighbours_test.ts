import assert from "node:assert/strict";
import { type NeighbourEffect, Neighbours, NEIGHBOURS_MAX, TIE_DELAY_MS } from "./neighbours.ts";
import { originOf } from "./origin.ts";

const REDIAL_MS = 5_000;
/** The node of these tests is "m.test": it comes after "b.test" and before "z.test". */
const B = { host: "127.0.0.1", port: 1, domain: "b.test" };
const Z = { host: "127.0.0.1", port: 2, domain: "z.test" };

/** Peers that became known so early that they may be dialled at 0. */
function newNeighbours(...peers: readonly typeof B[]): Neighbours<string> {
  const neighbours = new Neighbours<string>({ ownDomains: ["m.test"], redialMs: REDIAL_MS });
  for (const peer of peers) assert(neighbours.add(peer, -TIE_DELAY_MS));
  return neighbours;
}

/** Effects in short: what, and to whom or which channel. */
function short(effects: readonly NeighbourEffect<string>[]): string[] {
  return effects.map((effect) => {
    switch (effect.kind) {
      case "dial":
        return `dial ${effect.peer.domain}`;
      case "cancelDial":
        return `cancel ${effect.domain}`;
      case "open":
        return `open ${effect.channel} ${effect.side}`;
      case "close":
        return `close ${effect.channel}: ${effect.reason}`;
    }
  });
}

function connectedOf(neighbours: Neighbours<string>): string[] {
  return neighbours.connected().map(({ channel }) => channel);
}

Deno.test("Neighbours.due() dials a new peer at once or a moment later, and once", () => {
  const neighbours = newNeighbours(B, Z);
  const early = neighbours.due(-TIE_DELAY_MS);
  assert.deepEqual(short(early), ["dial z.test"], "the lesser domain does not wait");
  assert.deepEqual(neighbours.due(-1), []);
  assert.deepEqual(short(neighbours.due(0)), ["dial b.test"]);
  assert.deepEqual(neighbours.due(1_000_000), [], "the dials are under way");
  assert.deepEqual(connectedOf(neighbours), []);
});

Deno.test("Neighbours.add() takes a domain once, and not too many", () => {
  const neighbours = newNeighbours(B);
  assert.equal(neighbours.add({ ...B, host: "other" }, 0), false);
  assert.deepEqual(neighbours.get("b.test")?.peer, B, "the first address stays");
  for (let count = 1; count < NEIGHBOURS_MAX; count++) {
    assert(neighbours.add({ ...B, domain: `${count}.test` }, 0));
  }
  assert.equal(neighbours.add({ ...B, domain: "more.test" }, 0), false);
  assert.equal(neighbours.all().length, NEIGHBOURS_MAX);
});

Deno.test("Neighbours takes domains for the same whatever their case, and the dot at the end", () => {
  const neighbours = newNeighbours({ ...B, domain: "B.Test." });
  assert.equal(neighbours.add(B, 0), false);
  assert.deepEqual(short(neighbours.accepted(["b.TEST"], "in", 0)), ["open in inbound"]);
  assert.equal(neighbours.get("b.test")?.peer.domain, "B.Test.", "shown as configured");
  neighbours.ended("b.test.", "in", 10);
  assert.deepEqual(connectedOf(neighbours), []);
  neighbours.remove("b.test");
  assert.deepEqual(neighbours.all(), []);
});

Deno.test("Neighbours keeps one out for a moment that comes and goes all the time", () => {
  const neighbours = newNeighbours(Z);
  for (let count = 0; count < 5; count++) {
    assert.deepEqual(short(neighbours.accepted(["z.test"], "in", count)), ["open in inbound"]);
    neighbours.ended("z.test", "in", count);
  }
  const refused = ["close no: it comes and goes too often"];
  assert.deepEqual(short(neighbours.accepted(["z.test"], "no", 5)), refused);
  assert.deepEqual(short(neighbours.accepted(["z.test"], "no", 1_003)), refused);
  assert.deepEqual(short(neighbours.accepted(["z.test"], "in", 1_004)), ["open in inbound"]);
});

Deno.test("Neighbours.dialled() opens the connection, with the origin of the peer", () => {
  const neighbours = newNeighbours(B);
  neighbours.due(0);
  const origin = originOf(B);
  const opened = { kind: "open", peer: B, origin, channel: "x", side: "outbound" };
  assert.deepEqual(neighbours.dialled("b.test", "x", 10), [opened]);
  assert.deepEqual(neighbours.connected(), [{ peer: B, origin, channel: "x" }]);
  assert.deepEqual(neighbours.due(1_000_000), []);
});

Deno.test("Neighbours.dialFailed() lets the peer be dialled again after the pause", () => {
  const neighbours = newNeighbours(Z);
  neighbours.due(0);
  neighbours.dialFailed("z.test", 100);
  assert.deepEqual(neighbours.due(100 + REDIAL_MS - 1), []);
  assert.deepEqual(short(neighbours.due(100 + REDIAL_MS)), ["dial z.test"]);
  for (let attempt = 1; attempt < 20; attempt++) {
    const nowMs = attempt * 100_000;
    neighbours.dialFailed("z.test", nowMs);
    assert.equal(neighbours.due(nowMs + REDIAL_MS).length, 1, "the pause does not grow");
  }
});

Deno.test("Neighbours.accepted() opens what a peer dialled and gives the own dial up", () => {
  const neighbours = newNeighbours(B);
  neighbours.due(0);
  const effects = neighbours.accepted(["b.test"], "in", 10);
  assert.deepEqual(short(effects), ["cancel b.test", "open in inbound"]);
  assert.deepEqual(
    short(neighbours.dialled("b.test", "late", 20)),
    ["close late: the dial was cancelled"],
  );
  neighbours.dialFailed("b.test", 20);
  assert.deepEqual(connectedOf(neighbours), ["in"]);
});

Deno.test("Neighbours.accepted() takes the first domain that is known, and no stranger", () => {
  const neighbours = newNeighbours(B, Z);
  assert.deepEqual(
    short(neighbours.accepted(["x.test", "z.test", "b.test"], "in", 0)),
    ["open in inbound"],
  );
  assert.equal(neighbours.get("z.test")?.channel, "in");
  assert.equal(neighbours.get("b.test")?.channel, null);
  for (const domains of [[], ["x.test"]]) {
    assert.deepEqual(short(neighbours.accepted(domains, "no", 0)), [
      "close no: it is no known peer",
    ]);
  }
});

Deno.test("Neighbours keeps what the lesser domain dialled when both have dialled", () => {
  const neighbours = newNeighbours(B, Z);
  neighbours.due(0);
  neighbours.dialled("b.test", "to b", 10);
  neighbours.dialled("z.test", "to z", 10);
  assert.deepEqual(
    short(neighbours.accepted(["z.test"], "from z", 20)),
    ["close from z: it has a connection already"],
    "m.test comes before z.test",
  );
  assert.deepEqual(
    short(neighbours.accepted(["b.test"], "from b", 20)),
    ["close to b: a new one replaces it", "open from b inbound"],
    "b.test comes before m.test",
  );
  assert.deepEqual(
    short(neighbours.accepted(["b.test"], "again", 30)),
    ["close again: it has a connection already"],
    "a second one that the peer dialled is no tie",
  );
  assert.deepEqual(connectedOf(neighbours), ["from b", "to z"]);
});

Deno.test("Neighbours compares the least domains of both, whatever a peer is known by", () => {
  const neighbours = newNeighbours(Z);
  neighbours.due(0);
  neighbours.dialled("z.test", "to z", 10);
  const effects = neighbours.accepted(["z.test", "a.test"], "from z", 20);
  assert.deepEqual(short(effects), ["close to z: a new one replaces it", "open from z inbound"]);
});

Deno.test("Neighbours.accepted() takes the new connection of a peer that lost its own", () => {
  for (const side of ["inbound", "outbound"]) {
    const neighbours = newNeighbours(Z);
    neighbours.due(0);
    if (side === "outbound") neighbours.dialled("z.test", "old", 0);
    else neighbours.accepted(["z.test"], "old", 0);
    const early = neighbours.accepted(["z.test"], "early", REDIAL_MS - 1);
    assert.deepEqual(short(early), ["close early: it has a connection already"]);
    assert.deepEqual(
      short(neighbours.accepted(["z.test"], "new", REDIAL_MS)),
      ["close old: a new one replaces it", "open new inbound"],
    );
    neighbours.ended("z.test", "old", REDIAL_MS);
    assert.deepEqual(connectedOf(neighbours), ["new"], "the end of the old one is no matter");
  }
});

Deno.test("Neighbours.ended() lets the peer be dialled again after the pause", () => {
  const neighbours = newNeighbours(B, Z);
  for (const domain of ["b.test", "z.test"]) neighbours.accepted([domain], domain, 0);
  const endMs = 60_000;
  for (const domain of ["b.test", "z.test"]) neighbours.ended(domain, domain, endMs);
  assert.deepEqual(connectedOf(neighbours), []);
  assert.deepEqual(neighbours.due(endMs + REDIAL_MS - 1), []);
  assert.deepEqual(short(neighbours.due(endMs + REDIAL_MS)), ["dial z.test"]);
  const laterMs = endMs + REDIAL_MS + TIE_DELAY_MS;
  assert.deepEqual(neighbours.due(laterMs - 1), []);
  assert.deepEqual(short(neighbours.due(laterMs)), ["dial b.test"], "the greater domain waits");
});

Deno.test("Neighbours waits longer for a peer whose connections end soon, within a bound", () => {
  const neighbours = newNeighbours(Z);
  const pauses: number[] = [];
  let nowMs = 0;
  const connectFor = (durationMs: number) => {
    neighbours.accepted(["z.test"], "in", nowMs);
    nowMs += durationMs;
    neighbours.ended("z.test", "in", nowMs);
    const endMs = nowMs;
    while (neighbours.due(nowMs).length === 0) nowMs += 100;
    pauses.push(nowMs - endMs);
  };
  for (let count = 0; count < 7; count++) connectFor(10);
  connectFor(REDIAL_MS);
  assert.deepEqual(pauses, [5_800, 6_600, 7_400, 8_200, 9_000, 9_000, 9_000, 5_000]);
});

Deno.test("Neighbours.remove() ends the dial or the connection, and forgets the peer", () => {
  const neighbours = newNeighbours(B, Z);
  neighbours.due(0);
  neighbours.dialled("z.test", "to z", 0);
  assert.deepEqual(short(neighbours.remove("b.test")), ["cancel b.test"]);
  assert.deepEqual(short(neighbours.remove("z.test")), ["close to z: it is no peer any more"]);
  assert.deepEqual(neighbours.remove("z.test"), []);
  assert.deepEqual(neighbours.all(), []);
  neighbours.ended("z.test", "to z", 0);
  neighbours.dialFailed("b.test", 0);
  assert.deepEqual(
    short(neighbours.dialled("b.test", "late", 0)),
    ["close late: the dial was cancelled"],
  );
  assert.deepEqual(neighbours.due(1_000_000), []);
  assert(neighbours.add(B, 1_000_000), "it can be added again");
  assert.deepEqual(short(neighbours.due(1_000_000 + TIE_DELAY_MS)), ["dial b.test"]);
});
