import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { Message, MessageType } from "../../../../proto/gen/eraftpb.ts";
import { NetworkMsg } from "../../../../proto/gen/network.ts";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../../shared/codec/mod.ts";
import { CoreRunner } from "../../testing/raft_runner.ts";
import { bootstrapState } from "./interface.ts";

/** Four nodes of the reference: this one leads, stops after block 40, comes back as a follower. */
const FILE = "../../../../tests/vectors/controller/raft_tap.jsonl.gz";

const OWN = 8049358608032111441n;
const VOTERS = [OWN, 17047215787538985376n, 1682778625038327280n, 14131498372372771265n];

interface RecordedMessage {
  readonly isOwn: boolean;
  readonly bytes: Uint8Array;
  readonly message: Message;
}

function recordedMessages(): RecordedMessage[] {
  const lines = gunzipSync(Deno.readFileSync(new URL(FILE, import.meta.url))).toString().trim();
  const calls: { seq: number; method: string; request_hex: string }[] = lines.split("\n")
    .map((line) => JSON.parse(line));
  return calls
    .filter(({ method }) => method.endsWith("/SendMsg") || method.endsWith("/ProcessNetworkMsg"))
    .sort((left, right) => left.seq - right.seq)
    .flatMap(({ method, request_hex }) => {
      const { module, type, msg: bytes } = decode(NetworkMsg, fromHex(request_hex));
      if (module !== "consensus" || type !== "raft") return [];
      return [{ isOwn: method.endsWith("/SendMsg"), bytes, message: decode(Message, bytes) }];
    });
}

/** What a message says, to compare it and to read it when it differs. */
function textOf(message: Message): string {
  return toHex(encode(Message, message));
}

/**
 * A core that hears what the recorded node heard. Each input is held back until the recorded node
 * is seen to have reacted to it: only then is it known that it had read it.
 */
class Replay {
  readonly runner = new CoreRunner(OWN, bootstrapState(VOTERS));
  readonly #heard: Message[] = [];
  readonly #said: Message[] = [];

  hear(message: Message): void {
    this.#heard.push(message);
  }

  /** Reads messages until the core says the same as the recorded node. */
  expect(message: Message): void {
    const wanted = textOf(message);
    if (message.msgType === MessageType.REQUEST_VOTE && this.#said.length === 0) {
      this.runner.core.campaign();
    }
    for (;;) {
      this.#said.push(...this.runner.run());
      const index = this.#said.findIndex((said) => textOf(said) === wanted);
      if (index >= 0) return void this.#said.splice(index, 1);
      const next = this.#nextFor(message);
      if (next !== undefined) this.runner.core.step(next);
      else if (this.#propose(message)) continue;
      else if (message.msgType === MessageType.HEARTBEAT) this.runner.core.tick();
      else assert.fail(`Message ${wanted} is not said`);
    }
  }

  /** What was said and not heard in the recording. */
  get rest(): readonly Message[] {
    return this.#said;
  }

  /** Of appends that came at the same time, the one that this is the answer to was read first. */
  #nextFor({ msgType, index, reject }: Message): Message | undefined {
    const isAnswered = (heard: Message) =>
      index === heard.index + (reject ? 0n : BigInt(heard.entries.length));
    const answered = this.#heard.findIndex(isAnswered);
    const isAnswer = msgType === MessageType.APPEND_RESPONSE && answered >= 0;
    return this.#heard.splice(isAnswer ? answered : 0, 1)[0];
  }

  #propose({ msgType, entries: [entry] }: Message): boolean {
    const { log } = this.runner.core.view;
    if (msgType !== MessageType.APPEND || entry === undefined) return false;
    return entry.index > log.lastIndex && this.runner.core.propose(entry.data);
  }
}

Deno.test("Message decodes every recorded message and encodes it as it was", () => {
  const recorded = recordedMessages();
  assert.equal(recorded.length, 808);
  for (const { bytes, message } of recorded) assert.equal(textOf(message), toHex(bytes));
});

Deno.test("RaftCore says what a recorded node said, as leader and as follower", () => {
  const replay = new Replay();
  let term = 6n;
  for (const { isOwn, message } of recordedMessages()) {
    if (message.term > term) {
      // the recorded node was stopped and started again
      term = message.term;
      replay.runner.restart();
    }
    if (isOwn) replay.expect(message);
    else replay.hear(message);
  }
  assert.deepEqual(replay.rest.map(textOf), []);
});
