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
  /** No message of the method: it must get a gRPC status, and it alone may. */
  readonly isMalformed: boolean;
  /** What the call reads or changes; calls that share a place are never under way together. */
  places(): readonly string[];
  /** What is wrong with an answer, null when nothing is; what the call changed is remembered. */
  judge(answer: Bytes): string | null;
  /** A short name of an answer for the table of outcomes. */
  outcome(answer: Bytes): string;
}

/** A service that is tried, with a model of what it may answer. */
export interface Target {
  /** Name of the table of its configuration. */
  readonly name: string;
  readonly role: string;
  readonly methods: readonly string[];
  config(port: number): string;
  /** Further options of `run`. */
  readonly args?: readonly string[];
  /** Contents of files that the service needs beside its configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** A request that the others rely on: it is answered before they are sent. */
  first?(random: Random): Trial;
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

/** What is wrong with what came back. */
export function judgeAnswer(trial: Trial, answer: Answer): string | null {
  const { isMalformed } = trial;
  if ("bytes" in answer) {
    return isMalformed ? "a malformed request was answered" : trial.judge(answer.bytes);
  }
  const { status, details } = answer;
  const isDecodeError = status === 13 && details === "the request cannot be decoded";
  if (!isDecodeError) return `gRPC status ${status}: ${details}`;
  return isMalformed ? null : "a well-formed request was refused as malformed";
}
