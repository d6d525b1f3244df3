import assert from "node:assert/strict";
import fc from "fast-check";
import { RawTransaction } from "../../../proto/gen/blockchain.ts";
import {
  ChainStatus,
  ChainStatusInit,
  ChainStatusRespond,
  SyncBlockRequest,
  SyncBlockRespond,
  SyncTxRequest,
  SyncTxRespond,
} from "../../../proto/gen/sync.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { MessageType, MODULE } from "../node_manager/mod.ts";
import { address, CHAIN_ID, normalTx, transaction } from "../testing/builders.ts";
import { fakeSignature } from "../testing/fake_kms.ts";
import { produceBlock, proofOf, type TestNode, testNode, testPair } from "../testing/test_node.ts";
import { ownStatus } from "./node.ts";

const HASH = await loadSm3();
const PEER = address(0x99);
const ORIGIN = 7n;

async function started(): Promise<TestNode> {
  const node = await testNode();
  await node.start();
  node.network.sent.length = 0;
  return node;
}

function statusOf(node: TestNode, changes: Partial<ChainStatus> = {}): ChainStatus {
  const own = ownStatus(node.controller.node);
  return { ...own, address: { address: PEER }, ...changes };
}

async function deliver(
  node: TestNode,
  type: string,
  msg: Bytes,
  origin = ORIGIN,
): Promise<string> {
  const code = await node.controller.processNetworkMsg({ module: MODULE, type, origin, msg });
  await node.clock.settle();
  return statusName(code);
}

function init(chainStatus: ChainStatus, signer = PEER): Bytes {
  const signature = fakeSignature(HASH, signer, HASH(encode(ChainStatus, chainStatus)));
  return encode(ChainStatusInit, { chainStatus, signature });
}

function introduce(node: TestNode, changes: Partial<ChainStatus> = {}): Promise<string> {
  return deliver(node, MessageType.ChainStatusInit, init(statusOf(node, changes)));
}

Deno.test("Two nodes at height 0 know each other after three introductions", async () => {
  const { a, b, clock } = await testPair();
  await a.run();
  await clock.settle();
  a.network.sent.length = 0;
  await b.run();
  await clock.settle();
  assert.deepEqual(b.network.sentTypes, ["chain_status_init", "chain_status_init"]);
  assert.deepEqual(a.network.sentTypes, ["chain_status_init"]);
  for (const node of [a, b]) {
    const [info] = await node.controller.queries.peersInfo();
    assert.equal(info?.address.length, 20);
    assert(info?.netInfo !== undefined);
  }
});

Deno.test("A node that restarts is recognised at the next commit", async () => {
  const { a, b, clock } = await testPair();
  await a.run();
  await b.run();
  await clock.settle();
  for (let i = 0; i < 5; i++) await produceBlock([a, b]);
  await clock.settle();
  b.stop();
  await b.run();
  await clock.settle();
  assert.deepEqual(b.controller.node.peers.nodes(), [], "the other one knows b at that height");
  const { proposal } = await a.controller.getProposal();
  assert(proposal !== undefined);
  await a.controller.commitBlock(proposal, proofOf(HASH, proposal));
  await clock.settle();
  assert.equal(b.height, 6n, "b asked who that is, learned of block 6 and fetched it");
});

Deno.test("process() refuses other modules and undecodable messages", async () => {
  const node = await started();
  const message = { module: "consensus", type: "chain_status", origin: 1n, msg: new Uint8Array() };
  const code = await node.controller.processNetworkMsg(message);
  assert.equal(code, StatusCode.ModuleNotController);
  const garbage = new Uint8Array([0xff, 0xff]);
  for (const type of Object.values(MessageType)) {
    assert.equal(await deliver(node, type, garbage), "DecodeError", type);
  }
});

