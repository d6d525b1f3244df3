import assert from "node:assert/strict";
import { Message } from "../../../proto/gen/eraftpb.ts";
import { NetworkMsg } from "../../../proto/gen/network.ts";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { CONSENSUS_MODULE } from "../network_port.ts";
import { Mailbook, type MailEffect } from "./mailbook.ts";
import { peerIdOf } from "./peer_id.ts";

const OWN_ID = peerIdOf(fromHex("96698fc5da952c5ba694733ab20ceba163a27cb8"));
const RECORDING = new URL("../../../tests/vectors/controller/raft_tap.jsonl.gz", import.meta.url);

/** A message between the Rust node 0 of four and its network service. */
interface RecordedMail {
  readonly isSent: boolean;
  readonly type: string;
  readonly origin: bigint;
  readonly body: Bytes;
}

async function readMail(): Promise<RecordedMail[]> {
  const file = await Deno.open(RECORDING);
  const unpacked = file.readable.pipeThrough(new DecompressionStream("gzip"));
  const lines = (await new Response(unpacked).text()).trim().split("\n");
  return lines.flatMap((line) => {
    const { method, request_hex }: { method: string; request_hex: string } = JSON.parse(line);
    if (!/\/(ProcessNetworkMsg|SendMsg|Broadcast)$/.test(method)) return [];
    const { module, type, origin, msg } = decode(NetworkMsg, fromHex(request_hex));
    const isSent = !method.endsWith("/ProcessNetworkMsg");
    return module === CONSENSUS_MODULE ? [{ isSent, type, origin, body: msg }] : [];
  });
}

Deno.test("recorded raft messages encode to the same bytes", async () => {
  const bodies = (await readMail()).filter(({ type }) => type === "raft").map(({ body }) => body);
  assert.equal(bodies.length, 808);
  for (const body of bodies) {
    assert.equal(toHex(encode(Message, decode(Message, body))), toHex(body));
  }
});

Deno.test("Mailbook sends what the recorded node sent, to the same sessions", async () => {
  let book = new Mailbook(OWN_ID, 50);
  const answers: MailEffect[] = [];
  const recordedAnswers: MailEffect[] = [];
  for (const { isSent, type, origin, body } of await readMail()) {
    const recorded: MailEffect = { kind: "send", message: { type, origin, body } };
    if (isSent && type === "raft") {
      assert.deepEqual(book.send(decode(Message, body)), [recorded]);
    } else if (isSent && type === "probe") {
      book = new Mailbook(OWN_ID, 50); // a node asks when it starts
      assert.deepEqual(book.probe(), [recorded]);
    } else if (isSent) {
      recordedAnswers.push(recorded);
    } else {
      const effects = book.receive({ type, origin, msg: body });
      if (type === "raft") assert.equal(effects[0]?.kind, "deliver");
      else answers.push(...effects);
    }
  }
  assert.equal(answers.length, 2);
  assert.deepEqual(answers, recordedAnswers);
});
