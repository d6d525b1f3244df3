import type { ModelController, StoredBlock } from "./model_controller.ts";
import { type ControllerLink, SimValidator, type SimValidatorOptions } from "./validator.ts";

/** Hears of every block that a node stores, by consensus or by synchronisation. */
export type OnStored = (height: bigint, block: StoredBlock) => void;

/** What a node is made of. */
export interface SimNodeOptions extends Omit<SimValidatorOptions, "controller"> {
  readonly model: ModelController;
  readonly onStored: OnStored;
}

/** Blocks that a node asks of another one at a time, as `sync_interval` says. */
const SYNC_BLOCKS = 10;

/** A validator beside the model of a controller. */
export class SimNode extends SimValidator {
  readonly model: ModelController;
  readonly #onStored: OnStored;

  constructor({ model, onStored, ...options }: SimNodeOptions) {
    super({ ...options, controller: linkTo(model, onStored) });
    this.model = model;
    this.#onStored = onStored;
  }

  /** Takes the next blocks from another node's controller, if that has more. */
  syncFrom({ model: { blocks } }: SimNode): void {
    const next = this.model.blocks.length;
    for (const block of blocks.slice(next, next + SYNC_BLOCKS)) {
      if (!this.takeBlock(block)) return;
    }
  }

  /** Takes the next block, if it is believed. */
  takeBlock(block: StoredBlock): boolean {
    const { model } = this;
    if (!model.sync(block)) return false;
    this.#onStored(model.height, block);
    this.post({ kind: "reconfigure", configuration: model.configuration });
    return true;
  }
}

function linkTo(model: ModelController, onStored: OnStored): ControllerLink {
  return {
    getProposal: () => model.getProposal(),
    checkProposal: (height, data) => model.checkProposal(height, data),
    commit(height, data, proof) {
      const isNew = model.height + 1n === height;
      const code = model.commit(height, { data, proof });
      if (code === 0 && isNew) onStored(height, { data, proof });
      return { code, configuration: { ...model.configuration, height } };
    },
    queryConfiguration: () => model.configuration,
  };
}
