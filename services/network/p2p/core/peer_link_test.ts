import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concatBytes, fromHex, toHex, u32be } from "../../../../shared/bytes/mod.ts";
import { MemoryBudget } from "../../core/memory_budget.ts";
import { type LinkEvent, PeerLink } from "./peer_link.ts";
import { encodeProtocolInfo, NODE_PROTOCOL } from "./protocol_select.ts";
import { encodeHeader, FrameFlag, FrameType } from "./yamux_frame.ts";
import type { Role } from "./yamux_session.ts";

const FRAME_SIZE_MAX = 1_000;

function link(role: Role, frameSizeMax = FRAME_SIZE_MAX): PeerLink {
  return new PeerLink({ role, frameSizeMax, budget: new MemoryBudget(2 ** 30), nowMs: 0 });
}

function outputOf(source: PeerLink): Bytes {
  return concatBytes(...source.takeOutput(Number.MAX_SAFE_INTEGER, 0));
}

/** Moves bytes between two links until both are quiet; gives the events of the acceptor. */
function exchange(dialler: PeerLink, acceptor: PeerLink): LinkEvent[] {
  const events: LinkEvent[] = [];
  for (;;) {
    const there = outputOf(dialler);
    events.push(...acceptor.receive(there));
    const back = outputOf(acceptor);
    dialler.receive(back);
    if (there.length + back.length === 0) return events;
  }
}

function openPair(frameSizeMax?: number): { dialler: PeerLink; acceptor: PeerLink } {
  const dialler = link("dialler", frameSizeMax);
  const acceptor = link("acceptor", frameSizeMax);
  exchange(dialler, acceptor);
  assert(dialler.isOpen && acceptor.isOpen);
  return { dialler, acceptor };
}

function streamFrame(flags: number, payload: Bytes, streamId = 1): Bytes {
  const header = { type: FrameType.Data, flags, streamId, length: payload.length };
  return concatBytes(encodeHeader(header), payload);
}

function framed(message: Bytes): Bytes {
  return concatBytes(u32be(message.length), message);
}

function endReason(events: readonly LinkEvent[]): string {
  const last = events.at(-1);
  return last?.kind === "ended" ? last.reason : "not ended";
}

function send(source: PeerLink, messageSize: number): readonly LinkEvent[] {
  const frame = framed(new Uint8Array(messageSize));
  return source.send([frame], frame.length);
}

Deno.test("PeerLink opens with the bytes of spec/network.md 10 on both sides", () => {
  const dialler = link("dialler");
  const acceptor = link("acceptor");
  const info = "270000000c00000016000000060000002f7032702f3011000000080000000500" +
    "0000302e302e31";
  const opening = outputOf(dialler);
  const data = "00000000000000010000002b" + "00000027" + info;
  assert.equal(toHex(opening), "000100010000000100000000" + data);
  assert.deepEqual(acceptor.receive(opening), [{ kind: "opened" }]);
  const answer = outputOf(acceptor);
  assert.equal(toHex(answer), "000100020000000100000000" + data);
  assert.deepEqual(dialler.receive(answer), [{ kind: "opened" }]);
});

Deno.test("PeerLink carries messages both ways, an empty one too", () => {
  const { dialler, acceptor } = openPair();
  send(dialler, 0);
  send(dialler, FRAME_SIZE_MAX);
  const messages = exchange(dialler, acceptor);
  assert.deepEqual(messages, [
    { kind: "message", bytes: new Uint8Array(0) },
    { kind: "message", bytes: new Uint8Array(FRAME_SIZE_MAX) },
  ]);
  send(acceptor, 5);
  assert.deepEqual(dialler.receive(outputOf(acceptor)), [
    { kind: "message", bytes: new Uint8Array(5) },
  ]);
});

Deno.test("PeerLink keeps messages that arrive together with the answer", () => {
  const dialler = link("dialler");
  const acceptor = link("acceptor");
  acceptor.receive(outputOf(dialler));
  send(acceptor, 3);
  const kinds = dialler.receive(outputOf(acceptor)).map(({ kind }) => kind);
  assert.deepEqual(kinds, ["opened", "message"]);
});

Deno.test("PeerLink drops messages before it is open", () => {
  const acceptor = link("acceptor");
  assert.deepEqual(send(acceptor, 3), []);
  assert.equal(acceptor.unsentSize, 0);
});

