import type { Logger } from "../../shared/log/mod.ts";

/** Logs when another service goes away and when it is back, not every call that fails between. */
export class Link {
  #isUp = false;
  #wasTold = false;

  constructor(readonly name: string, readonly log: Logger) {}

  /** A call was answered. */
  up(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.#wasTold = false;
    this.log.info(`connecting to ${this.name} success`);
  }

  /** A call was not answered. */
  down(cause: unknown): void {
    this.#isUp = false;
    if (this.#wasTold) return;
    this.#wasTold = true;
    this.log.warn(`connecting to ${this.name}...`, { cause });
  }

  /** Runs a call; null when it is not answered. */
  async call<Answer>(request: () => Promise<Answer>): Promise<Answer | null> {
    try {
      const answer = await request();
      this.up();
      return answer;
    } catch (cause) {
      this.down(cause);
      return null;
    }
  }
}
