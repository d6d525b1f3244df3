/** Makes a long chain quickly: its only validator decides whatever it is given. */

import { Block, type RawTransaction } from "../proto/gen/blockchain.ts";
import { RPCServiceService as ControllerService } from "../proto/gen/controller.ts";
import { ExecutorServiceService } from "../proto/gen/executor.ts";
import { KmsServiceService } from "../proto/gen/kms.ts";
import { Regions, StorageServiceService } from "../proto/gen/storage.ts";
import { encodeProposal, hashBlockHeader, hashTransaction } from "../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, fromHex, toHex, u64be } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { encode } from "../shared/codec/mod.ts";
import { type CryptoSuite, loadSuite, type SuiteName } from "../shared/crypto/mod.ts";
import { connect } from "../shared/rpc/mod.ts";
import { codeOf, StatusCode, statusName } from "../shared/status/mod.ts";
import { encodeLeaderVote, encodeVote, Step } from "../services/consensus/bft/core/messages.ts";
import {
  assembleBlock,
  blockRecords,
  type StoreRecord,
  type Tip,
} from "../services/controller/chain/mod.ts";
import { blockBody } from "../services/controller/testing/builders.ts";
import type { DevNode } from "../tools/devnet/chain.ts";
import { waitFor } from "../tests/e2e/wait.ts";
import { showProgress } from "../tests/progress.ts";
import { type NodeProcesses, ROLES } from "./node_processes.ts";

/** What the chain is to be like. */
export interface ChainShape {
  readonly crypto: SuiteName;
  readonly blocks: number;
  /** Transactions of a block. */
  readonly transactions: number;
}

const START_TIMEOUT_MS = 60_000;
const KEY_ID = 1n;
const QUOTA = 200_000n;
const RECIPIENT = new Uint8Array(20).fill(0x42);
/** Blocks that a transaction stays valid for. */
const VALID_BLOCKS = 50n;

/** Calls the services of a node that has no controller and no consensus. */
class BareNode {
  readonly #storage;
  readonly #executor;
  readonly #kms;
  /** Time in which the executor and the storage worked on blocks. */
  workedMs = 0;

  constructor({ ports }: DevNode) {
    this.#storage = connect(StorageServiceService, { port: ports.storage });
    this.#executor = connect(ExecutorServiceService, { port: ports.executor });
    this.#kms = connect(KmsServiceService, { port: ports.kms });
  }

  async load(region: number, height: bigint): Promise<Bytes> {
    const { status, value } = await this.#storage.load({ region, key: u64be(height) });
    require(codeOf(status), "load a record");
    return value;
  }

