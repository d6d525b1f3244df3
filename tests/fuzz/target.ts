import type { Bytes } from "../../shared/bytes/mod.ts";
import type { Random } from "../../shared/clock/mod.ts";
import { mutate } from "../e2e/recordings/garbage.ts";

/** What came back: a message, or a gRPC status. */
export type Answer =
  | { readonly bytes: Bytes }
  | { readonly status: number; readonly details: string };

/** One request with all that is needed to judge its answer. */
export interface Trial {
  readonly method: string;
  readonly request: Bytes;
  /** What the call reads or changes; calls that share a place are never under way together. */
  places(): readonly string[];
  /** What is wrong with the answer, null when nothing is; what the call changed is remembered. */
  judge(answer: Answer): string | null;
  /** A short name of the answer for the table of outcomes. */
  outcome(answer: Answer): string;
}

/** A service that is tried, with a model of what it may answer. */
export interface Target {
  /** Name of the table of its configuration. */
  readonly name: string;
  readonly role: string;
  readonly methods: readonly string[];
  config(port: number): Promise<string> | string;
  /** Makes the next request to a method. */
  nextTrial(method: string, random: Random): Trial;
  close(): Promise<void>;
}

/** A whole number below `count`. */
export function pick(random: Random, count: number): number {
  return Math.floor(random() * count);
}

/** One of several. */
export function oneOf<Item>(random: Random, items: readonly [Item, ...Item[]]): Item {
  return items[pick(random, items.length)] ?? items[0];
}

/** Random bytes. */
export function noise(random: Random, size: number): Bytes {
  return Uint8Array.from({ length: size }, () => pick(random, 256));
}

/** A request that was made from a valid one. */
export interface Mutant {
  readonly bytes: Bytes;
  readonly isValid: boolean;
}

/** Valid requests as they are, changed in a few bytes, or replaced by noise. */
export function mutant(random: Random, valid: Bytes): Mutant {
  const dice = random();
  if (dice < 0.35) return { bytes: valid, isValid: true };
  if (dice < 0.9) return { bytes: mutate(random, [valid]), isValid: false };
  return { bytes: noise(random, pick(random, 100)), isValid: false };
}

/** Wrong statuses: none when the request was malformed, else any. */
export function judgeStatus(
  { status, details }: { readonly status: number; readonly details: string },
  isMalformed: boolean,
): string | null {
  const isDecodeError = status === 13 && details.startsWith("Error deserializing request");
  if (isDecodeError) return isMalformed ? null : "a well-formed request was refused as malformed";
  return `gRPC status ${status}: ${details}`;
}
