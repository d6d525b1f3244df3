/** What consensus asks of a controller, at height 46 of the recorded chain. */

import assert from "node:assert/strict";
import {
  ConsensusConfigurationResponse,
  Proposal,
  ProposalEnum,
  ProposalResponse,
  ProposalWithProof,
  StatusCode,
} from "../../../proto/gen/common.ts";
import { Consensus2ControllerServiceService as Service } from "../../../proto/gen/controller.ts";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import type { Follower } from "./follower.ts";
import type { SyncTrial } from "./sync_trial.ts";

const HEIGHT = 46n;
const SUCCESS = 0;
const NO_TRANSACTION = 109;
const DECODE_ERROR = 123;
const PROPOSAL_TOO_HIGH = 128;
const PROPOSAL_TOO_LOW = 129;
const PROPOSAL_CHECK_ERROR = 130;
const INVALID_ARGUMENT = 3;

async function ask(
  follower: Follower,
  { path }: { path: string },
  request: Bytes,
): Promise<Bytes> {
  const answer = await follower.player("controller").call(path, request);
  assert("hex" in answer, `${path} answers ${JSON.stringify(answer)}`);
  return fromHex(answer.hex);
}

async function check(follower: Follower, height: bigint, data: Bytes): Promise<number> {
  const request = encode(Proposal, { height, data });
  return decode(StatusCode, await ask(follower, Service.checkProposal, request)).code;
}

async function commit(follower: Follower, request: ProposalWithProof) {
  const bytes = await ask(follower, Service.commitBlock, encode(ProposalWithProof, request));
  return decode(ConsensusConfigurationResponse, bytes);
}

/** Its own proposal is on top of the recorded chain, empty, and by this node. */
async function expectOwnProposal({ follower, chain }: SyncTrial): Promise<void> {
  const bytes = await ask(follower, Service.getProposal, new Uint8Array());
  const { status, proposal } = decode(ProposalResponse, bytes);
  assert(proposal !== undefined);
  assert.deepEqual([status?.code, proposal.height], [NO_TRANSACTION, HEIGHT + 1n]);
  const proposed = decode(ProposalEnum, proposal.data).proposal?.value;
  assert(proposed?.proposal?.header !== undefined);
  const { header, body, proof } = proposed.proposal;
  assert.deepEqual([header.height, body?.body.length, proof.length], [HEIGHT + 1n, 0, 0]);
  assert.equal(toHex(header.prevhash), toHex(chain.hashes.get(HEIGHT) ?? proof));
  assert.equal(toHex(header.proposer), toHex(follower.node.address));
  assert.equal(toHex(proposed.preProof), toHex(chain.blocks.get(HEIGHT)?.proof ?? proof));
  assert.equal(await check(follower, proposal.height, proposal.data), SUCCESS);
  const forged = { ...proposed, preStateRoot: new Uint8Array(32) };
  const data = encode(ProposalEnum, { proposal: { $case: "bftProposal", value: forged } });
  assert.equal(await check(follower, proposal.height, data), PROPOSAL_CHECK_ERROR);
}

/** Asks for a proposal, to check some and to commit some, all without effect on the chain. */
export async function expectConsensusAnswers(trial: SyncTrial): Promise<void> {
  const { follower, chain } = trial;
  await expectOwnProposal(trial);
  const last = chain.commits.at(-1);
  assert(last?.response_hex !== undefined && chain.commits.length === Number(HEIGHT));
  const { config } = decode(ConsensusConfigurationResponse, fromHex(last.response_hex));
  assert(config !== undefined);
  for (const { request_hex } of chain.commits) {
    const request = decode(ProposalWithProof, fromHex(request_hex));
    const { height = 0n, data = new Uint8Array() } = request.proposal ?? {};
    assert.equal(await check(follower, height, data), PROPOSAL_TOO_LOW);
    // a committed block again: the height that was asked for, with what holds now
    assert.deepEqual(
      toHex(encode(ConsensusConfigurationResponse, await commit(follower, request))),
      toHex(
        encode(ConsensusConfigurationResponse, {
          status: { code: SUCCESS },
          config: { ...config, height },
        }),
      ),
    );
  }
  const { proposal, proof } = decode(ProposalWithProof, fromHex(last.request_hex));
  assert(proposal !== undefined);
  const { data } = proposal;
  assert.equal(await check(follower, HEIGHT + 2n, data), PROPOSAL_TOO_HIGH);
  assert.equal(await check(follower, HEIGHT + 1n, data), PROPOSAL_CHECK_ERROR);
  assert.equal(await check(follower, HEIGHT + 1n, Uint8Array.of(0xff)), DECODE_ERROR);
  const tooHigh = await commit(follower, { proposal: { height: HEIGHT + 2n, data }, proof });
  assert.deepEqual([tooHigh.status?.code, tooHigh.config?.height], [
    PROPOSAL_TOO_HIGH,
    HEIGHT + 2n,
  ]);
  const again = await commit(follower, { proposal: { height: HEIGHT + 1n, data }, proof });
  assert.equal(again.status?.code, PROPOSAL_CHECK_ERROR);
  const nothing = await follower.player("controller").call(
    Service.commitBlock.path,
    new Uint8Array(),
  );
  assert("code" in nothing && nothing.code === INVALID_ARGUMENT);
  assert.equal(await follower.height(), HEIGHT);
}
