import assert from "node:assert/strict";
import { NetworkMsg } from "../../proto/gen/network.ts";
import * as sync from "../../proto/gen/sync.ts";
import { RawTransaction, RawTransactions } from "../../proto/gen/blockchain.ts";
import { ConsensusConfiguration, TotalNodeInfo } from "../../proto/gen/common.ts";
import { fromHex, toHex } from "../../shared/bytes/mod.ts";
import { decode, encode, type MessageCodec } from "../../shared/codec/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { MODULE } from "./node_manager/mod.ts";
import { RecordedNode } from "./testing/recorded_node.ts";
import { methodOf, readCalls, type RecordedCall } from "./testing/recording.ts";

function load(): Promise<RecordedNode> {
  return RecordedNode.load("raft_tap.jsonl.gz", "raft_config.toml");
}

interface PeerMessage extends NetworkMsg {
  readonly call: RecordedCall;
}

/** Messages between controllers, in order. */
function messagesOf(tap: readonly RecordedCall[]): PeerMessage[] {
  return tap.filter((call) =>
    ["ProcessNetworkMsg", "SendMsg", "Broadcast"].includes(methodOf(call))
  )
    .map((call) => ({ call, ...decode(NetworkMsg, fromHex(call.request_hex)) }))
    .filter(({ module }) => module === MODULE);
}

const CODECS: Readonly<Record<string, MessageCodec<unknown>>> = {
  chain_status_init: sync.ChainStatusInit as MessageCodec<unknown>,
  chain_status_init_req: sync.ChainStatus as MessageCodec<unknown>,
  chain_status: sync.ChainStatus as MessageCodec<unknown>,
  sync_block: sync.SyncBlockRequest as MessageCodec<unknown>,
  sync_block_respond: sync.SyncBlockRespond as MessageCodec<unknown>,
  send_tx: RawTransaction as MessageCodec<unknown>,
  send_txs: RawTransactions as MessageCodec<unknown>,
};

Deno.test("sync.proto gives back every recorded message between controllers", async () => {
  const messages = messagesOf(await readCalls("raft_tap.jsonl.gz"));
  const seen = new Set<string>();
  for (const { type, msg } of messages) {
    const codec = CODECS[type];
    assert(codec !== undefined, type);
    seen.add(type);
    assert.equal(toHex(encode(codec, decode(codec, msg))), toHex(msg), type);
  }
  assert.equal(seen.size, 7);
});

Deno.test("Controller tells its peers the recorded chain status after every commit", async () => {
  const recorded = await load();
  const controller = await recorded.start();
  const messages = messagesOf(recorded.tap);
  const inits = messages.filter(({ type, call }) =>
    type === "chain_status_init" && methodOf(call) === "ProcessNetworkMsg"
  ).slice(0, 3);
  for (const { call: _, ...init } of inits) {
    assert.equal(await controller.processNetworkMsg(init), StatusCode.Success);
  }
  const wanted = new Map<bigint, string>();
  for (const { type, call, msg } of messages) {
    if (type !== "chain_status" || methodOf(call) !== "SendMsg") continue;
    wanted.set(decode(sync.ChainStatus, msg).height, toHex(msg));
  }
  await recorded.replay(controller, 40n);
  const sent = recorded.network.sent.filter(({ type }) => type === "chain_status");
  assert.equal(sent.length, 3 * 40);
  let compared = 0;
  for (const { msg, origin } of sent) {
    assert([1n, 2n, 3n].includes(origin));
    // the recorded node knew nobody yet when it committed the first block
    const status = wanted.get(decode(sync.ChainStatus, msg).height);
    if (status === undefined) continue;
    assert.equal(toHex(msg), status);
    compared++;
  }
  assert(compared >= 3 * 38, `${compared} statuses were compared`);
});

Deno.test("Controller takes the recorded introductions and answers with its own", async () => {
  const recorded = await load();
  const controller = await recorded.start();
  const inits = messagesOf(recorded.tap).filter(({ type, call }) =>
    type === "chain_status_init" && methodOf(call) === "ProcessNetworkMsg"
  );
  for (const { call: _, ...init } of inits.slice(0, 3)) {
    recorded.network.sessions.set(init.origin, { peer: recorded.network, backOrigin: 0n });
    await controller.processNetworkMsg(init);
  }
  await recorded.clock.settle();
  const answers = recorded.network.sent.filter(({ type }) => type === "chain_status_init");
  assert.deepEqual(answers.map(({ origin }) => origin), [1n, 2n, 3n]);
  const calls = await readCalls("raft_calls.json.gz");
  const peersInfo = calls.find((call) => methodOf(call) === "GetPeersInfo");
  const { nodes } = decode(TotalNodeInfo, fromHex(peersInfo?.response_hex ?? ""));
  const addressBySession = new Map(nodes.map((node) => [node.netInfo?.origin, node.address]));
  for (const { address, netInfo } of await controller.queries.peersInfo()) {
    assert.equal(toHex(address), toHex(addressBySession.get(netInfo?.origin) ?? new Uint8Array()));
  }
  assert.equal((await controller.queries.peersInfo()).length, 3);
});

/** The first synced block of the recorded node: it came back at 46, committed 47 and synced 48. */
const FIRST_SYNCED = 48n;

Deno.test("Controller asks for and applies the recorded synced blocks", async () => {
  const recorded = await load();
  const controller = await recorded.start();
  await recorded.replay(controller, FIRST_SYNCED - 1n);
  const messages = messagesOf(recorded.tap);
  const request = messages.findIndex(({ type }) => type === "sync_block");
  const later = messages.slice(request);
  // the introduction with which the recorded node learned of the peer that it asked
  const peer = later[0]?.origin ?? 0n;
  const introductions = messages.slice(0, request).filter(({ type, call, origin }) =>
    type === "chain_status_init" && origin === peer && methodOf(call) === "ProcessNetworkMsg"
  );
  for (const { call: _, ...init } of introductions.slice(-1)) {
    await controller.processNetworkMsg(init);
  }
  const statuses = messages.filter(({ type, call, origin, msg }) =>
    type === "chain_status" && origin === peer && methodOf(call) === "ProcessNetworkMsg" &&
    decode(sync.ChainStatus, msg).height === FIRST_SYNCED
  );
  for (const { call: _, ...status } of statuses.slice(0, 1)) {
    assert.equal(await controller.processNetworkMsg(status), StatusCode.Success);
  }
  const sent = recorded.network.sent.find(({ type }) => type === "sync_block");
  assert.equal(toHex(sent?.msg ?? new Uint8Array()), toHex(later[0]?.msg ?? new Uint8Array()));
  recorded.consensus.provesAll = true; // proofs of raft are empty
  const answer = later.find(({ type }) => type === "sync_block_respond");
  assert(answer !== undefined);
  const { call: _, ...respond } = answer;
  assert.equal(await controller.processNetworkMsg(respond), StatusCode.Success);
  await recorded.clock.settle();
  assert.equal(recorded.storage.height, FIRST_SYNCED);
  const told = recorded.tap.filter((call) => methodOf(call) === "Reconfigure")
    .map(({ request_hex }) => request_hex);
  const config = recorded.consensus.configurations.at(-1);
  assert(config !== undefined && told.includes(toHex(encode(ConsensusConfiguration, config))));
});
