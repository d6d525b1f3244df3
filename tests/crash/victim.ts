/** The compiled storage, to be killed at any moment. */

import { StorageServiceService } from "../../proto/gen/storage.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { KillableService } from "./killable_service.ts";

/** A client of the storage. */
export type StorageClient = RpcClient<typeof StorageServiceService>;

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
export class Victim extends KillableService {
  readonly #port: number;

  constructor({ folder, port }: VictimOptions) {
    super({ role: "storage", folder, port });
    this.#port = port;
  }

  /** Waits until the port is open and gives a client. */
  async connect(): Promise<StorageClient> {
    await this.serving();
    return connect(StorageServiceService, { port: this.#port, deadlineMs: CALL_DEADLINE_MS });
  }
}
