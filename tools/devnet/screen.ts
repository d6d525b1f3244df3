import type { Output } from "../../shared/cli/mod.ts";

/** A terminal, as far as drawing needs to know it. */
export interface Terminal {
  /** Its width now. */
  columns(): number;
}

/** Lines that stay and, on a terminal, a block below them that is drawn again in place. */
export class Screen {
  readonly #output: Output;
  readonly #terminal: Terminal | null;
  /** Lines of the block that are on the terminal now. */
  #blockHeight = 0;
  #block: readonly string[] = [];

  /** Without a terminal there is no block to show. */
  constructor(output: Output, terminal: Terminal | null) {
    this.#output = output;
    this.#terminal = terminal;
  }

  get isTerminal(): boolean {
    return this.#terminal !== null;
  }

  /** Prints a line that stays, above the block. */
  say(line: string): void {
    this.#output.out(`${this.#erase()}${line}\n`);
    this.#draw();
  }

  /** Replaces the block. */
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
    if (this.#block.length === 0 || this.#terminal === null) return;
    // a line that wrapped would be two lines to erase
    const columns = this.#terminal.columns();
    this.#output.out(this.#block.map((line) => `${line.slice(0, columns)}\n`).join(""));
    this.#blockHeight = this.#block.length;
  }
}