Deno.test("process() survives every message that anybody can send", async () => {
  const node = await started();
  await node.produce(2);
  await introduce(node);
  const status = fc.record({
    version: fc.nat(1),
    chainId: fc.constantFrom(CHAIN_ID, new Uint8Array()),
    height: fc.constantFrom(0n, 1n, 2n, 3n, 2n ** 64n - 1n),
    hash: fc.option(fc.record({ hash: fc.uint8Array({ maxLength: 33 }) }), { nil: undefined }),
    address: fc.option(
      fc.record({ address: fc.oneof(fc.constant(PEER), fc.uint8Array({ maxLength: 21 })) }),
      { nil: undefined },
    ),
  });
  const message = fc.oneof(
    status.map((s) => [MessageType.ChainStatus, encode(ChainStatus, s)] as const),
    status.map((s) => [MessageType.ChainStatusInit, init(s)] as const),
    status.map((s) => [MessageType.ChainStatusInitRequest, encode(ChainStatus, s)] as const),
    fc.tuple(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n)).map((
      [startHeight, endHeight],
    ) => [MessageType.SyncBlock, encode(SyncBlockRequest, { startHeight, endHeight })] as const),
    fc.tuple(fc.constantFrom(...Object.values(MessageType)), fc.uint8Array({ maxLength: 60 })),
  );
  await fc.assert(
    fc.asyncProperty(message, fc.bigInt(0n, 9n), async ([type, msg], origin) => {
      const code = await node.controller.processNetworkMsg({ module: MODULE, type, origin, msg });
      assert.equal(typeof code, "number");
    }),
    { numRuns: 400 },
  );
  void node.controller.run();
  await node.clock.advance(60_000); // a peer without a session is not followed for long
  await node.produce(1);
  assert.equal(node.height, 3n);
});

Deno.test("chain_status_init must be signed by the node that it names", async () => {
  const node = await started();
  const status = statusOf(node);
  const type = MessageType.ChainStatusInit;
  assert.equal(await deliver(node, type, init(status, address(1))), "SigCheckError");
  assert.equal(await deliver(node, type, new Uint8Array()), "NoneChainStatus");
  const short = encode(ChainStatusInit, { chainStatus: status, signature: new Uint8Array(3) });
  assert.equal(await deliver(node, type, short), "SigLenError");
  const nobody = init(statusOf(node, { address: undefined }));
  assert.equal(await deliver(node, type, nobody), "NoProvideAddress");
  assert.deepEqual(node.controller.node.peers.nodes(), []);
});

Deno.test("An own introduction that comes back is refused", async () => {
  const node = await started();
  const own = ownStatus(node.controller.node);
  const replayed = init(own, node.settings.nodeAddress);
  const code = await deliver(node, MessageType.ChainStatusInit, replayed);
  assert.equal(code, "AddressOriginCheckError");
  assert.deepEqual(node.controller.node.peers.nodes(), []);
});

Deno.test("A replayed introduction gets nobody banned but the session that it came over", async () => {
  const node = await started();
  const replay = (height: bigint, origin: bigint) =>
    deliver(node, MessageType.ChainStatusInit, init(statusOf(node, { height })), origin);
  assert.equal(await replay(3n, 66n), "Success");
  await deliver(node, "nonsense", new Uint8Array(), 66n);
  assert.equal(await replay(3n, 66n), "BannedNode");
  assert.equal(await replay(3n, ORIGIN), "Success");
});

Deno.test("A forged status of a peer harms nobody but the session that it came over", async () => {
  const node = await started();
  await introduce(node, { height: 3n });
  const forged = statusOf(node, { height: 0n, hash: { hash: new Uint8Array(32).fill(6) } });
  const msg = encode(ChainStatus, forged);
  assert.equal(await deliver(node, MessageType.ChainStatus, msg, 66n), "HashCheckError");
  const [peer] = node.controller.node.peers.nodes();
  assert.equal(peer?.origin, ORIGIN);
  assert.equal(await introduce(node, { height: 4n }), "Success");
});

Deno.test("chain_status_init of a known height is early", async () => {
  const node = await started();
  assert.equal(await introduce(node), "Success");
  assert.deepEqual(node.network.sentTypes, ["chain_status_init"]);
  assert.equal(await introduce(node), "EarlyStatus");
  assert.deepEqual(node.network.sentTypes, ["chain_status_init"]);
});

