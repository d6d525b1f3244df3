import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { AddressHex } from "../../../services/consensus/bft/core/bincode.ts";
import { addressBytes } from "../../../services/consensus/testing/fake_crypto.ts";
import type { Configuration } from "../../../services/consensus/bft/core/interface.ts";

/** A decided block as a node stores it. */
export interface StoredBlock {
  readonly data: Bytes;
  readonly proof: Bytes;
}

/** What a block of the model says. */
interface BlockText {
  readonly height: string;
  /** Hex of the data before, without its own preceding proof. */
  readonly previous: string;
  /** The proof of the block before, which this block decides upon (spec/consensus.md, 5.1). */
  readonly previousProof: string;
  readonly proposer: number;
  readonly serial: number;
}

/** Who validates after a height, and how fast. */
export type Schedule = (height: bigint) => {
  readonly validators: readonly AddressHex[];
  readonly intervalSeconds: number;
};

/** Judges a proof as the consensus service beside the controller does. */
export type CheckProof = (height: bigint, block: StoredBlock) => boolean;

/** What a model is created with. */
export interface ModelOptions {
  readonly node: number;
  readonly schedule: Schedule;
  readonly checkProof: CheckProof;
  /** Hears of every block that is made here. */
  readonly onMade: (data: Bytes) => void;
  /** Whether the block that is made next does not follow the last one; never by default. */
  readonly isLying?: () => boolean;
}

/**
 * A controller that keeps a chain and follows the rules that consensus depends on (spec/
 * controller.md, sections 10 and 16). Unlike the reference it accepts, for the block it has, another
 * valid proof than its own when a later block contains it: only so all nodes end with equal proofs.
 */
export class ModelController {
  readonly blocks: StoredBlock[] = [];
  /** How often a stored proof gave way to the one that the chain decided upon. */
  proofsReplaced = 0;
  #serial = 0;

  constructor(readonly options: ModelOptions) {}

  get height(): bigint {
    return BigInt(this.blocks.length);
  }

  /** The configuration that is valid after the last block. */
  get configuration(): Configuration {
    const { validators, intervalSeconds } = this.options.schedule(this.height);
    return {
      height: this.height,
      blockIntervalSeconds: intervalSeconds,
      validators: validators.map(addressBytes),
    };
  }

  getProposal(): { height: bigint; data: Bytes } {
    const { node: proposer, onMade, isLying } = this.options;
    const serial = this.#serial++;
    const isLie = isLying?.() ?? false;
    const data = blockAfter(isLie ? this.blocks.slice(0, -1) : this.blocks, { proposer, serial });
    if (!isLie) onMade(data);
    return { height: this.height + 1n, data };
  }

  checkProposal(height: bigint, data: Bytes): number {
    if (height <= this.height) return StatusCode.ProposalTooLow;
    if (height > this.height + 1n) return StatusCode.ProposalTooHigh;
    return this.#fits(data) ? StatusCode.Success : StatusCode.ProposalCheckError;
  }

  /** Stores a decided block; null, or the reason why not. */
  commit(height: bigint, block: StoredBlock): number {
    if (height <= this.height) return StatusCode.Success;
    if (height > this.height + 1n) return StatusCode.ProposalTooHigh;
    if (!this.#fits(block.data)) return StatusCode.ProposalCheckError;
    this.#adoptPreviousProof(block.data);
    this.blocks.push(block);
    return StatusCode.Success;
  }

  /** Takes the next block from whoever has it; false when it is not believed. */
  sync(block: StoredBlock): boolean {
    if (!this.options.checkProof(this.height + 1n, block)) return false;
    return this.commit(this.height + 1n, block) === StatusCode.Success;
  }

  #fits(data: Bytes): boolean {
    const text = decodeText(data);
    const last = this.blocks.at(-1);
    if (last === undefined) return text.previous === "" && text.previousProof === "";
    if (text.previous !== identity(last.data)) return false;
    if (text.previousProof === toHex(last.proof)) return true;
    const proof = fromHex(text.previousProof);
    return this.options.checkProof(this.height, { data: last.data, proof });
  }

  #adoptPreviousProof(data: Bytes): void {
    const last = this.blocks.at(-1);
    const { previousProof } = decodeText(data);
    if (last === undefined || previousProof === toHex(last.proof)) return;
    this.proofsReplaced++;
    this.blocks[this.blocks.length - 1] = { data: last.data, proof: fromHex(previousProof) };
  }
}

/** The block that follows others. */
export function blockAfter(
  blocks: readonly StoredBlock[],
  author: Pick<BlockText, "proposer" | "serial">,
): Bytes {
  const last = blocks.at(-1);
  return encodeText({
    height: `${blocks.length + 1}`,
    previous: last === undefined ? "" : identity(last.data),
    previousProof: last === undefined ? "" : toHex(last.proof),
    ...author,
  });
}

/** What was read once: nodes ask about the same data several times. */
const TEXTS = new WeakMap<Bytes, BlockText>();

function encodeText(text: BlockText): Bytes {
  return new TextEncoder().encode(JSON.stringify(text));
}

function decodeText(data: Bytes): BlockText {
  const known = TEXTS.get(data);
  if (known !== undefined) return known;
  const text: BlockText = JSON.parse(new TextDecoder().decode(data));
  TEXTS.set(data, text);
  return text;
}

/** What a successor refers to: short, and different for every block. */
function identity(data: Bytes): string {
  const { height, proposer, serial } = decodeText(data);
  return `${height}/${proposer}/${serial}`;
}
