import assert from "node:assert/strict";
import { RawTransaction, RawTransactions } from "../../proto/gen/blockchain.ts";
import {
  ConsensusConfiguration,
  ConsensusConfigurationResponse,
  Hash,
  Hashes,
  ProposalResponse,
} from "../../proto/gen/common.ts";
import { Content } from "../../proto/gen/storage.ts";
import { NetworkMsg } from "../../proto/gen/network.ts";
import { ChainStatusInit } from "../../proto/gen/sync.ts";
import { decodeProposal } from "../../shared/block/mod.ts";
import { fromHex, toHex } from "../../shared/bytes/mod.ts";
import { decode, encode } from "../../shared/codec/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { serveGrpc } from "../../shared/rpc/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import type { StoreRecord } from "./chain/mod.ts";
import { ownStatus } from "./flows/node.ts";
import { controllerServices } from "./service.ts";
import { connectUser } from "./testing/raw_user.ts";
import { RecordedNode } from "./testing/recorded_node.ts";
import { methodOf, readCalls, readStorageDump, type RecordedCall } from "./testing/recording.ts";

const LOCK_ID_KEY = /^00000000000003e/;

function loadSingle(): Promise<RecordedNode> {
  return RecordedNode.load("single_tap.jsonl.gz", "single_config.toml");
}

function recordText({ region, key, value }: StoreRecord): string {
  return `${region} ${toHex(key)} ${toHex(value)}`;
}

/** Stores of the recording; changes of the configuration come after the block, as ours do. */
function recordedStores(tap: readonly RecordedCall[]): string[] {
  const stores: string[] = [];
  let changes: string[] = [];
  for (const call of tap.filter((call) => methodOf(call) === "Store")) {
    const record = decode(Content, fromHex(call.request_hex));
    const isChange = record.region === 0 && LOCK_ID_KEY.test(toHex(record.key)) &&
      record.value.length === 32 && toHex(record.key) !== "00000000000003e9";
    if (isChange) {
      changes.push(recordText(record));
      continue;
    }
    stores.push(recordText(record));
    if (record.region !== 11) continue;
    stores.push(...changes);
    changes = [];
  }
  return stores;
}

Deno.test("Controller stores the recorded records of genesis and 46 blocks in their order", async () => {
  const recorded = await loadSingle();
  const controller = await recorded.start();
  await recorded.replay(controller, 100n);
  const wanted = recordedStores(recorded.tap);
  assert(wanted.length > 190);
  assert.deepEqual(recorded.storage.log.map(recordText), wanted);
});

Deno.test("Controller leaves the storage that the reference left", async () => {
  const recorded = await loadSingle();
  await recorded.replay(await recorded.start(), 40n);
  let compared = 0;
  for (const { region, key, status, value } of await readStorageDump("single_storage.json.gz")) {
    if (status !== StatusCode.Success) continue;
    const found = recorded.storage.read(region, fromHex(key));
    assert.equal(toHex(found.value), value, `region ${region}, key ${key}`);
    compared++;
  }
  assert.equal(compared, 375);
});

Deno.test("Controller proposes and commits with the recorded answers", async () => {
  const recorded = await loadSingle();
  const controller = await recorded.start();
  const answers = recorded.tap.filter((call) => call.grpc_error === undefined);
  const proposals = answers.filter((call) => methodOf(call) === "GetProposal");
  const commits = answers.filter((call) => methodOf(call) === "CommitBlock");
  for (const [i, { proposal, proof }] of recorded.commits.entries()) {
    assert(proposal !== undefined);
    const block = decodeProposal(proposal.data)?.proposal;
    assert(block?.header !== undefined);
    await recorded.clock.advance(Number(block.header.timestamp) - recorded.clock.nowMs());
    for (const raw of block.body?.body ?? []) {
      assert.equal((await controller.send(raw)).code, StatusCode.Success);
    }
    const { code, proposal: own } = await controller.getProposal();
    const ownAnswer = encode(ProposalResponse, { status: { code }, proposal: own });
    assert.equal(toHex(ownAnswer), proposals[i]?.response_hex, `proposal ${proposal.height}`);
    const outcome = await controller.commitBlock(proposal, proof);
    const answer = { status: { code: outcome.code }, config: outcome.config };
    assert.equal(
      toHex(encode(ConsensusConfigurationResponse, answer)),
      commits[i]?.response_hex,
      `commit ${proposal.height}`,
    );
  }
});

Deno.test("Controller starts again at the recorded height and status", async () => {
  const recorded = await loadSingle();
  await recorded.replay(await recorded.start(), 100n);
  const after = await readCalls("single_tap_after_restart.jsonl.gz");
  const again = await recorded.start();
  again.run();
  await recorded.clock.settle();
  const reconfigure = after.find((call) => methodOf(call) === "Reconfigure");
  const [config] = recorded.consensus.configurations;
  assert(config !== undefined);
  assert.equal(toHex(encode(ConsensusConfiguration, config)), reconfigure?.request_hex);
  const broadcast = after.find((call) =>
    methodOf(call) === "Broadcast" && call.request_hex.includes(toHex(INIT_TYPE))
  );
  const message = decode(NetworkMsg, fromHex(broadcast?.request_hex ?? ""));
  const wanted = decode(ChainStatusInit, message.msg).chainStatus;
  assert.deepEqual(ownStatus(again.node), wanted);
  assert.deepEqual(recorded.network.sentTypes, ["chain_status_init"]);
});

const INIT_TYPE = new TextEncoder().encode("chain_status_init");

Deno.test("Controller answers the recorded good and bad transactions alike", async () => {
  const recorded = await loadSingle();
  const controller = await recorded.start();
  await recorded.replay(controller, 20n);
  const cases = await readCalls("single_send_cases.json.gz");
  assert.equal(cases.length, 41);
  for (const sent of cases) {
    const request = fromHex(sent.request_hex);
    const { code, hashes } = methodOf(sent) === "SendRawTransaction"
      ? await controller.send(decode(RawTransaction, request))
      : await controller.sendBatch(decode(RawTransactions, request).body);
    if (sent.grpc_error !== undefined) {
      assert.equal(statusName(code), sent.grpc_error.details, sent.label);
      continue;
    }
    assert.equal(statusName(code), "Success", sent.label);
    const answers = hashes.map((hash) => ({ hash }));
    const bytes = methodOf(sent) === "SendRawTransaction"
      ? encode(Hash, answers[0] ?? { hash: new Uint8Array() })
      : encode(Hashes, { hashes: answers });
    assert.equal(toHex(bytes), sent.response_hex, sent.label);
  }
});

Deno.test("Controller serves the recorded user calls over gRPC byte for byte", async () => {
  const recorded = await loadSingle();
  const controller = await recorded.start();
  await recorded.replay(controller, 40n);
  const services = controllerServices(controller);
  const server = await serveGrpc({ host: "127.0.0.1", port: 0, services, log: SILENT_LOGGER });
  const client = connectUser(server.port);
  try {
    let count = 0;
    for (const call of await readCalls("single_calls.json.gz")) {
      // answered by the network service of another flavour
      if (methodOf(call) === "AddNode") continue;
      const { response_hex, grpc_error } = call;
      const wanted = grpc_error === undefined ? { response_hex } : { grpc_error };
      const answer = await client.call(methodOf(call), fromHex(call.request_hex));
      assert.deepEqual(answer, wanted, call.label);
      count++;
    }
    assert.equal(count, 220);
  } finally {
    client.close();
    await server.close();
  }
});
