import assert from "node:assert/strict";
import type { Block } from "../../../proto/gen/blockchain.ts";
import { type Proposal, ProposalEnum } from "../../../proto/gen/common.ts";
import { decodeProposal, encodeProposal, transactionsRoot } from "../../../shared/block/mod.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { fromHex, u32be } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import { LockId } from "../system_config/mod.ts";
import { address, normalTx, transaction, utxoTx } from "../testing/builders.ts";
import { produceBlock, proofOf, testNet, type TestNode, testNode } from "../testing/test_node.ts";

const HASH = await loadSm3();
const PROOF = new Uint8Array(1);

async function started(): Promise<TestNode> {
  const node = await testNode();
  await node.start();
  return node;
}

async function propose(node: TestNode): Promise<Proposal> {
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  return proposal;
}

/** The same proposal with a changed block; the body decides on the root unless it is changed. */
function altered(proposal: Proposal, change: (block: Block) => Block): Proposal {
  const parts = decodeProposal(proposal.data);
  assert(parts?.proposal !== undefined);
  const { preStateRoot, preProof } = parts;
  const data = encodeProposal({ preStateRoot, preProof, block: change(parts.proposal) });
  return { ...proposal, data };
}

function withHeader(change: Partial<NonNullable<Block["header"]>>) {
  return (block: Block): Block => {
    assert(block.header !== undefined);
    return { ...block, header: { ...block.header, ...change } };
  };
}

async function expectCheck(node: TestNode, proposal: Proposal, wanted: StatusCode): Promise<void> {
  const code = await node.controller.checkProposal(proposal);
  assert.equal(statusName(code), statusName(wanted));
}

Deno.test("getProposal() answers 109 beside an empty proposal and 0 beside a full one", async () => {
  const node = await started();
  const empty = await node.controller.getProposal();
  assert.equal(empty.code, StatusCode.NoTransaction);
  assert.equal(empty.proposal?.height, 1n);
  await node.controller.send(normalTx(HASH, transaction("1")));
  const full = await node.controller.getProposal();
  assert.equal(full.code, StatusCode.Success);
  const block = decodeProposal(full.proposal?.data ?? new Uint8Array())?.proposal;
  assert.equal(block?.body?.body.length, 1);
  assert.equal(block?.header?.timestamp, BigInt(node.clock.nowMs()));
  assert.deepEqual(block?.header?.proposer, address(1));
});

Deno.test("getProposal() is refused while a higher peer is known", async () => {
  const { nodes, clock } = await testNet(2);
  const [ahead, behind] = nodes;
  assert(ahead !== undefined && behind !== undefined);
  await ahead.start();
  await ahead.produce(3);
  behind.network.loses = ({ type }) => type === "sync_block";
  await behind.run();
  await clock.settle();
  const { code, proposal } = await behind.controller.getProposal();
  assert.equal(statusName(code), "NodeInSyncMode");
  assert.equal(proposal, undefined);
});

Deno.test("checkProposal() refuses malformed proposals with their codes", async () => {
  const node = await started();
  const good = await propose(await started());
  const parts = decodeProposal(good.data);
  assert(parts?.proposal !== undefined);
  const wrap = (value: Partial<typeof parts>) =>
    encode(ProposalEnum, {
      proposal: { $case: "bftProposal", value: { ...parts, ...value } },
    });
  const cases: [Proposal, StatusCode][] = [
    [{ height: 1n, data: fromHex("ff") }, StatusCode.DecodeError],
    [{ height: 1n, data: new Uint8Array() }, StatusCode.NoneProposal],
    [{ ...good, height: 0n }, StatusCode.ProposalTooLow],
    [{ ...good, height: 2n }, StatusCode.ProposalTooHigh],
    [{ ...good, data: wrap({ preStateRoot: PROOF }) }, StatusCode.ProposalCheckError],
    [{ ...good, data: wrap({ preProof: PROOF }) }, StatusCode.ProposalCheckError],
    [{ ...good, data: wrap({ proposal: undefined }) }, StatusCode.NoneProposal],
    [altered(good, (block) => ({ ...block, header: undefined })), StatusCode.NoneBlockHeader],
    [
      { ...good, data: wrap({ proposal: { ...parts.proposal, proof: PROOF } }) },
      StatusCode.ProposalCheckError,
    ],
    [altered(good, withHeader({ height: 0n })), StatusCode.ProposalTooLow],
    [altered(good, withHeader({ height: 2n })), StatusCode.ProposalTooHigh],
    [altered(good, withHeader({ prevhash: PROOF })), StatusCode.ProposalCheckError],
    [altered(good, withHeader({ transactionsRoot: PROOF })), StatusCode.ProposalCheckError],
    [altered(good, (block) => ({ ...block, body: undefined })), StatusCode.NoneBlockBody],
    [good, StatusCode.Success],
  ];
  for (const [proposal, wanted] of cases) await expectCheck(node, proposal, wanted);
});