Deno.test("A newer chain_status_init of a lower peer is answered with the own status", async () => {
  const node = await started();
  await node.produce(1);
  const genesis = ownStatus(node.controller.node);
  await introduce(node, { height: 0n, hash: { hash: await blockHash(node, 0n) } });
  await node.produce(2);
  node.network.sent.length = 0;
  await introduce(node, { height: 1n, hash: genesis.hash });
  assert.deepEqual(node.network.sentTypes, ["chain_status"]);
});

function blockHash(node: TestNode, height: bigint): Promise<Bytes> {
  return node.controller.queries.blockHash(height);
}

Deno.test("An early chain_status_init of a higher peer is answered and followed", async () => {
  const node = await started();
  await introduce(node, { height: 5n });
  node.network.sent.length = 0;
  assert.equal(await introduce(node, { height: 5n }), "EarlyStatus");
  assert.equal(node.network.sentTypes[0], "chain_status_init");
});

Deno.test("A node of another chain is told so and banned", async () => {
  const node = await started();
  const foreign = { chainId: new Uint8Array(32) };
  assert.equal(await introduce(node, foreign), "VersionOrIdCheckError");
  const [answer] = node.network.sent;
  assert.equal(answer?.type, "chain_status_respond");
  assert.equal(answer?.origin, ORIGIN);
  const { respond } = decode(ChainStatusRespond, answer?.msg ?? new Uint8Array());
  assert.deepEqual(respond?.value.address, address(1));
  assert.equal(await introduce(node), "BannedNode");
});

Deno.test("A node with another block at its height is banned", async () => {
  const node = await started();
  await node.produce(2);
  const wrong = { height: 1n, hash: { hash: new Uint8Array(32) } };
  assert.equal(await introduce(node, wrong), "HashCheckError");
  assert.equal(await introduce(node), "BannedNode");
});

Deno.test("A node that differs in the version only is not banned", async () => {
  const node = await started();
  assert.equal(await introduce(node, { version: 1 }), "VersionOrIdCheckError");
  assert.deepEqual(node.network.sentTypes, []);
  assert.equal(await introduce(node), "Success");
});

Deno.test("Nobody is banned because the own storage is away", async () => {
  const node = await started();
  await node.produce(2);
  const status = { height: 1n, hash: { hash: await blockHash(node, 1n) } };
  node.storage.isAway = true;
  assert.equal(await introduce(node, status), "NoBlock");
  node.storage.isAway = false;
  assert.equal(await introduce(node, status), "Success");
});

Deno.test("chain_status of an unknown session is asked to introduce itself", async () => {
  const node = await started();
  const status = encode(ChainStatus, statusOf(node));
  assert.equal(await deliver(node, MessageType.ChainStatus, status), "Success");
  assert.deepEqual(node.network.sentTypes, ["chain_status_init_req"]);
  await introduce(node);
  node.network.sent.length = 0;
  assert.equal(await deliver(node, MessageType.ChainStatus, status, 8n), "Success");
  assert.deepEqual(node.network.sentTypes, ["chain_status_init_req"]);
  assert.equal(await deliver(node, MessageType.ChainStatus, status), "EarlyStatus");
});

Deno.test("chain_status_init_req is answered whatever it says", async () => {
  const node = await started();
  assert.equal(
    await deliver(node, MessageType.ChainStatusInitRequest, new Uint8Array()),
    "Success",
  );
  assert.deepEqual(node.network.sentTypes, ["chain_status_init"]);
});

Deno.test("chain_status_respond bans the peer that names itself only", async () => {
  const node = await started();
  await introduce(node);
  const complain = (who: Bytes) =>
    encode(ChainStatusRespond, { respond: { $case: "notSameChain", value: { address: who } } });
  const type = MessageType.ChainStatusRespond;
  assert.equal(await deliver(node, type, complain(PEER), 8n), "Success");
  assert.equal(node.controller.node.peers.nodes().length, 1);
  assert.equal(await deliver(node, type, complain(new Uint8Array(3))), "ProvideAddressError");
  assert.equal(await deliver(node, type, complain(PEER)), "Success");
  assert.equal(await introduce(node), "BannedNode");
});

