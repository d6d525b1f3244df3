/** The compiled storage, to be killed at any moment. */

import { StorageServiceService } from "../../proto/gen/storage.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { executablePath } from "../e2e/executables.ts";

/** A client of the storage. */
export type StorageClient = RpcClient<typeof StorageServiceService>;

const START_DEADLINE_MS = 30_000;
const POLL_INTERVAL_MS = 5;
/** Checks load blocks while the process still recovers from its start. */
const CALL_DEADLINE_MS = 30_000;

const LOG_SETTINGS = `
appenders: {file: {kind: file, path: storage.log}}
root: {level: warn, appenders: [file]}
`;

/** Where the process runs and on which ports. */
export interface VictimOptions {
  /** Holds the data; kept from one process to the next. */
  readonly folder: string;
  /** Name of the table of its configuration. */
  readonly flavour: string;
  readonly port: number;
  readonly kmsPort: number;
}

/** Writes the configuration of the storage into its folder. */
export async function configure({ folder, flavour, port, kmsPort }: VictimOptions): Promise<void> {
  const table = `[${flavour}]\nstorage_port = ${port}\nkms_port = ${kmsPort}\n`;
  await Deno.writeTextFile(`${folder}/config.toml`, table);
  await Deno.writeTextFile(`${folder}/storage-log4rs.yaml`, LOG_SETTINGS);
}

/** One process. */
export class Victim {
  readonly #process: Deno.ChildProcess;
  readonly #port: number;
  #hasEnded = false;

  constructor({ folder, port }: VictimOptions) {
    this.#port = port;
    this.#process = new Deno.Command(executablePath("storage"), {
      args: ["run"],
      cwd: folder,
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    this.#process.status.then(() => this.#hasEnded = true);
  }

  /** Waits until the port is open and gives a client. */
  async connect(): Promise<StorageClient> {
    const giveUpMs = SYSTEM_CLOCK.monotonicMs() + START_DEADLINE_MS;
    while (!await isOpen(this.#port)) {
      if (this.#hasEnded) throw new Error("bin/storage ended instead of serving, see its log");
      if (SYSTEM_CLOCK.monotonicMs() > giveUpMs) throw new Error("bin/storage does not serve");
      await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
    }
    return connect(StorageServiceService, { port: this.#port, deadlineMs: CALL_DEADLINE_MS });
  }

  /** SIGKILL; throws when the process had ended by itself. */
  async kill(): Promise<void> {
    if (this.#hasEnded) throw new Error("bin/storage ended before it was killed, see its log");
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
