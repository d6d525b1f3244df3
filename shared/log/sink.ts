/** A place that takes text. */
export interface TextSink {
  readonly isTerminal: boolean;
  /** Never throws: a full disk must not stop a service. */
  write(text: string): void;
  close(): Promise<void>;
}

const TEXT_ENCODER = new TextEncoder();

/** The terminal or pipe of the process; a reader that went away loses lines, nothing else. */
export function consoleSink(stream: "stdout" | "stderr"): TextSink {
  const target = Deno[stream];
  return {
    isTerminal: target.isTerminal(),
    write(text) {
      try {
        writeAllSync(target, TEXT_ENCODER.encode(text));
      } catch {
        // nobody reads: there is no better place to say so
      }
    },
    close: () => Promise.resolve(),
  };
}

/** Writes every byte, however many the system takes at a time. */
export function writeAllSync(
  target: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let written = 0; written < bytes.length;) {
    written += target.writeSync(bytes.subarray(written));
  }
}
