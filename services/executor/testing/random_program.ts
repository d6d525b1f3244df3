/**
 * Random programs that do something: the stack never runs dry except on purpose, jumps lead to a
 * destination, loops end, and calls find other programs. Nothing in them is special to the chain
 * (a 5b in the data of a PUSH, hashes of blocks, gas arguments above 64 bits), so that an EVM of
 * others runs them alike.
 *
 * @module
 */

import fc from "fast-check";
import { push, pushAll } from "./code.ts";
import { ANY_WORD, wrapped } from "./words.ts";

/** Addresses of the first contracts that the usual sender creates, by its nonces 0 to 2 (8.2). */
export const FIRST_CONTRACTS: readonly [string, string, string] = [
  "3c952d36207c0d52743a646e7ac2649009bd358e",
  "4501f8fa1e67827ebfb1f6d5510c606871c5a599",
  "c3120ecd9b1ebc2b2338903b41585f28e99891bf",
];

/** Values of which each kind of instruction takes what it needs. */
interface Step {
  readonly kind: number;
  /** Picks one of several. */
  readonly choice: number;
  /** A small number: an offset, a size, a slot. */
  readonly small: number;
  readonly a: bigint;
  readonly b: bigint;
}

/** A word without a byte 5b, which would be a place to jump to. */
const WORD = ANY_WORD.map((word) =>
  BigInt(`0x${word.toString(16).replaceAll("5b", "5c").replaceAll("b5", "c5")}`)
);

const STEP: fc.Arbitrary<Step> = fc.record({
  kind: fc.nat({ max: 99 }),
  choice: fc.nat({ max: 255 }),
  small: fc.oneof(
    { weight: 9, arbitrary: fc.nat({ max: 90 }) },
    { weight: 1, arbitrary: fc.nat({ max: 60_000 }) },
  ).map((value) => value % 256 === 0x5b || value >> 8 === 0x5b ? 0 : value),
  a: WORD,
  b: WORD,
});

/** Programs that may call the addresses; each is the hex text of its code. */
export function randomProgram(addresses: readonly string[], maxLength = 40): fc.Arbitrary<string> {
  return fc.array(STEP, { minLength: 1, maxLength }).map((steps) => {
    const assembler = new Assembler(addresses.map((address) => BigInt(`0x${address}`)));
    return assembler.program(steps);
  });
}

const ARITHMETIC = "01 02 03 04 05 06 07 0a 0b 10 11 12 13 14 16 17 18 1a 1b 1c 1d".split(" ");
const UNARY = ["15", "19"];
const TERNARY = ["08", "09"];
const ENVIRONMENT = "30 32 33 34 36 38 3a 3d 41 42 43 44 45 46 47 58 59 5a".split(" ");
const OF_ACCOUNT = ["31", "3b", "3f"];
const CALLS = ["f1", "f2", "f4", "fa"];

/** Bodies of contracts that are created: what init code returns, or how it ends otherwise. */
const INIT_CODES = [
  "", // an account without code
  "600a80600080396000f3", // its own code
  "60016000556000600055", // a slot set and cleared
  "33ff", // removes itself
  "60206000fd",
  "fe",
  "6001600052602060006000a1",
  "3d3d3d3d3d335af1600055",
  "3d3d3d3df560005560016000f3",
];

const picked = <T>(from: readonly T[], choice: number): T => from[choice % from.length] as T;

/** Writes code while it keeps count of the words on the stack. */
class Assembler {
  #code = "";
  #height = 0;
  /** Words below this are not touched: a body that may be skipped or repeated leaves the stack alone. */
  #floor = 0;

  constructor(readonly addresses: readonly bigint[]) {}

