import assert from "node:assert/strict";
import type { Block } from "../../../proto/gen/blockchain.ts";
import { RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { ChainStatus, ChainStatusInit, ChainStatusRespond } from "../../../proto/gen/sync.ts";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { seededRandom, SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { waitFor } from "../wait.ts";
import { FakePeer, type PeerIdentity, signStatus } from "./fake_peer.ts";
import { Follower, type NodeKey, ROLES } from "./follower.ts";
import { withFolder } from "./player.ts";
import { readRecordedChain, type RecordedChain } from "./recorded_chain.ts";
import type { RecordedCall } from "./recordings.ts";

/** Key 1 of the recorded kms: the validator. */
const VALIDATOR_KEY_ID = 1n;
const VALIDATOR_ORIGIN = 100n;
const SIG_CHECK_ERROR = 138;
const VERSION_OR_ID_CHECK_ERROR = 134;
const HISTORY_DUP_TX = { code: 3, details: "HistoryDupTx" };

/** One way to serve a wrong block. */
interface Forgery {
  readonly name: string;
  /** The block that is forged; those below are honest. */
  readonly height: bigint;
  /** Gives the forged block, or null to claim that it is missing. */
  forge(chain: RecordedChain): Block | null;
}

function blockOf(chain: RecordedChain, height: bigint): Block {
  const block = chain.blocks.get(height);
  assert(block !== undefined, `no block ${height} was recorded`);
  return structuredClone(block);
}

function flipByte(bytes: Bytes, index: number): Bytes {
  return bytes.map((byte, position) => position === index ? byte ^ 1 : byte);
}

/** Where the first signature of a recorded proof of 334 bytes starts (protocol.md 13.6). */
const SIGNATURE_OFFSET = 206;

const FORGERIES: readonly Forgery[] = [
  {
    name: "a signature of the proof is changed",
    height: 1n,
    forge(chain) {
      const block = blockOf(chain, 1n);
      return { ...block, proof: flipByte(block.proof, SIGNATURE_OFFSET + 5) };
    },
  },
  {
    name: "the proof is of another block",
    height: 5n,
    forge: (chain) => ({ ...blockOf(chain, 5n), proof: blockOf(chain, 4n).proof }),
  },
  {
    name: "the proof is empty",
    height: 11n,
    forge: (chain) => ({ ...blockOf(chain, 11n), proof: new Uint8Array() }),
  },
  {
    name: "a transaction is changed",
    height: 12n,
    forge(chain) {
      const block = blockOf(chain, 12n);
      const tx = block.body?.body[0]?.tx;
      assert(tx?.$case === "normalTx" && tx.value.transaction !== undefined);
      tx.value.transaction.quota += 1n;
      return block;
    },
  },
  {
    name: "a transaction is left out",
    height: 12n,
    forge: (chain) => ({ ...blockOf(chain, 12n), body: { body: [] } }),
  },
  {
    name: "the header is changed",
    height: 13n,
    forge(chain) {
      const block = blockOf(chain, 13n);
      assert(block.header !== undefined);
      return { ...block, header: { ...block.header, timestamp: block.header.timestamp + 1n } };
    },
  },
  {
    name: "the header is missing",
    height: 14n,
    forge: (chain) => ({ ...blockOf(chain, 14n), header: undefined }),
  },
  { name: "the block is said to be missing", height: 14n, forge: () => null },
];

/** The follower, the recorded chain, and what they make together. */
class SyncTrial {
  #nextOrigin = VALIDATOR_ORIGIN;

  constructor(readonly follower: Follower, readonly chain: RecordedChain) {}

  newPeer(key: NodeKey): FakePeer {
    const identity: PeerIdentity = { address: key.address, origin: this.#nextOrigin++ };
    const { chain } = this;
    return new FakePeer(
      this.follower.network,
      identity,
      (height) => chain.blocks.get(height) ?? null,
    );
  }

  status(address: Bytes, height: bigint): ChainStatus {
    const [firstCase] = this.chain.sendCases;
    const raw = decode(RawTransaction, fromHex(firstCase?.request_hex ?? ""));
    assert(raw.tx?.$case === "normalTx");
    const chainId = raw.tx.value.transaction?.chainId ?? new Uint8Array();
    const hash = this.chain.hashes.get(height);
    assert(hash !== undefined);
    return { version: 0, chainId, height, hash: { hash }, address: { address } };
  }

  sign({ keyId, address }: NodeKey, height: bigint): Promise<Bytes> {
    return signStatus(this.follower.kms, keyId, this.status(address, height));
  }
}

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

async function expectAll(follower: Follower, calls: readonly RecordedCall[]): Promise<void> {
  for (const call of calls) await follower.expect(call);
}

const isAboutHeight = ({ label = "", request_hex }: RecordedCall) =>
  label.startsWith("block number") || /^12080{15}[01]$/.test(request_hex);

async function followRecordedChain(trial: SyncTrial): Promise<void> {
  const { follower, chain } = trial;
  await expectIntroduction(trial);
  const address = chain.blocks.get(1n)?.header?.proposer;
  assert(address !== undefined);
  const validator = { keyId: VALIDATOR_KEY_ID, address };
  const honest = trial.newPeer(validator);
  await expectRefusedIntroductions(trial);
  await syncPastForgers(trial, honest, await trial.sign(validator, 20n));
  await sendRecordedCases(trial, honest);

  assert.equal(await honest.announce(await trial.sign(validator, 40n)), 0);
  await follower.waitForHeight(40n);
  follower.network.isAlone = true;
  await expectAll(follower, chain.callsAt40);
  follower.network.isAlone = false;
  const [good] = chain.sendCases;
  assert(good !== undefined);
  await follower.expect({
    method: good.method,
    request_hex: good.request_hex,
    grpc_error: HISTORY_DUP_TX,
  });

  assert.equal(await honest.announce(chain.lastStatus), 0);
  await follower.waitForHeight(46n);
  await expectAll(follower, chain.loadsAt46);
  await follower.killRoles();
  await follower.startRoles();
  await expectAll(follower, chain.loadsAt46);
  follower.network.isAlone = true;
  await expectAll(follower, chain.callsAt40.filter((call) => !isAboutHeight(call)));
  const consensus = follower.network.broadcasts.filter(({ module }) => module === "consensus");
  assert.deepEqual(consensus, [], "who is no validator does not vote");
  assert.deepEqual(await follower.stop(), [0, 0, 0, 0]);
}

async function withFollower(test: (trial: SyncTrial) => Promise<void>): Promise<void> {
  const chain = await readRecordedChain();
  assert.deepEqual([chain.blocks.size, chain.hashes.size], [47, 47]);
  await withFolder(async (folder) => {
    await using follower = await Follower.start(folder);
    try {
      await test(new SyncTrial(follower, chain));
    } catch (cause) {
      throw new Error(`The node does not follow:\n${await follower.logs()}`, { cause });
    }
  });
}

Deno.test("a node of our executables follows the recorded chain past forgers, as recorded", async () => {
  await withFollower(async (trial) => {
    const { callsAt40, loadsAt46 } = trial.chain;
    assert.deepEqual([callsAt40.length, loadsAt46.length], [221 + 41 + 46 + 580, 106 + 47]);
    await followRecordedChain(trial);
  });
});

/** Seed of the moments of the kills, and how many there are. */
const KILL_SEED = Number(Deno.env.get("KILL_SEED") ?? 1);
const KILLS = Number(Deno.env.get("KILLS") ?? 5);

/** Ten blocks are applied within a few tenths of a second: most kills come in between. */
const KILL_WITHIN_MS = 300;

Deno.test("a node whose roles are killed while it syncs comes to the recorded chain", async () => {
  await withFollower(async (trial) => {
    const { follower, chain } = trial;
    const random = seededRandom(KILL_SEED);
    const address = chain.blocks.get(1n)?.header?.proposer;
    assert(address !== undefined);
    const validator = { keyId: VALIDATOR_KEY_ID, address };
    const peer = trial.newPeer(validator);
    for (let kill = 1; kill <= KILLS; kill++) {
      // half of the kills hit the whole node, the others one role
      const role = ROLES[Math.floor(2 * random() * ROLES.length)];
      const roles = role === undefined ? ROLES : [role];
      await peer.announce(await trial.sign(validator, BigInt(Math.floor(46 * kill / KILLS))));
      await SYSTEM_CLOCK.sleep(KILL_WITHIN_MS * random());
      await follower.killRoles(roles);
      await follower.startRoles(roles);
    }
    await peer.announce(chain.lastStatus);
    await follower.waitForHeight(46n);
    await expectAll(follower, chain.loadsAt46);
    follower.network.isAlone = true;
    await expectAll(follower, chain.callsAt40.filter((call) => !isAboutHeight(call)));
    assert.deepEqual(await follower.stop(), [0, 0, 0, 0]);
  });
});