Deno.test("checkProposal() accepts the own proposal without looking at it again", async () => {
  const node = await started();
  await node.controller.send(normalTx(HASH, transaction("1")));
  const proposal = await propose(node);
  node.kms.isAway = true;
  await expectCheck(node, proposal, StatusCode.Success);
});

Deno.test("checkProposal() does not turn a refused proposal into an accepted one", async () => {
  const node = await started();
  const raw = normalTx(HASH, transaction("1", { chainId: new Uint8Array(32) }));
  const root = transactionsRoot(HASH, [rawTransactionHash(raw) ?? new Uint8Array()]);
  const bad = altered(await propose(await started()), (block) => ({
    ...withHeader({ transactionsRoot: root })(block),
    body: { body: [raw] },
  }));
  await expectCheck(node, bad, StatusCode.InvalidChainId);
  await expectCheck(node, bad, StatusCode.InvalidChainId);
  assert(!node.controller.node.chain.hasCandidates);
});

Deno.test("checkProposal() refuses a block that holds a transaction twice", async () => {
  const proposer = await started();
  await proposer.controller.send(normalTx(HASH, transaction("1")));
  const twice = altered(await propose(proposer), (block) => {
    const raws = [...block.body?.body ?? [], ...block.body?.body ?? []];
    const hashes = raws.map((raw) => rawTransactionHash(raw) ?? new Uint8Array());
    const root = transactionsRoot(HASH, hashes);
    return { ...withHeader({ transactionsRoot: root })(block), body: { body: raws } };
  });
  await expectCheck(await started(), twice, StatusCode.ProposalCheckError);
});

Deno.test("checkProposal() verifies only what is not in the pool", async () => {
  const proposer = await started();
  const node = await started();
  const raws = ["1", "2", "3"].map((nonce) => normalTx(HASH, transaction(nonce)));
  await proposer.controller.sendBatch(raws);
  await node.controller.sendBatch(raws.slice(0, 2));
  node.kms.checkedCounts.length = 0;
  const proposal = await propose(proposer);
  const codes = await Promise.all([
    node.controller.checkProposal(proposal),
    node.controller.checkProposal(proposal),
  ]);
  assert.deepEqual(codes, [StatusCode.Success, StatusCode.Success]);
  assert.deepEqual(node.kms.checkedCounts, [1]);
  assert.equal(node.controller.node.pool.count, 3);
});

Deno.test("checkProposal() verifies a transaction whose signature differs from the pool's", async () => {
  const proposer = await started();
  const node = await started();
  const raw = normalTx(HASH, transaction("1"));
  await proposer.controller.send(raw);
  await node.controller.send(raw);
  const forged = altered(await propose(proposer), (block) => {
    const [first] = block.body?.body ?? [];
    assert(first?.tx?.$case === "normalTx");
    const witness = { signature: new Uint8Array(128), sender: address(9) };
    return {
      ...block,
      body: { body: [{ tx: { $case: "normalTx", value: { ...first.tx.value, witness } } }] },
    };
  });
  await expectCheck(node, forged, StatusCode.SigCheckError);
});

Deno.test("commitBlock() gives the configuration after the block's changes", async () => {
  const node = await started();
  const validators = new Uint8Array([...address(7), ...address(8)]);
  await node.controller.send(utxoTx(HASH, { lockId: LockId.Validators, output: validators }));
  await node.controller.send(utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(9) }));
  const proposal = await propose(node);
  const { code, config } = await node.controller.commitBlock(proposal, PROOF);
  assert.equal(code, StatusCode.Success);
  assert.deepEqual(config, {
    height: 1n,
    blockInterval: 9,
    validators: [address(7), address(8)],
  });
});

Deno.test("commitBlock() of a committed height changes nothing", async () => {
  const node = await started();
  await node.produce(3);
  const stores = node.storage.log.length;
  const old = { height: 2n, data: new Uint8Array() };
  const { code, config } = await node.controller.commitBlock(old, PROOF);
  assert.equal(code, StatusCode.Success);
  assert.equal(config.height, 2n);
  assert.equal(node.storage.log.length, stores);
});

