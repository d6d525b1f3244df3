import assert from "node:assert/strict";
import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";
import { type Clock, SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { MemoryBudget } from "../core/memory_budget.ts";
import { Outbox } from "../outbox.ts";
import { Inbox } from "../testing/inbox.ts";
import { Traffic } from "../traffic.ts";
import { Connection } from "./connection.ts";
import { PeerLink } from "./core/peer_link.ts";
import type { Role } from "./core/yamux_session.ts";

function newLink(role: Role): PeerLink {
  const budget = new MemoryBudget(1_000_000);
  return new PeerLink({ role, frameSizeMax: 1_000, budget, nowMs: 0 });
}

function outputOf(link: PeerLink): Bytes {
  return concatBytes(...link.takeOutput(1_000_000, 0));
}

/** An acceptor whose clock moves with each look at it, and its peer. */
function setup() {
  const peer = newLink("dialler");
  const incoming = new Inbox<Bytes | null>();
  const socket = {
    remoteAddr: { hostname: "127.0.0.1", port: 1 },
    async read(buffer: Bytes): Promise<number | null> {
      const chunk = await incoming.next();
      if (chunk !== null) buffer.set(chunk);
      return chunk?.length ?? null;
    },
    write(bytes: Bytes): Promise<number> {
      peer.receive(bytes);
      return Promise.resolve(bytes.length);
    },
    setNoDelay() {},
    close: () => incoming.push(null),
  };
  let nowMs = 0;
  const pauses = new Inbox<() => void>();
  const clock: Clock = {
    ...SYSTEM_CLOCK,
    monotonicMs: () => nowMs++,
    sleep: () => new Promise((resolve) => pauses.push(resolve)),
  };
  const kinds: string[] = [];
  const opened = Promise.withResolvers<void>();
  const onEvent = ({ kind }: { readonly kind: string }) => {
    kinds.push(kind);
    if (kind === "opened") opened.resolve();
  };
  const outbox = new Outbox(new Traffic());
  const connection = new Connection({ socket, link: newLink("acceptor"), outbox, clock, onEvent });
  connection.start();
  incoming.push(outputOf(peer));
  return { peer, incoming, pauses, connection, kinds, opened: opened.promise };
}

/** So many empty messages in one chunk that fits the first buffer of a reader. */
function sendMany(peer: PeerLink): Bytes {
  const frames = Array.from({ length: 900 }, () => new Uint8Array(4));
  peer.send([concatBytes(...frames)], 4);
  return outputOf(peer);
}

Deno.test("Connection lets others run while one chunk holds very many messages", async () => {
  const { peer, incoming, pauses, connection, kinds, opened } = setup();
  await opened;
  incoming.push(sendMany(peer));
  const goOn = await pauses.next();
  assert(kinds.length < 900);
  goOn();
  for (let count = 1; kinds.length < 901; count++) {
    assert(count < 100);
    (await pauses.next())();
    await SYSTEM_CLOCK.sleep(0);
  }
  await connection.close("the test is over");
  assert.equal(kinds.at(-1), "ended");
});

Deno.test("Connection tells nothing after its end, though messages waited for others", async () => {
  const { peer, incoming, pauses, connection, kinds, opened } = setup();
  await opened;
  incoming.push(sendMany(peer));
  const goOn = await pauses.next();
  await connection.close("the test is over");
  const count = kinds.length;
  assert.equal(kinds.at(-1), "ended");
  goOn();
  await SYSTEM_CLOCK.sleep(0);
  assert(count < 900 && kinds.length === count);
});
