/** Where a program writes; tests pass one that collects. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** Writes all of a text, or nothing more once the reader has gone (`| head`). */
function writeAll(target: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let written = 0; written < bytes.length;) {
      written += target.writeSync(bytes.subarray(written));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** The standard streams of the process. */
export const STANDARD_OUTPUT: Output = {
  out: (text) => writeAll(Deno.stdout, text),
  err: (text) => writeAll(Deno.stderr, text),
};
