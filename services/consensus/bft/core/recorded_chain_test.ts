import assert from "node:assert/strict";
import {
  ConsensusConfiguration,
  ConsensusConfigurationResponse,
  ProposalResponse,
  ProposalWithProof,
} from "../../../../proto/gen/common.ts";
import { SignMessageRequest, SignMessageResponse } from "../../../../proto/gen/kms.ts";
import { NetworkMsg } from "../../../../proto/gen/network.ts";
import { type Bytes, EMPTY_BYTES, toHex } from "../../../../shared/bytes/mod.ts";
import { decode } from "../../../../shared/codec/mod.ts";
import { loadSuite } from "../../../../shared/crypto/mod.ts";
import { DEFAULT_TIMING } from "../../testing/core_fixture.ts";
import { type RecordedCall, recordedCalls } from "../../testing/recorded_chain.ts";
import { suiteCrypto } from "../suite_crypto.ts";
import { BftCore } from "./core.ts";
import type { Configuration, Effect, Input } from "./interface.ts";

const OWN = "72b8d37d45814ac07a6d2a7063356798b9d1b6b5";

function configurationOf(config: ConsensusConfiguration): Configuration {
  const { height, blockInterval, validators } = config;
  return { height, blockIntervalSeconds: blockInterval, validators };
}

/** Answers of the recorded services, by what they were asked. */
class RecordedServices {
  readonly #signatures = new Map<string, Bytes>();
  readonly #proposals: RecordedCall[];
  readonly #commits: RecordedCall[];

  constructor(calls: readonly RecordedCall[]) {
    for (const { method, request, response } of calls) {
      if (method !== "SignMessage" || response === null) continue;
      const hash = toHex(decode(SignMessageRequest, request).msg);
      this.#signatures.set(hash, decode(SignMessageResponse, response).signature);
    }
    this.#proposals = calls.filter(({ method }) => method === "GetProposal");
    this.#commits = calls.filter(({ method }) => method === "CommitBlock");
  }

  answer(effect: Effect): Input | null {
    switch (effect.kind) {
      case "sign": {
        const signature = this.#signatures.get(toHex(effect.hash));
        assert(signature !== undefined, `the reference did not sign ${effect.id}`);
        return { kind: "signed", id: effect.id, signature };
      }
      case "getProposal": {
        const response = this.#proposals.shift()?.response ?? null;
        const proposal = response === null ? null : decode(ProposalResponse, response).proposal;
        return { kind: "proposal", proposal: proposal ?? null, reason: "" };
      }
      case "commit": {
        const response = this.#commits.shift()?.response;
        assert(response);
        const { config } = decode(ConsensusConfigurationResponse, response);
        assert(config !== undefined);
        const configuration = configurationOf(config);
        return { kind: "committed", height: effect.height, configuration, reason: "" };
      }
      default:
        return null;
    }
  }
}

Deno.test("BftCore repeats a recorded chain of 41 blocks message by message", async () => {
  const crypto = suiteCrypto(await loadSuite("sm"));
  const calls = recordedCalls();
  const services = new RecordedServices(calls);
  const core = new BftCore({ own: OWN, crypto, timing: DEFAULT_TIMING });
  const messages: NetworkMsg[] = [];
  const commits: { height: bigint; proof: string; data: string }[] = [];
  const timers = new Map<string, Input>();
  let nowMs = 0;
  const feed = (input: Input): void => {
    const effects = core.step(input, nowMs);
    for (const effect of effects) {
      if (effect.kind === "broadcast") {
        const { type, body: msg } = effect;
        messages.push({ module: "consensus", type, origin: 0n, msg });
      }
      if (effect.kind === "commit") {
        const { height, proof, data } = effect;
        commits.push({ height, proof: toHex(proof), data: toHex(data) });
      }
      if (effect.kind === "setTimer") {
        const { event } = effect;
        timers.set(event.kind === "step" ? event.kind : event.what, { kind: "timer", event });
      }
    }
    for (const effect of effects) {
      const answer = services.answer(effect);
      if (answer !== null) feed(answer);
    }
    nowMs++;
  };
  const fire = (key: string): void => {
    const timer = timers.get(key);
    timers.delete(key);
    if (timer !== undefined) feed(timer);
  };
  const wanted = calls.filter(({ method }) => method === "Broadcast")
    .map(({ request }) => decode(NetworkMsg, request));
  const first = calls.find(({ method }) => method === "Reconfigure");
  assert(first !== undefined);
  feed({ kind: "start", authorities: null, height: null, contentByHeight: new Map() });
  const configuration = configurationOf(decode(ConsensusConfiguration, first.request));
  feed({ kind: "reconfigure", configuration });
  while (commits.length < 41) {
    // the reference asks for a proposal again in the next round only, so the step ends first
    fire("step");
    fire("proposal");
  }
  for (const [index, message] of wanted.entries()) {
    const own = messages[index];
    assert.equal(own?.type, message.type, `message ${index}`);
    assert.equal(toHex(own?.msg ?? EMPTY_BYTES), toHex(message.msg), `message ${index}`);
  }
  const decided = calls.filter(({ method }) => method === "CommitBlock")
    .map(({ request }) => decode(ProposalWithProof, request));
  for (const [index, { proposal, proof }] of decided.entries()) {
    assert.equal(commits[index]?.height, proposal?.height);
    assert.equal(commits[index]?.proof, toHex(proof));
    assert.equal(commits[index]?.data, toHex(proposal?.data ?? EMPTY_BYTES));
  }
});
