import type { StoredChain } from "./stored_chain.ts";

/** A chain that is opened when it is needed, and again after its records were dropped. */
export class OpenChain {
  readonly #load: () => Promise<StoredChain>;
  readonly #onCloseFailure: (cause: unknown) => void;
  #current: StoredChain | null = null;
  #opening: Promise<StoredChain> | null = null;
  /** Ends when what was open before is closed. */
  #dropping: Promise<void> = Promise.resolve();

  constructor(
    { load, onCloseFailure }: {
      readonly load: () => Promise<StoredChain>;
      readonly onCloseFailure: (cause: unknown) => void;
    },
  ) {
    this.#load = load;
    this.#onCloseFailure = onCloseFailure;
  }

  /** The chain, null while it is not open. */
  get current(): StoredChain | null {
    return this.#current;
  }

  /** The chain, opened unless it is; throws when that fails, and tries again when asked again. */
  open(): Promise<StoredChain> {
    if (this.#opening !== null) return this.#opening;
    const opening = this.#dropping.then(this.#load);
    this.#opening = opening;
    const ifStillWanted = (act: () => void) => this.#opening === opening && act();
    opening.then(
      (stored) => ifStillWanted(() => this.#current = stored),
      () => ifStillWanted(() => this.#opening = null),
    );
    return opening;
  }

  /** Closes the records; whoever needs them opens them again. */
  async drop(): Promise<void> {
    const opening = this.#opening;
    this.#opening = null;
    this.#current = null;
    this.#dropping = this.#close(opening);
    await this.#dropping;
  }

  async #close(opening: Promise<StoredChain> | null): Promise<void> {
    const stored = await opening?.catch(() => null); // whoever wanted it open has the error
    try {
      await stored?.close();
    } catch (cause) {
      this.#onCloseFailure(cause);
    }
  }
}
