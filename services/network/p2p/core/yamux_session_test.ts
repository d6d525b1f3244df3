import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concatBytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { encodeHeader, FrameFlag, FrameType, GoAwayCode, WINDOW_SIZE } from "./yamux_frame.ts";
import { type Role, type SessionEvent, YamuxSession } from "./yamux_session.ts";

const EVERYTHING = Number.MAX_SAFE_INTEGER;

function session(role: Role): YamuxSession {
  return new YamuxSession(role, 0);
}

function outputOf(source: YamuxSession): Bytes {
  return concatBytes(...source.takeOutput(EVERYTHING));
}

function outputHexOf(source: YamuxSession): string {
  return toHex(outputOf(source));
}

function frame(type: number, flags: number, streamId: number, length: number): Bytes {
  return encodeHeader({ type, flags, streamId, length });
}

function dataFrame(flags: number, streamId: number, payload: Bytes): Bytes {
  return concatBytes(frame(FrameType.Data, flags, streamId, payload.length), payload);
}

function endReason(events: readonly SessionEvent[]): string | null {
  const last = events.at(-1);
  return last?.kind === "ended" ? last.reason : null;
}

/** An acceptor on which the dialler's stream 1 is open and all answers are taken. */
function acceptorWithStream(): YamuxSession {
  const acceptor = session("acceptor");
  acceptor.receive(frame(FrameType.WindowUpdate, FrameFlag.Syn, 1, 0));
  acceptor.takeOutput(EVERYTHING);
  return acceptor;
}

Deno.test("YamuxSession opens a stream and acknowledges one as spec/network.md 10 shows", () => {
  const dialler = session("dialler");
  const acceptor = session("acceptor");
  const id = dialler.openStream();
  assert.equal(id, 1);
  dialler.write(id, [new Uint8Array([7, 8])]);
  const opening = outputOf(dialler);
  assert.equal(toHex(opening), "000100010000000100000000" + "000000000000000100000002" + "0708");
  assert.deepEqual(acceptor.receive(opening), [
    { kind: "opened", streamId: 1 },
    { kind: "data", streamId: 1, bytes: new Uint8Array([7, 8]) },
  ]);
  assert.equal(outputHexOf(acceptor), "000100020000000100000000");
});

Deno.test("YamuxSession of a dialler owes an ACK after the first data, as recorded", () => {
  const dialler = session("dialler");
  dialler.openStream();
  dialler.takeOutput(EVERYTHING);
  dialler.receive(frame(FrameType.WindowUpdate, FrameFlag.Ack, 1, 0));
  assert.equal(outputHexOf(dialler), "");
  dialler.receive(dataFrame(0, 1, new Uint8Array(43)));
  assert.equal(outputHexOf(dialler), "00010002000000010000002b");
  dialler.receive(dataFrame(0, 1, new Uint8Array(43)));
  assert.equal(outputHexOf(dialler), "");
});

Deno.test("YamuxSession numbers streams of the acceptor evenly", () => {
  const acceptor = session("acceptor");
  assert.deepEqual([acceptor.openStream(), acceptor.openStream()], [2, 4]);
});

Deno.test("YamuxSession accepts SYN on a Data frame", () => {
  const events = session("acceptor").receive(dataFrame(FrameFlag.Syn, 1, new Uint8Array([1])));
  assert.deepEqual(events.map(({ kind }) => kind), ["opened", "data"]);
});

Deno.test("YamuxSession never sends beyond the window and goes on after an update", () => {
  const acceptor = acceptorWithStream();
  acceptor.write(1, [new Uint8Array(WINDOW_SIZE), new Uint8Array(100)]);
  assert.equal(outputOf(acceptor).length, 12 + WINDOW_SIZE);
  assert.equal(acceptor.unsentSize, 100);
  assert.equal(outputOf(acceptor).length, 0);
  acceptor.receive(frame(FrameType.WindowUpdate, 0, 1, 60));
  assert.equal(outputOf(acceptor).length, 12 + 60);
  acceptor.receive(frame(FrameType.WindowUpdate, 0, 1, WINDOW_SIZE));
  assert.equal(outputOf(acceptor).length, 12 + 40);
  assert.equal(acceptor.unsentSize, 0);
});

Deno.test("YamuxSession credits the sender at half of the window", () => {
  const acceptor = acceptorWithStream();
  acceptor.receive(dataFrame(0, 1, new Uint8Array(WINDOW_SIZE / 2 - 1)));
  assert.equal(outputHexOf(acceptor), "");
  acceptor.receive(dataFrame(0, 1, new Uint8Array(1)));
  assert.equal(outputHexOf(acceptor), "000100000000000100020000");
});

Deno.test("YamuxSession ends when a frame exceeds the window", () => {
  const acceptor = acceptorWithStream();
  acceptor.receive(dataFrame(0, 1, new Uint8Array(100)));
  const events = acceptor.receive(frame(FrameType.Data, 0, 1, WINDOW_SIZE));
  assert.equal(endReason(events), "a frame exceeds the window");
  assert.equal(outputHexOf(acceptor), "000300000000000000000001");
});

