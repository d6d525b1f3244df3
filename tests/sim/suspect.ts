/** A net that may fail, and how what happens to it is made shorter. */
export interface Suspect {
  /** Folder of tests/scripts for its script. */
  readonly folder: ScriptFolder;
  /** The mistake that its nodes make; null for none. */
  readonly defect: string | null;
  /** What happens to it, as it is kept. */
  readonly script: object;
  /** Number of things that do. */
  readonly length: number;
  /** What goes wrong; null when nothing does. */
  failure(): string | null;
  /** One that fails as well, without what a failure does not need. */
  shrunk(): Suspect;
}

/** Folders of tests/scripts. */
export type ScriptFolder = "bft" | "raft";

/** What goes wrong, an error of the product included. */
export function failureOf(violation: () => string | null): string | null {
  try {
    return violation();
  } catch (error) {
    return String(error);
  }
}

/**
 * Leaves out of a list whatever a failure does not need (delta debugging): large parts first, then
 * ever smaller ones.
 */
export function withoutParts<Part>(
  parts: readonly Part[],
  fails: (parts: readonly Part[]) => boolean,
): readonly Part[] {
  let current = parts;
  for (let size = Math.ceil(parts.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < current.length;) {
      const shorter = current.toSpliced(start, size);
      if (fails(shorter)) current = shorter;
      else start += size;
    }
  }
  return current;
}
