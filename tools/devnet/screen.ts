import type { Output } from "../../shared/cli/mod.ts";

/** Lines that stay and, on a terminal, a block below them that is drawn again in place. */
export class Screen {
  readonly #output: Output;
  readonly #isTerminal: boolean;
  /** Lines of the block that are on the terminal now. */
  #blockHeight = 0;
  #block: readonly string[] = [];

  constructor(output: Output, isTerminal: boolean) {
    this.#output = output;
    this.#isTerminal = isTerminal;
  }

  get isTerminal(): boolean {
    return this.#isTerminal;
  }

  /** Prints a line that stays, above the block. */
  say(line: string): void {
    this.#output.out(`${this.#erase()}${line}\n`);
    this.#draw();
  }

  /** Replaces the block; only for a terminal. */
  show(block: readonly string[]): void {
    const erase = this.#erase();
    this.#block = block;
    this.#output.out(erase);
    this.#draw();
  }

  #erase(): string {
    if (this.#blockHeight === 0) return "";
    const erase = `\x1b[${this.#blockHeight}A\x1b[J`;
    this.#blockHeight = 0;
    return erase;
  }

  #draw(): void {
    if (this.#block.length === 0) return;
    this.#output.out(`${this.#block.join("\n")}\n`);
    this.#blockHeight = this.#block.length;
  }
}