Deno.test("YamuxSession ends for headers that the reference rejects", () => {
  const reasonOf = (hex: string) => endReason(session("acceptor").receive(fromHex(hex)));
  assert.equal(reasonOf("010000000000000100000000"), "yamux.version=1");
  assert.equal(reasonOf("000400000000000100000000"), "yamux.type=4");
  assert.equal(reasonOf("000000000000000100040001"), "yamux.length=262145");
  assert.equal(reasonOf("000100000000000100040001"), "yamux.length=262145");
  assert.equal(reasonOf("0002000100000000ffffffff"), "yamux.length=4294967295");
  assert.equal(reasonOf("0003000000000000fffffff0"), "yamux.length=4294967280");
  assert.equal(reasonOf("000100010000000000000000"), "a stream has the number 0");
});

Deno.test("YamuxSession ends for a stream number that is used twice", () => {
  const acceptor = acceptorWithStream();
  const events = acceptor.receive(frame(FrameType.WindowUpdate, FrameFlag.Syn, 1, 0));
  assert.equal(endReason(events), "stream 1 is opened twice");
  assert.equal(outputHexOf(acceptor), "000300000000000000000001");
});

Deno.test("YamuxSession ends for a number of a stream that is gone, and for one of its own", () => {
  const open = (id: number) => frame(FrameType.WindowUpdate, FrameFlag.Syn, id, 0);
  const acceptor = acceptorWithStream();
  acceptor.receive(frame(FrameType.WindowUpdate, FrameFlag.Rst, 1, 0));
  assert.equal(endReason(acceptor.receive(open(1))), "stream 1 is opened twice");
  assert.match(endReason(acceptorWithStream().receive(open(4))) ?? "", /not the peer's to open/);
});

Deno.test("YamuxSession.write() has no effect on a stream that is closed", () => {
  const acceptor = acceptorWithStream();
  acceptor.closeStream(1);
  acceptor.write(1, [new Uint8Array(5)]);
  assert.equal(acceptor.unsentSize, 0);
});

Deno.test("YamuxSession skips frames of unknown streams", () => {
  const acceptor = acceptorWithStream();
  const events = acceptor.receive(concatBytes(
    dataFrame(0, 9, new Uint8Array(1_000)),
    frame(FrameType.WindowUpdate, 0, 9, 5),
    frame(FrameType.WindowUpdate, FrameFlag.Rst, 9, 0),
    dataFrame(0, 1, new Uint8Array([1])),
  ));
  assert.deepEqual(events, [{ kind: "data", streamId: 1, bytes: new Uint8Array([1]) }]);
});

Deno.test("YamuxSession resets streams above the limit", () => {
  const acceptor = session("acceptor");
  for (let id = 1; id <= 2 * 256; id += 2) {
    acceptor.receive(frame(FrameType.WindowUpdate, FrameFlag.Syn, id, 0));
  }
  acceptor.takeOutput(EVERYTHING);
  assert.deepEqual(acceptor.receive(frame(FrameType.WindowUpdate, FrameFlag.Syn, 513, 0)), []);
  assert.equal(outputHexOf(acceptor), "0001000a0000020100000000");
});

Deno.test("YamuxSession reports FIN after the data of its frame, and RST", () => {
  const acceptor = acceptorWithStream();
  const events = acceptor.receive(dataFrame(FrameFlag.Fin, 1, new Uint8Array([5])));
  assert.deepEqual(events.map(({ kind }) => kind), ["data", "finished"]);
  acceptor.write(1, [new Uint8Array([6])]);
  acceptor.closeStream(1);
  assert.equal(
    outputHexOf(acceptor) + outputHexOf(acceptor),
    "000000000000000100000001" + "06" + "000100040000000100000000",
  );
  const other = acceptorWithStream();
  const reset = other.receive(frame(FrameType.WindowUpdate, FrameFlag.Rst, 1, 0));
  assert.deepEqual(reset, [{ kind: "finished", streamId: 1 }]);
});

Deno.test("YamuxSession answers pings and says goodbye", () => {
  const acceptor = session("acceptor");
  acceptor.receive(frame(FrameType.Ping, FrameFlag.Syn, 0, 77));
  assert.equal(outputHexOf(acceptor), "00020002000000000000004d");
  assert.deepEqual(acceptor.receive(frame(FrameType.GoAway, 0, 0, GoAwayCode.Normal)), [
    { kind: "ended", reason: "the peer ended the session with code 0", isFault: false },
  ]);
});

Deno.test("YamuxSession cuts off a peer that asks for answers and does not read them", () => {
  const ping = frame(FrameType.Ping, FrameFlag.Syn, 0, 1);
  const acceptor = session("acceptor");
  const events = acceptor.receive(concatBytes(...Array.from({ length: 2_000 }, () => ping)));
  assert.equal(endReason(events), "the peer does not read the answers it asks for");
  assert(outputOf(acceptor).length <= 12 * 1_025);
});

Deno.test("YamuxSession pings every 30 s and ends when an answer is missing", () => {
  const dialler = session("dialler");
  assert.deepEqual(dialler.tick(29_999), []);
  assert.equal(outputHexOf(dialler), "");
  dialler.tick(30_000);
  assert.equal(outputHexOf(dialler), "000200010000000000000001");
  dialler.receive(frame(FrameType.Ping, FrameFlag.Ack, 0, 1));
  assert.deepEqual(dialler.tick(61_000), []);
  assert.equal(outputHexOf(dialler), "000200010000000000000002");
  assert.equal(endReason(dialler.tick(92_000)), "the peer did not answer a ping in time");
});

Deno.test("YamuxSession wraps its ping value below the limit of the length field", () => {
  const dialler = session("dialler");
  let last = "";
  for (let ping = 1; ping <= WINDOW_SIZE; ping++) {
    dialler.tick(ping * 30_000);
    dialler.receive(frame(FrameType.Ping, FrameFlag.Ack, 0, ping === WINDOW_SIZE ? 1 : ping));
    last = ping > WINDOW_SIZE - 2 ? last + outputHexOf(dialler) : (dialler.takeOutput(1), "");
  }
  assert.equal(last, "00020001000000000003ffff" + "000200010000000000000001");
});

Deno.test("YamuxSession gives the same events for every way to cut the bytes", () => {
  const stream = concatBytes(
    frame(FrameType.WindowUpdate, FrameFlag.Syn, 1, 0),
    dataFrame(0, 1, new Uint8Array([1, 2, 3])),
    frame(FrameType.Ping, FrameFlag.Syn, 0, 9),
    dataFrame(FrameFlag.Fin, 1, new Uint8Array([4, 5])),
  );
  const payload = (events: readonly SessionEvent[]) =>
    events.map((event) => event.kind === "data" ? toHex(event.bytes) : ` ${event.kind} `).join("");
  fc.assert(fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
    const acceptor = session("acceptor");
    const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
    const events = places.flatMap((place, index) =>
      acceptor.receive(stream.slice(place, places[index + 1] ?? place))
    );
    assert.equal(payload(events), " opened 0102030405 finished ");
    assert.equal(outputHexOf(acceptor), "000100020000000100000000" + "000200020000000000000009");
  }));
});

