import { ExitError } from "./program.ts";

/** A terminal that can be told not to show what is typed. */
export interface Terminal {
  isTerminal(): boolean;
  setRaw(isRaw: boolean): void;
  read(buffer: Uint8Array): Promise<number | null>;
  write(text: string): void;
}

/** Standard input, with the questions on standard error: results may be piped on. */
const STANDARD_TERMINAL: Terminal = {
  isTerminal: () => Deno.stdin.isTerminal(),
  setRaw: (isRaw) => Deno.stdin.setRaw(isRaw),
  read: (buffer) => Deno.stdin.read(buffer),
  write: (text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)),
};

const SECRET_SIZE_MAX = 1024;

const ENTER: ReadonlySet<number> = new Set([0x0a, 0x0d]);
const ERASE: ReadonlySet<number> = new Set([0x08, 0x7f]);
/** Ctrl-C and Ctrl-D, which the terminal hands over instead of acting on them. */
const ABORT: ReadonlySet<number> = new Set([0x03, 0x04]);

/**
 * Asks for secrets at the terminal, one after the other, without showing them.
 *
 * @throws {ExitError} when there is no terminal, or the user aborts or types far too much
 */
export async function askSecrets(
  questions: readonly string[],
  terminal: Terminal = STANDARD_TERMINAL,
): Promise<string[]> {
  if (!terminal.isTerminal()) {
    throw new ExitError(1, "Cannot ask for a password: standard input must be a terminal");
  }
  terminal.setRaw(true);
  try {
    const keys = readKeys(terminal);
    const answers: string[] = [];
    for (const question of questions) {
      terminal.write(question);
      answers.push(await readLine(keys));
      terminal.write("\r\n");
    }
    return answers;
  } finally {
    terminal.setRaw(false);
  }
}

/** The bytes that are typed; what one read brings beyond a line belongs to the next. */
async function* readKeys(terminal: Terminal): AsyncGenerator<number, void> {
  const buffer = new Uint8Array(64);
  for (;;) {
    const size = await terminal.read(buffer);
    if (size === null) return;
    yield* buffer.slice(0, size);
  }
}

async function readLine(keys: AsyncGenerator<number, void>): Promise<string> {
  const typed: number[] = [];
  for (;;) {
    const { value: key } = await keys.next();
    if (key === undefined || ABORT.has(key)) throw new ExitError(130, "aborted");
    if (ENTER.has(key)) return new TextDecoder().decode(Uint8Array.from(typed));
    if (ERASE.has(key)) eraseLast(typed);
    else typed.push(key);
    if (typed.length > SECRET_SIZE_MAX) {
      throw new ExitError(
        1,
        `Cannot use the password: it must have ${SECRET_SIZE_MAX} bytes at most`,
      );
    }
  }
}

/** Takes back one character of UTF-8: its last byte and those before it, to the first of it. */
function eraseLast(typed: number[]): void {
  for (let byte = typed.pop(); byte !== undefined && (byte & 0xc0) === 0x80; byte = typed.pop());
}