Deno.test("commitBlock() refuses what does not follow the tip", async () => {
  const node = await started();
  const good = await propose(node);
  const cases: [Proposal, StatusCode][] = [
    [{ ...good, height: 2n }, StatusCode.ProposalTooHigh],
    [{ ...good, data: fromHex("ff") }, StatusCode.DecodeError],
    [{ ...good, data: new Uint8Array() }, StatusCode.NoneProposal],
    [altered(good, (block) => ({ ...block, header: undefined })), StatusCode.NoneBlockHeader],
    [altered(good, withHeader({ height: 2n })), StatusCode.ProposalCheckError],
    [altered(good, withHeader({ prevhash: PROOF })), StatusCode.ProposalCheckError],
    [altered(good, (block) => ({ ...block, body: undefined })), StatusCode.NoneBlockBody],
  ];
  for (const [proposal, wanted] of cases) {
    const { code, config } = await node.controller.commitBlock(proposal, PROOF);
    assert.equal(statusName(code), statusName(wanted));
    assert.deepEqual(config.height, proposal.height);
    assert.equal(config.validators.length, 4);
  }
  assert.equal(node.height, 0n);
  assert.equal(node.wal.records.length, 0);
});

Deno.test("commitBlock() at the greatest height is a question for the configuration", async () => {
  const node = await started();
  await node.produce(2);
  const query = { height: 0xffff_ffff_ffff_ffffn, data: new Uint8Array() };
  const { code, config } = await node.controller.commitBlock(query, new Uint8Array());
  assert.equal(code, StatusCode.Success);
  assert.equal(config.height, 2n);
});

Deno.test("commitBlock() takes the transactions out of the pool and into the history", async () => {
  const node = await started();
  const raw = normalTx(HASH, transaction("1"));
  await node.controller.send(raw);
  await produceBlock([node]);
  assert.equal(node.controller.node.pool.count, 0);
  assert.equal((await node.controller.send(raw)).code, StatusCode.HistoryDupTx);
  assert.equal((await node.controller.sendBatch([raw])).code, StatusCode.HistoryDupTx);
});

Deno.test("Two commits of one block at the same time store it once", async () => {
  const node = await started();
  const proposal = await propose(node);
  const proof = proofOf(HASH, proposal);
  const outcomes = await Promise.all([
    node.controller.commitBlock(proposal, proof),
    node.controller.commitBlock(proposal, proof),
  ]);
  assert.deepEqual(outcomes.map(({ code }) => code), [0, 0]);
  assert.equal(node.storage.log.filter(({ region }) => region === 11).length, 2);
});

Deno.test("A change of the version, the admin and the brake rule from the next block on", async () => {
  const node = await started();
  await node.controller.send(utxoTx(HASH, { lockId: LockId.EmergencyBrake, output: PROOF }));
  await node.controller.send(utxoTx(HASH, { lockId: LockId.Admin, output: address(0x77) }));
  const { code } = await node.controller.send(normalTx(HASH, transaction("1")));
  assert.equal(code, StatusCode.Success);
  await node.produce(1);
  const braked = await node.controller.send(normalTx(HASH, transaction("2")));
  assert.equal(braked.code, StatusCode.EmergencyBrake);
  const old = utxoTx(HASH, { lockId: LockId.Version, output: u32be(1) });
  assert.equal((await node.controller.send(old)).code, StatusCode.AdminCheckError);
  const sender = address(0x77);
  const change = utxoTx(HASH, { lockId: LockId.Version, output: u32be(1), sender });
  assert.equal((await node.controller.send(change)).code, StatusCode.Success);
  await node.produce(1);
  const again = await node.controller.send(change);
  assert.equal(again.code, StatusCode.InvalidVersion);
  assert.equal(node.controller.queries.systemConfig().version, 1);
});

Deno.test("An output that cannot be applied leaves the chain running", async () => {
  const node = await started();
  const bad = utxoTx(HASH, { lockId: LockId.BlockInterval, output: new Uint8Array(2) });
  const chainId = utxoTx(HASH, { lockId: LockId.ChainId, output: new Uint8Array(32) });
  await node.controller.sendBatch([bad, chainId]);
  await node.produce(2);
  const config = node.controller.queries.systemConfig();
  assert.equal(config.blockInterval, 3);
  assert.equal(config.blockIntervalPreHash.length, 33);
  assert.equal(config.chainIdPreHash.length, 33);
  node.stop();
  await node.start();
  assert.equal(node.height, 2n);
});
