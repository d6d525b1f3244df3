/** A follower of our executables, and peers that know the recorded chain. */

import assert from "node:assert/strict";
import { RawTransaction } from "../../../proto/gen/blockchain.ts";
import type { ChainStatus } from "../../../proto/gen/sync.ts";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { FakePeer, type PeerIdentity, signStatus } from "./fake_peer.ts";
import { Follower, type NodeKey } from "./follower.ts";
import { withFolder } from "./player.ts";
import { readRecordedChain, type RecordedChain } from "./recorded_chain.ts";
import type { RecordedCall } from "./recordings.ts";

/** Key 1 of the recorded kms: the validator. */
const VALIDATOR_KEY_ID = 1n;
const FIRST_ORIGIN = 100n;

/** The follower, the recorded chain, and what they make together. */
export class SyncTrial {
  #nextOrigin = FIRST_ORIGIN;

  constructor(readonly follower: Follower, readonly chain: RecordedChain) {}

  /** The recorded validator. */
  get validator(): NodeKey {
    const address = this.chain.blocks.get(1n)?.header?.proposer;
    assert(address !== undefined);
    return { keyId: VALIDATOR_KEY_ID, address };
  }

  /** A peer with all recorded blocks and a session of its own. */
  newPeer(key: NodeKey): FakePeer {
    const identity: PeerIdentity = { address: key.address, origin: this.#nextOrigin++ };
    const { chain } = this;
    return new FakePeer(
      this.follower.network,
      identity,
      (height) => chain.blocks.get(height) ?? null,
    );
  }

  /** The status of a node that is at a height of the chain. */
  status(address: Bytes, height: bigint): ChainStatus {
    const [firstCase] = this.chain.sendCases;
    const raw = decode(RawTransaction, fromHex(firstCase?.request_hex ?? ""));
    assert(raw.tx?.$case === "normalTx");
    const chainId = raw.tx.value.transaction?.chainId ?? new Uint8Array();
    const hash = this.chain.hashes.get(height);
    assert(hash !== undefined);
    return { version: 0, chainId, height, hash: { hash }, address: { address } };
  }

  /** That status, signed with a key of the kms. */
  sign({ keyId, address }: NodeKey, height: bigint): Promise<Bytes> {
    return signStatus(this.follower.kms, keyId, this.status(address, height));
  }
}

/** Runs `test` with a follower at the start of the chain; its logs are in the error of a failure. */
export async function withFollower(test: (trial: SyncTrial) => Promise<void>): Promise<void> {
  const chain = await readRecordedChain();
  await withFolder(async (folder) => {
    await using follower = await Follower.start(folder);
    try {
      await test(new SyncTrial(follower, chain));
    } catch (cause) {
      throw new Error(`The node does not follow:\n${await follower.logs()}`, { cause });
    }
  });
}

/** Sends recorded calls in order; each must be answered as recorded. */
export async function expectAll(
  follower: Follower,
  calls: readonly RecordedCall[],
): Promise<void> {
  for (const call of calls) await follower.expect(call);
}
