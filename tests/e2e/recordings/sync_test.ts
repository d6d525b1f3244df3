import assert from "node:assert/strict";
import { RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { ChainStatus, ChainStatusInit, ChainStatusRespond } from "../../../proto/gen/sync.ts";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { waitFor } from "../wait.ts";
import { type FakePeer, signStatus } from "./fake_peer.ts";
import { flipByte, FORGERIES } from "./forgeries.ts";
import { expectConsensusAnswers } from "./proposals.ts";
import { expectAll, type SyncTrial, withFollower } from "./sync_trial.ts";

const SIG_CHECK_ERROR = 138;
const VERSION_OR_ID_CHECK_ERROR = 134;
const HISTORY_DUP_TX = { code: 3, details: "HistoryDupTx" };

async function expectIntroduction(trial: SyncTrial): Promise<void> {
  const { network, node } = trial.follower;
  assert.deepEqual(network.modules, ["consensus", "controller"]);
  const introduction = await waitFor(() => Promise.resolve(network.broadcasts[0] ?? null), {
    what: "the introduction of the node",
    timeoutMs: 10_000,
  });
  assert.equal(introduction.type, "chain_status_init");
  const { chainStatus } = decode(ChainStatusInit, introduction.msg);
  assert(chainStatus !== undefined);
  const wanted = trial.status(node.address, 0n);
  assert.equal(toHex(encode(ChainStatus, chainStatus)), toHex(encode(ChainStatus, wanted)));
}

async function expectRefusedIntroductions(trial: SyncTrial): Promise<void> {
  const { follower } = trial;
  const key = await follower.generateKey();
  const peer = trial.newPeer(key);
  const init = await trial.sign(key, 20n);
  const forged = decode(ChainStatusInit, init);
  const signature = flipByte(forged.signature, 5);
  assert.equal(
    await peer.announce(encode(ChainStatusInit, { ...forged, signature })),
    SIG_CHECK_ERROR,
  );
  const status = trial.status(key.address, 20n);
  const otherChain = { ...status, chainId: flipByte(status.chainId, 0) };
  assert.equal(
    await peer.announce(await signStatus(follower.kms, key.keyId, otherChain)),
    VERSION_OR_ID_CHECK_ERROR,
  );
  const complaint = await waitFor(
    () =>
      Promise.resolve(
        follower.network.sent.find(({ type }) => type === "chain_status_respond") ?? null,
      ),
    { what: "the answer to a peer of another chain", timeoutMs: 5_000 },
  );
  assert.equal(complaint.origin, peer.identity.origin);
  const { respond } = decode(ChainStatusRespond, complaint.msg);
  assert.equal(toHex(respond?.value.address ?? new Uint8Array()), toHex(follower.node.address));
}

/** Every forger is asked before the honest peer, because it claims to be higher. */
async function syncPastForgers(trial: SyncTrial, honest: FakePeer, init: Bytes): Promise<void> {
  const { follower, chain } = trial;
  let claimed = 20n + BigInt(FORGERIES.length);
  const forgers: FakePeer[] = [];
  for (const { height, forge } of FORGERIES) {
    const key = await follower.generateKey();
    const forger = trial.newPeer(key);
    forger.blocks = (asked) => asked === height ? forge(chain) : chain.blocks.get(asked) ?? null;
    forgers.push(forger);
    assert.equal(await forger.announce(await trial.sign(key, claimed)), 0);
    claimed--;
  }
  assert.equal(await honest.announce(init), 0);
  await follower.waitForHeight(20n);
  for (const [index, { name }] of FORGERIES.entries()) {
    const [firstRequest] = forgers[index]?.requests ?? [];
    assert(firstRequest !== undefined, `asked although ${name}`);
  }
  assert.equal(await follower.height(), 20n);
}

/** The transactions of a call or a message, canonically encoded. */
function transactionsOf(isSingle: boolean, bytes: Bytes): string[] {
  const raws = isSingle ? [decode(RawTransaction, bytes)] : decode(RawTransactions, bytes).body;
  return raws.map((raw) => toHex(encode(RawTransaction, raw)));
}

async function sendRecordedCases({ follower, chain }: SyncTrial, honest: FakePeer): Promise<void> {
  assert.equal(chain.sendCases.length, 41);
  for (const call of chain.sendCases) await follower.expect(call);
  const accepted = chain.sendCases
    .filter(({ response_hex = "" }) => response_hex !== "")
    .flatMap(({ method, request_hex }) =>
      transactionsOf(method.endsWith("/SendRawTransaction"), fromHex(request_hex))
    );
  await waitFor(() => {
    const forwarded = new Set(
      follower.network.sent
        .filter(({ origin, type }) => origin === honest.identity.origin && /^send_txs?$/.test(type))
        .flatMap(({ type, msg }) => transactionsOf(type === "send_tx", msg)),
    );
    return Promise.resolve(accepted.every((raw) => forwarded.has(raw)) ? true : null);
  }, { what: "the forwarding of every accepted transaction", timeoutMs: 5_000 });
}

async function followRecordedChain(trial: SyncTrial): Promise<void> {
  const { follower, chain, validator } = trial;
  await expectIntroduction(trial);
  const honest = trial.newPeer(validator);
  await expectRefusedIntroductions(trial);
  await syncPastForgers(trial, honest, await trial.sign(validator, 20n));
  await sendRecordedCases(trial, honest);

  assert.equal(await honest.announce(await trial.sign(validator, 40n)), 0);
  await follower.waitForHeight(40n);
  follower.network.isAlone = true;
  await expectAll(follower, chain.callsAt40);
  await expectAll(follower, chain.newerCalls);
  follower.network.isAlone = false;
  const [good] = chain.sendCases;
  assert(good !== undefined);
  const { method, request_hex } = good;
  await follower.expect({ method, request_hex, grpc_error: HISTORY_DUP_TX });

  assert.equal(await honest.announce(chain.lastStatus), 0);
  await follower.waitForHeight(46n);
  await expectAll(follower, chain.loadsAt46);
  await expectConsensusAnswers(trial);
  await follower.killRoles();
  await follower.startRoles();
  follower.network.isAlone = true;
  await expectAll(follower, [...chain.loadsAt46, ...chain.lastingCalls]);
  await expectConsensusAnswers(trial);
  const consensus = follower.network.broadcasts.filter(({ module }) => module === "consensus");
  assert.deepEqual(consensus, [], "who is no validator does not vote");
  assert.deepEqual(await follower.stop(), [0, 0, 0, 0]);
}

Deno.test("a node of our executables follows the recorded chain past forgers, as recorded", async () => {
  await withFollower(followRecordedChain);
});
