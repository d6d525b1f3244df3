import type { ConsensusConfiguration, Proposal } from "../../../../proto/gen/common.ts";
import { type Bytes, toHex } from "../../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";

/** The validators that the block of a height names, for those heights that change them. */
export type ValidatorPlan = ReadonlyMap<bigint, readonly Bytes[]>;

/** A controller whose blocks are numbers of who made them and when. */
export class ModelController {
  /** Data of the blocks, that of height 1 first. */
  readonly blocks: string[] = [];
  /** What it answers instead of what it would, as if behind, syncing or down. */
  outage: number | null | undefined;
  #made = 0;

  constructor(readonly number: number, readonly plan: ValidatorPlan) {}

  get height(): bigint {
    return BigInt(this.blocks.length);
  }

  configuration(height = this.height): ConsensusConfiguration {
    const changes = [...this.plan].filter(([at]) => at <= this.height);
    return { height, blockInterval: 1, validators: [...changes.at(-1)?.[1] ?? []] };
  }

  propose(): Proposal | null {
    if (this.outage !== undefined) return null;
    return { height: this.height + 1n, data: Uint8Array.of(this.number, this.#made++) };
  }

  check({ height }: Proposal): number | null {
    if (this.outage !== undefined) return this.outage;
    if (height <= this.height) return StatusCode.ProposalTooLow;
    return height > this.height + 1n ? StatusCode.ProposalTooHigh : StatusCode.Success;
  }

  /** Null when it refuses. */
  commit({ height, data }: Proposal): ConsensusConfiguration | null {
    if (this.outage !== undefined || height > this.height + 1n) return null;
    if (height === this.height + 1n) this.blocks.push(toHex(data));
    return this.configuration(height);
  }

  /** Gets what another one has. */
  sync({ blocks }: ModelController): void {
    this.blocks.push(...blocks.slice(this.blocks.length));
  }
}
