/** A compiled service, to be killed at any moment. */

import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { executablePath } from "../e2e/executables.ts";

const START_DEADLINE_MS = 30_000;
const POLL_INTERVAL_MS = 5;

/** What runs where. */
export interface ServiceOptions {
  readonly role: string;
  /** Holds configuration and data; kept from one process to the next. */
  readonly folder: string;
  readonly port: number;
}

/** One process of `bin/ROLE run`. */
export class KillableService {
  readonly #options: ServiceOptions;
  readonly #process: Deno.ChildProcess;
  #hasEnded = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#process = new Deno.Command(executablePath(options.role), {
      args: ["run"],
      cwd: options.folder,
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    this.#process.status.then(() => this.#hasEnded = true);
  }

  /** Waits until the port is open. */
  async serving(): Promise<void> {
    const { role, port } = this.#options;
    const giveUpMs = SYSTEM_CLOCK.monotonicMs() + START_DEADLINE_MS;
    while (!await isOpen(port)) {
      if (this.#hasEnded) throw new Error(`bin/${role} ended instead of serving, see its log`);
      if (SYSTEM_CLOCK.monotonicMs() > giveUpMs) throw new Error(`bin/${role} does not serve`);
      await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
    }
  }

  /** SIGKILL; throws when the process had ended by itself. */
  async kill(): Promise<void> {
    const { role } = this.#options;
    if (this.#hasEnded) throw new Error(`bin/${role} ended before it was killed, see its log`);
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  /** Ends the process, however it is. */
  async dispose(): Promise<void> {
    if (!this.#hasEnded) await this.kill();
  }
}

async function isOpen(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