  /** Executes and stores a block; gives the state root after it. */
  async append(block: Block, hash: Bytes): Promise<Bytes> {
    const startMs = SYSTEM_CLOCK.monotonicMs();
    const { status, hash: root } = await this.#executor.exec(block);
    require(codeOf(status), "execute a block");
    const stateRoot = root?.hash ?? EMPTY_BYTES;
    const height = block.header?.height ?? 0n;
    const encoded = encode(Block, block);
    for (const group of blockRecords({ height, hash, encoded, stateRoot, applied: [] })) {
      await Promise.all(group.map((record) => this.#store(record)));
    }
    this.workedMs += SYSTEM_CLOCK.monotonicMs() - startMs;
    return stateRoot;
  }

  async #store(record: StoreRecord): Promise<void> {
    require((await this.#storage.store(record)).code, "store a record");
  }

  async sign(hash: Bytes): Promise<Bytes> {
    const { status, signature } = await this.#kms.signMessage({ keyId: KEY_ID, msg: hash });
    require(codeOf(status), "sign a vote");
    return signature;
  }

  [Symbol.dispose](): void {
    for (const client of [this.#storage, this.#executor, this.#kms]) client.close();
  }
}

function require(code: number, deed: string): void {
  if (code !== StatusCode.Success) {
    throw new Error(`Cannot ${deed}: ${statusName(code as StatusCode)}`);
  }
}

/**
 * Makes blocks 1 to n by the executor and the storage of a node, which has genesis then and no
 * controller; all services but consensus run at the end.
 *
 * @returns blocks per second that executor and storage reached alone
 */
export async function makeChain(node: NodeProcesses, shape: ChainShape): Promise<number> {
  const others = ROLES.filter((role) => role !== "consensus" && role !== "controller");
  node.start([...others, "controller"]);
  const { chainId } = await waitForGenesis(node.node);
  await node.stop(["controller"]);
  using bare = new BareNode(node.node);
  const suite = await loadSuite(shape.crypto);
  const proposer = fromHex(
    Deno.readTextFileSync(`${node.node.path}/config.toml`)
      .match(/^node_address = '(?:0x)?([0-9a-f]{40})'/m)?.[1] ?? "",
  );
  const sign = signerOf(suite, chainId);
  let tip: Tip = {
    height: 0n,
    hash: await bare.load(Regions.BLOCK_HASH, 0n),
    timestampMs: 0n,
    stateRoot: await bare.load(Regions.RESULT, 0n),
    proof: EMPTY_BYTES,
  };
  const progress = showProgress();
  for (let made = 0; made < shape.blocks; made++) {
    progress.show(`making the chain: ${made} of ${shape.blocks} blocks`);
    const transactions = Array.from({ length: shape.transactions }, () => sign(tip.height));
    const body = blockBody(suite.hash, transactions);
    const block = assembleBlock({ tip, proposer, nowMs: BigInt(SYSTEM_CLOCK.nowMs()), body });
    tip = await decide({ bare, suite, tip, block });
  }
  progress.end();
  node.start(["controller"]);
  await waitForGenesis(node.node);
  return shape.blocks / bare.workedMs * 1_000;
}

/** Waits until the controller of a node answers, and gives the configuration of the chain. */
function waitForGenesis({ ports }: DevNode) {
  const controller = connect(ControllerService, { port: ports.controller });
  return waitFor(() => controller.getSystemConfig({}), {
    what: "the start of the first node",
    timeoutMs: START_TIMEOUT_MS,
  }).finally(() => controller.close());
}

/** Gives the transactions of one sender, each another one. */
function signerOf(suite: CryptoSuite, chainId: Bytes): (height: bigint) => RawTransaction {
  const secretKey = suite.generateSecretKey();
  const publicKey = suite.publicKeyOf(secretKey);
  const sender = suite.addressOf(publicKey);
  let count = 0;
  return (height) => {
    const transaction = {
      version: 0,
      to: RECIPIENT,
      nonce: String(count++),
      quota: QUOTA,
      validUntilBlock: height + VALID_BLOCKS,
      data: EMPTY_BYTES,
      value: new Uint8Array(32),
      chainId,
    };
    const transactionHash = hashTransaction(suite.hash, transaction);
    const signature = suite.sign(secretKey, transactionHash, publicKey);
    const value = { transaction, transactionHash, witness: { signature, sender } };
    return { tx: { $case: "normalTx", value } };
  };
}

/** Plays consensus for one block: the only validator votes for it. */
async function decide({ bare, suite, tip, block }: {
  readonly bare: BareNode;
  readonly suite: CryptoSuite;
  readonly tip: Tip;
  readonly block: Block;
}): Promise<Tip> {
  const height = tip.height + 1n;
  const parts = { preStateRoot: tip.stateRoot, preProof: tip.proof, block };
  const proposed = toHex(suite.hash(encodeProposal(parts)));
  const vote = { height, round: 0n, step: Step.Precommit, hash: proposed };
  const signature = await bare.sign(suite.hash(encodeVote(vote)));
  const proof = encodeLeaderVote({ ...vote, votes: [{ vote, signature }] });
  if (block.header === undefined) throw new TypeError("A block has a header");
  const hash = hashBlockHeader(suite.hash, block.header);
  const stateRoot = await bare.append({ ...block, proof }, hash);
  return { height, hash, timestampMs: block.header.timestamp, stateRoot, proof };
}
