import { formatCount } from "../../../../shared/cli/mod.ts";
import { type Finding, type FindingKind, REPAIR_HINTS } from "./finding.ts";

/** Findings that are kept and shown; all are counted. */
const SHOWN_MAX = 1_000;

/** Collects what is wrong: all of it is counted, the first of it is kept. */
export class FindingList {
  readonly #shown: Finding[] = [];
  readonly #countByKind = new Map<FindingKind, number>();
  #count = 0;

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Gives the line to print; null for one too many. */
  add(finding: Finding): string | null {
    const { kind, height, text } = finding;
    this.#count += 1;
    this.#countByKind.set(kind, (this.#countByKind.get(kind) ?? 0) + 1);
    if (this.#shown.length === SHOWN_MAX) return null;
    this.#shown.push(finding);
    return `height ${height}: ${text}`;
  }

  /** What was not shown, and what to do about each kind. */
  summaryLines(): string[] {
    const hiddenCount = this.#count - this.#shown.length;
    const hidden = hiddenCount === 0 ? [] : [`and ${formatCount(hiddenCount)} more`];
    const hints = [...this.#countByKind].map(([kind, count]) =>
      `${formatCount(count)} of kind "${kind}": ${REPAIR_HINTS[kind]}`
    );
    return [...hidden, ...hints];
  }

  toJson(): Record<string, unknown> {
    const kinds = [...this.#countByKind].map(([kind, count]) =>
      [kind, { count, hint: REPAIR_HINTS[kind] }] as const
    );
    return {
      findings: this.#shown.map((finding) => ({ ...finding, height: Number(finding.height) })),
      findingCount: this.#count,
      kinds: Object.fromEntries(kinds),
    };
  }
}