Deno.test("PeerLink ends on a message above the limit, outgoing and incoming", () => {
  const outgoing = openPair().dialler;
  assert.match(endReason(send(outgoing, FRAME_SIZE_MAX + 1)), /^ProtocolError: frame of 1001/);
  assert(outgoing.isEnded);
  const incoming = openPair().acceptor;
  const bomb = streamFrame(0, fromHex("ffffffff"));
  assert.match(
    endReason(incoming.receive(bomb)),
    /^ProtocolError: msg too large: frame of 4294967295/,
  );
  assert.equal(toHex(outputOf(incoming)), "000300000000000000000000");
});

Deno.test("PeerLink ends when unfinished messages take too much, and gives it back", () => {
  const budget = new MemoryBudget(100_000);
  const open = () => {
    const acceptor = new PeerLink({ role: "acceptor", frameSizeMax: 2 ** 20, budget, nowMs: 0 });
    exchange(link("dialler", 2 ** 20), acceptor);
    return acceptor;
  };
  const unfinished = streamFrame(0, concatBytes(u32be(80_000), new Uint8Array(60_000)));
  const [first, second, third] = [open(), open(), open()];
  assert.deepEqual(first.receive(unfinished), []); // has it for itself
  assert.deepEqual(second.receive(unfinished), []);
  assert.equal(budget.used, 80_000);
  assert.match(endReason(third.receive(unfinished)), /^ProtocolError: no memory for a frame/);
  assert.equal(second.receive(streamFrame(0, new Uint8Array(20_000))).length, 1);
  assert.equal(budget.used, 0);
  second.receive(unfinished);
  second.close("enough", false);
  assert.equal(budget.used, 0);
});

Deno.test("PeerLink.tick() ends a link that is not open after 10 s", () => {
  for (const role of ["dialler", "acceptor"] as const) {
    const silent = link(role);
    assert.deepEqual(silent.tick(9_999), []);
    assert.match(endReason(silent.tick(10_000)), /^SessionTimeout/);
  }
  assert.deepEqual(openPair().dialler.tick(10_000), []);
});

Deno.test("PeerLink.tick() ends a link whose peer takes nothing for 30 s", () => {
  const { dialler } = openPair(1_000_000);
  dialler.tick(1_000);
  send(dialler, 300_000);
  dialler.takeOutput(Number.MAX_SAFE_INTEGER, 2_000);
  assert(dialler.unsentSize > 0, "the window is used up");
  assert.deepEqual(dialler.tick(31_999), []);
  assert.match(endReason(dialler.tick(32_000)), /takes too little/);
});

/** What is left of a link after two minutes in which its peer gives it that much every 10 s. */
function trickle(creditSize: number, messageSize: number): PeerLink {
  const { acceptor } = openPair(1_000_000);
  send(acceptor, messageSize);
  const header = { type: FrameType.WindowUpdate, flags: 0, streamId: 1, length: creditSize };
  const credit = encodeHeader(header);
  for (let nowMs = 0; nowMs <= 120_000 && !acceptor.isEnded; nowMs += 1_000) {
    if (nowMs % 10_000 === 0) acceptor.receive(credit);
    for (const bytes of acceptor.takeOutput(Number.MAX_SAFE_INTEGER, nowMs)) {
      const [, type, , flags] = bytes;
      const isPing = bytes.length === 12 && type === FrameType.Ping && flags === FrameFlag.Syn;
      if (!isPing) continue;
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8);
      const pong = { type: FrameType.Ping, flags: FrameFlag.Ack, streamId: 0, length };
      acceptor.receive(encodeHeader(pong));
    }
    acceptor.tick(nowMs);
  }
  return acceptor;
}

Deno.test("PeerLink.tick() ends a link whose peer takes less than 64 KiB in 30 s", () => {
  assert(trickle(1, 900_000).isEnded);
  assert(trickle(20_000, 900_000).isEnded);
  const slow = trickle(32_768, 900_000);
  assert(!slow.isEnded && slow.unsentSize > 0, "slow, but fast enough");
  const done = trickle(4_000, 262_000);
  assert(!done.isEnded && done.unsentSize === 0, "it takes all that waits for it");
});

Deno.test("PeerLink.tick() ends a link with an unfinished message and nothing more for 30 s", () => {
  const { acceptor } = openPair();
  acceptor.tick(1_000);
  acceptor.receive(streamFrame(0, concatBytes(u32be(3), new Uint8Array(1))));
  acceptor.tick(2_000);
  acceptor.receive(streamFrame(0, new Uint8Array(1)));
  acceptor.tick(3_000);
  assert.deepEqual(acceptor.tick(32_999), []);
  assert.match(endReason(acceptor.tick(33_000)), /^ProtocolError: an unfinished message/);
});