Deno.test("YamuxSession survives whatever a peer sends", () => {
  const header = fc.record({
    type: fc.nat(4),
    flags: fc.nat(15),
    streamId: fc.nat(4),
    length: fc.oneof(fc.nat(20), fc.constantFrom(WINDOW_SIZE, WINDOW_SIZE + 1, 0xffffffff)),
  }).map(encodeHeader);
  const piece = fc.oneof({ weight: 4, arbitrary: header }, fc.uint8Array({ maxLength: 30 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const acceptor = session("acceptor");
      let isOpen = false;
      for (const bytes of pieces) {
        for (const event of acceptor.receive(bytes)) {
          if (event.kind === "opened" && !isOpen) {
            acceptor.write(event.streamId, [new Uint8Array(10)]);
            isOpen = true;
          }
        }
        acceptor.takeOutput(100);
      }
      acceptor.tick(30_000);
      assert(acceptor.unsentSize >= 0);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("Two YamuxSessions carry any amount in order within their windows", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400_000), { maxLength: 6 }), fc.nat(300_000), (sizes, take) => {
      const dialler = session("dialler");
      const acceptor = session("acceptor");
      const id = dialler.openStream();
      const sent = sizes.map((size, index) => new Uint8Array(size).fill(index + 1));
      for (const part of sent) dialler.write(id, [part]);
      const received: Bytes[] = [];
      for (let output = dialler.takeOutput(take); output.length > 0;) {
        for (const event of acceptor.receive(concatBytes(...output))) {
          assert.notEqual(event.kind, "ended");
          if (event.kind === "data") received.push(event.bytes);
        }
        dialler.receive(outputOf(acceptor));
        output = dialler.takeOutput(take);
        if (output.length === 0) output = dialler.takeOutput(take + 13);
      }
      assert.equal(dialler.unsentSize, 0);
      assert(concatBytes(...received).every((byte, at) => byte === concatBytesAt(sent, at)));
      assert.equal(
        received.reduce((size, part) => size + part.length, 0),
        sizes.reduce((total, size) => total + size, 0),
      );
    }),
    { numRuns: 20 },
  );
});

function concatBytesAt(parts: readonly Bytes[], at: number): number {
  let rest = at;
  for (const part of parts) {
    if (rest < part.length) return part[rest] ?? 0;
    rest -= part.length;
  }
  return 0;
}
