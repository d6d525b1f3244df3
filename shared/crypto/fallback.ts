/** The implementation to use, and why it is not the fast one. */
export interface Choice<T> {
  readonly implementation: T;
  /** One line for the log; null when it is the fast one. */
  readonly fallbackReason: string | null;
}

/** The fast implementation of an algorithm, and the one to trust when it does not work. */
export interface Alternatives<T> {
  /** What the fast one is, for the reason. */
  readonly name: string;
  readonly load: () => Promise<T>;
  /** Throws when an implementation disagrees with published results. */
  readonly selfTest: (implementation: T) => void;
  readonly fallback: T;
}

/**
 * Loads the fast implementation and tests it. One that cannot be loaded, throws or disagrees is not
 * used: the caller gets the fallback and the reason, which it logs as an error.
 */
export async function chooseImplementation<T>(alternatives: Alternatives<T>): Promise<Choice<T>> {
  try {
    const implementation = await alternatives.load();
    alternatives.selfTest(implementation);
    return { implementation, fallbackReason: null };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return {
      implementation: alternatives.fallback,
      fallbackReason: `Cannot use ${alternatives.name}, signatures take much longer: ${reason}`,
    };
  }
}