Deno.test("A known peer that sends an unknown type is banned", async () => {
  const node = await started();
  await introduce(node);
  assert.equal(await deliver(node, "gossip", new Uint8Array(), 8n), "Success");
  assert.equal(await deliver(node, "gossip", new Uint8Array()), "Success");
  assert.equal(await introduce(node), "BannedNode");
});

Deno.test("sync_block is answered with blocks or with MissBlock", async () => {
  const node = await started();
  await node.produce(4);
  const ask = async (startHeight: bigint, endHeight: bigint) => {
    node.network.sent.length = 0;
    const request = encode(SyncBlockRequest, { startHeight, endHeight });
    assert.equal(await deliver(node, MessageType.SyncBlock, request), "Success");
    const [answer] = node.network.sent;
    assert.equal(answer?.type, "sync_block_respond");
    const { respond } = decode(SyncBlockRespond, answer?.msg ?? new Uint8Array());
    if (respond?.$case !== "ok") return respond?.$case ?? "nothing";
    return respond.value.syncBlocks.map(({ header }) => header?.height).join(" ");
  };
  assert.equal(await ask(2n, 4n), "2 3 4");
  assert.equal(await ask(0n, 0n), "0");
  assert.equal(await ask(3n, 5n), "missBlock");
  assert.equal(await ask(3n, 2n), "");
  assert.equal(await ask(3n, 1n), "missBlock");
  assert.equal(await ask(0n, 2n ** 64n - 1n), "missBlock");
  node.storage.isAway = true;
  assert.equal(await ask(2n, 4n), "missBlock");
});

Deno.test("sync_block is answered with less when the blocks are large", async () => {
  const node = await started();
  for (const nonce of ["1", "2", "3"]) {
    const data = new Uint8Array(3_000_000);
    await node.controller.send(normalTx(HASH, transaction(nonce, { data })));
    await node.produce(1);
  }
  node.network.sent.length = 0;
  const request = encode(SyncBlockRequest, { startHeight: 1n, endHeight: 3n });
  await deliver(node, MessageType.SyncBlock, request);
  const { respond } = decode(SyncBlockRespond, node.network.sent[0]?.msg ?? new Uint8Array());
  assert(respond?.$case === "ok");
  assert.equal(respond.value.syncBlocks.length, 1);
});

Deno.test("sync_tx is answered from pool and storage, else with silence", async () => {
  const node = await started();
  const stored = normalTx(HASH, transaction("1"));
  const pooled = normalTx(HASH, transaction("2"));
  await node.controller.send(stored);
  await node.produce(1);
  await node.controller.send(pooled);
  for (const raw of [stored, pooled]) {
    node.network.sent.length = 0;
    const txHash = raw.tx?.value.transactionHash ?? new Uint8Array();
    await deliver(node, MessageType.SyncTx, encode(SyncTxRequest, { txHash }));
    const { respond } = decode(SyncTxRespond, node.network.sent[0]?.msg ?? new Uint8Array());
    assert.deepEqual(respond, { $case: "ok", value: raw });
  }
  node.network.sent.length = 0;
  await deliver(node, MessageType.SyncTx, encode(SyncTxRequest, { txHash: new Uint8Array(32) }));
  assert.deepEqual(node.network.sentTypes, []);
});

Deno.test("send_tx and sync_tx_respond go through admission", async () => {
  const node = await started();
  const raw = normalTx(HASH, transaction("1"));
  const message = encode(RawTransaction, raw);
  assert.equal(await deliver(node, MessageType.SendTx, message), "Success");
  const respond = encode(SyncTxRespond, { respond: { $case: "ok", value: raw } });
  assert.equal(await deliver(node, MessageType.SyncTxRespond, respond), "DupTransaction");
  assert.equal(await deliver(node, MessageType.SendTx, new Uint8Array()), "NoTransaction");
  assert.deepEqual(node.network.sentTypes, []);
});
