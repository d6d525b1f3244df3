import type { AddressHex } from "./bincode.ts";
import type { Step } from "./messages.ts";
import type { At } from "./proposal_book.ts";

/** Who said two things in one place. */
export interface Offence extends At {
  readonly offender: AddressHex;
  readonly step: Step;
}

/** How often each validator was found to equivocate since the start; each place counts once. */
export class EvidenceBook {
  readonly #places = new Map<string, bigint>();
  readonly #counts = new Map<AddressHex, number>();

  /** Counts an offence; false when it is known. */
  add({ offender, height, round, step }: Offence): boolean {
    const place = `${offender}/${height}/${round}/${step}`;
    if (this.#places.has(place)) return false;
    this.#places.set(place, height);
    this.#counts.set(offender, (this.#counts.get(offender) ?? 0) + 1);
    return true;
  }

  /** Offences by validator. */
  get counts(): ReadonlyMap<AddressHex, number> {
    return this.#counts;
  }

  /** Forgets the places below a height; what was counted stays. */
  prune(height: bigint): void {
    for (const [place, at] of this.#places) if (at < height) this.#places.delete(place);
  }
}