Deno.test("PeerLink answers an unknown protocol with no version and lets the peer try again", () => {
  const acceptor = link("acceptor");
  const propose = (info: { name: string; versions: string[] }, streamId: number) =>
    acceptor.receive(streamFrame(FrameFlag.Syn, framed(encodeProtocolInfo(info)), streamId));
  assert.deepEqual(propose({ name: "/p2p/9", versions: ["0.0.1"] }, 1), []);
  const refusal = framed(encodeProtocolInfo({ name: "/p2p/9", versions: [] }));
  assert(toHex(outputOf(acceptor)).endsWith(toHex(streamFrame(0, refusal))));
  assert.deepEqual(propose({ name: "/p2p/0", versions: ["0.0.1"] }, 3), [{ kind: "opened" }]);
});

Deno.test("PeerLink of a dialler ends on an answer that it cannot use", () => {
  const reasonOf = (answer: Bytes) => {
    const dialler = link("dialler");
    outputOf(dialler);
    return endReason(dialler.receive(streamFrame(0, framed(answer))));
  };
  assert.match(reasonOf(encodeProtocolInfo({ name: "/p2p/0", versions: [] })), /no common version/);
  assert.match(reasonOf(encodeProtocolInfo({ name: "/x", versions: ["1"] })), /another protocol/);
  assert.match(reasonOf(new Uint8Array(7)), /another protocol/);
});

Deno.test("PeerLink resets a second stream and goes on", () => {
  const { acceptor } = openPair();
  const proposal = framed(encodeProtocolInfo(NODE_PROTOCOL));
  assert.deepEqual(acceptor.receive(streamFrame(FrameFlag.Syn, proposal, 3)), []);
  assert(toHex(outputOf(acceptor)).endsWith("000100080000000300000000"));
  assert(acceptor.isOpen);
});

Deno.test("PeerLink ends when the peer closes or resets the protocol stream", () => {
  for (const flag of [FrameFlag.Fin, FrameFlag.Rst]) {
    const { acceptor } = openPair();
    const events = acceptor.receive(streamFrame(flag, new Uint8Array(0)));
    assert.deepEqual(events, [
      { kind: "ended", reason: "the peer closed the protocol", isFault: false },
    ]);
  }
});

Deno.test("PeerLink survives a proposal whose stream is reset in the same chunk", () => {
  const acceptor = link("acceptor");
  const proposal = streamFrame(FrameFlag.Syn, framed(encodeProtocolInfo(NODE_PROTOCOL)));
  const events = acceptor.receive(
    concatBytes(proposal, streamFrame(FrameFlag.Rst, new Uint8Array(0))),
  );
  assert.deepEqual(events.map(({ kind }) => kind), ["opened", "ended"]);
});

Deno.test("PeerLink survives a stream that is reset and opened again in the same chunk", () => {
  const acceptor = link("acceptor");
  const update = (flags: number) =>
    encodeHeader({ type: FrameType.WindowUpdate, flags, streamId: 1, length: 0 });
  const events = acceptor.receive(
    concatBytes(
      update(FrameFlag.Syn),
      update(FrameFlag.Rst),
      update(FrameFlag.Syn),
      streamFrame(0, framed(encodeProtocolInfo(NODE_PROTOCOL))),
    ),
  );
  assert.deepEqual(events, [
    { kind: "ended", reason: "stream 1 is opened twice", isFault: true },
  ]);
  assert.equal(toHex(outputOf(acceptor)).slice(-24), "000300000000000000000001");
});

Deno.test("PeerLink survives whatever a peer sends", () => {
  const proposal = framed(encodeProtocolInfo(NODE_PROTOCOL));
  const payload = fc.oneof(fc.constant(proposal), fc.uint8Array({ maxLength: 60 }));
  const frame = fc.tuple(fc.nat(15), payload, fc.nat(3)).map(([flags, bytes, streamId]) =>
    streamFrame(flags, bytes, streamId)
  );
  const single = fc.oneof({ weight: 9, arbitrary: frame }, fc.uint8Array({ maxLength: 30 }));
  const joined = fc.array(single, { maxLength: 8 }).map((parts) => concatBytes(...parts));
  const piece = fc.oneof(single, joined);
  fc.assert(
    fc.property(fc.constantFrom<Role>("dialler", "acceptor"), fc.array(piece), (role, pieces) => {
      const victim = link(role);
      const events = pieces.flatMap((bytes) => {
        const [got, sent] = [victim.receive(bytes), send(victim, 10)];
        victim.takeOutput(1_000, 0);
        return [...got, ...sent];
      });
      const ends = events.filter(({ kind }) => kind === "ended").length;
      assert.equal(ends, victim.isEnded ? 1 : 0);
      assert(ends === 0 || events.at(-1)?.kind === "ended", "nothing follows the end");
    }),
    { numRuns: 2_000 },
  );
});