  program(steps: readonly Step[]): string {
    this.#body(steps);
    while (this.#height > 0 && this.#height < 1024) this.#keep(this.#height % 8);
    this.#emit(pushAll(96, 0) + "f3", 0);
    return this.#code;
  }

  #body(steps: readonly Step[]): void {
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at] as Step;
      const inner = steps.slice(at + 1, at + 2 + step.small % 6);
      if (step.kind < 4 && inner.length > 0) {
        this.#skipped(step, inner);
        at += inner.length;
      } else if (step.kind < 7 && inner.length > 0 && this.#code.length < 400) {
        this.#repeated(step, inner);
        at += inner.length;
      } else this.#step(step);
    }
  }

  /** A body behind a JUMPI on a word that may be zero. */
  #skipped({ a, choice }: Step, inner: readonly Step[]): void {
    this.#operands([choice % 2 === 0 ? 0n : a]);
    const hole = this.#code.length + 2;
    this.#emit("61ffff57", -1);
    this.#neutral(inner);
    this.#land(hole);
  }

  /** A body in a loop of a few rounds, counted in a word of its own. */
  #repeated({ choice }: Step, inner: readonly Step[]): void {
    this.#emit(push(1 + choice % 5), 1);
    const target = this.#position().toString(16).padStart(4, "0");
    this.#emit("5b", 0);
    this.#neutral(inner);
    this.#emit(`600190038061${target}57`, 0);
    this.#emit("50", -1);
  }

  #neutral(inner: readonly Step[]): void {
    const [floor, height] = [this.#floor, this.#height];
    this.#floor = height;
    this.#body(inner);
    while (this.#height > height) this.#emit("50", -1);
    this.#floor = floor;
  }

  /** Fills in where a jump leads: here. */
  #land(hole: number): void {
    const target = this.#position().toString(16).padStart(4, "0");
    this.#code = this.#code.slice(0, hole) + target + this.#code.slice(hole + 4);
    this.#emit("5b", 0);
  }

  /** Where the next instruction is, moved on if the number had a byte 5b. */
  #position(): number {
    const position = this.#code.length / 2;
    if (position >> 8 !== 0x5b && position % 256 !== 0x5b) return position;
    this.#emit("5b", 0);
    return position + 1;
  }

  #step(step: Step): void {
    const { kind, choice, small, a, b } = step;
    if (this.#height > 900) this.#emit("50", -1);
    if (kind < 30) this.#compute(step);
    else if (kind < 36) this.#emit(push(wrapped(a)), 1);
    else if (kind < 42) this.#shuffle(choice);
    else if (kind < 48) this.#emit(picked(ENVIRONMENT, choice), 1);
    else if (kind < 60) this.#memory(step);
    else if (kind < 68) this.#storage(step);
    else if (kind < 72) this.#log(step);
    else if (kind < 76) this.#account(step);
    else if (kind < 90) this.#call(step);
    else if (kind < 95) this.#create(step);
    else if (kind === 95 && choice < 40) this.#emit(pushAll(small, choice) + "fd", 0);
    else if (kind === 96 && choice < 40) this.#emit(pushAll(small, choice) + "f3", 0);
    else if (kind === 97 && choice < 60) this.#emit(`${push(this.#address(choice))}ff`, 0);
    else if (kind === 98 && choice < 20) {
      this.#emit(picked(["fe", "01", "0c", "5f", "f1"], choice), 0);
    } else if (kind === 99 && choice < 20) this.#emit(push(wrapped(b | (1n << 40n))) + "56", 0);
    else this.#keep(small);
  }

  #compute({ kind, choice, a, b, small }: Step): void {
    if (kind < 3) this.#instruction(picked(UNARY, choice), [a]);
    else if (kind < 7) this.#instruction(picked(TERNARY, choice), [BigInt(small), b, a]);
    else {this.#instruction(
        picked(ARITHMETIC, choice),
        choice % 3 === 0 ? [a, BigInt(small)] : [b, a],
      );}
  }

  #shuffle(choice: number): void {
    const free = Math.min(this.#height - this.#floor, 16);
    if (choice % 2 === 0 && this.#height > 0) {
      const depth = 1 + (choice >> 1) % Math.min(this.#height, 16);
      this.#emit((0x7f + depth).toString(16), 1);
    } else if (free > 1) this.#emit((0x90 + (choice >> 1) % (free - 1)).toString(16), 0);
  }

  #memory({ choice, small, a, b }: Step): void {
    const offset = BigInt(choice);
    const size = BigInt(small);
    switch (choice % 8) {
      case 0:
        return this.#instruction("20", [size, offset]);
      case 1:
        return this.#instruction("51", [size]);
      case 2:
      case 3:
        return this.#instruction("52", [a, size], 0);
      case 4:
        return this.#instruction("53", [a, size], 0);
      case 5:
        return this.#instruction("37", [size, choice % 16 < 8 ? b : offset, offset], 0);
      case 6:
        return this.#instruction("39", [size, choice % 16 < 8 ? offset : b, offset], 0);
      default: // all that was returned; rarely a byte behind it
        return this.#emit(`${choice < 8 ? push(small) : "3d"}6000${push(choice)}3e`, 0);
    }
  }

  #storage({ choice, a, b }: Step): void {
    const slot = choice % 5 === 0 ? b : BigInt(choice % 4);
    if (choice % 3 === 0) return this.#instruction("54", [slot]);
    this.#instruction("55", [choice % 4 < 2 ? 0n : a, slot], 0);
  }

  #log({ choice, small, a, b }: Step): void {
    const topics = [a, b, BigInt(choice), a ^ b].slice(0, choice % 5);
    this.#instruction((0xa0 + topics.length).toString(16), [
      ...topics,
      BigInt(small),
      BigInt(choice),
    ], 0);
  }

  #account({ choice, small, b }: Step): void {
    const address = BigInt(this.#address(choice));
    if (choice % 4 < 3) return this.#instruction(picked(OF_ACCOUNT, choice), [address]);
    this.#instruction("3c", [BigInt(small), choice % 8 < 4 ? 0n : b, BigInt(choice), address], 0);
  }

  #call({ choice, small, a, b }: Step): void {
    const op = picked(CALLS, choice);
    const areas = [small % 70, choice % 50, small % 130, choice % 90];
    const value = choice % 32 < 3 ? [1] : [0];
    const gas = choice % 5 === 0
      ? Number(a % 50_000n)
      : choice % 5 === 1
      ? Number(b % 2_000n)
      : null;
    this.#emit(pushAll(...areas, ...(op < "f3" ? value : []), this.#address(choice >> 2)), 0);
    this.#emit((gas === null ? "5a" : this.#plain(gas)) + op, 1);
  }

  #create({ choice, small, a }: Step): void {
    const init = picked(INIT_CODES, choice);
    const isSalted = small % 2 === 1;
    const word = init.padEnd(64, "0");
    this.#emit(`7f${word.replaceAll("5b", "5c")}${push(choice)}52`, 0);
    if (isSalted) this.#emit(push(Number(a % 2n)), 0);
    this.#emit(pushAll(init.length / 2, choice, choice % 16 === 0 ? 1 : 0), 0);
    this.#emit(isSalted ? "f5" : "f0", 1);
  }

  /** Takes its operands, the last one on top, and leaves a word unless told otherwise. */
  #instruction(op: string, operands: readonly bigint[], outputs = 1): void {
    const taken = this.#operands(operands);
    this.#emit(op, outputs - taken);
  }

  /** Pushes operands; sometimes the first of them are what is on the stack already. */
  #operands(operands: readonly bigint[]): number {
    const free = this.#height - this.#floor;
    const reused = free > 1 && operands.length > 1 && Number(operands[0]! % 3n) === 0 ? 1 : 0;
    for (const operand of operands.slice(reused)) this.#emit(this.#plain(operand), 1);
    return operands.length;
  }

  #plain(value: number | bigint): string {
    return push(wrapped(BigInt(value))).replaceAll("5b", "5c");
  }

  /** Moves the word on top into a slot, if there is one. */
  #keep(slot: number): void {
    if (this.#height > this.#floor) this.#emit(`${this.#plain(slot % 8)}55`, -1);
  }

  #address(choice: number): number | bigint {
    return wrapped(picked(this.addresses, choice));
  }

  #emit(code: string, change: number): void {
    this.#code += code;
    this.#height += change;
  }
}
