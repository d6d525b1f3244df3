import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import type { StoreRecord } from "../chain/mod.ts";
import type { StoragePort } from "../ports.ts";
import { type RetryOptions, untilReady, warnOfChange } from "./retry.ts";

/** Storage during the start: waits for as long as the service is away. */
export class PatientStorage {
  readonly #port: StoragePort;
  readonly #log: Logger;
  readonly #retry: RetryOptions;

  constructor(port: StoragePort, log: Logger, retry: RetryOptions) {
    this.#port = port;
    this.#log = log;
    this.#retry = retry;
  }

  /** The value, or null when there is none. */
  async load(region: number, key: Bytes): Promise<Bytes | null> {
    const warn = warnOfChange(this.#log);
    const { code, value } = await untilReady(async () => {
      const loaded = await this.#port.load(region, key);
      if (loaded.code === StatusCode.Success || loaded.code === StatusCode.NotFound) return loaded;
      warn(`load region ${region} failed: ${statusName(loaded.code)}! Retrying`);
      return null;
    }, this.#retry);
    return code === StatusCode.Success ? value : null;
  }

  /** Resolves once the record is on disk. */
  async store(record: StoreRecord): Promise<void> {
    const warn = warnOfChange(this.#log);
    await untilReady(async () => {
      const code = await this.#port.store(record);
      if (code === StatusCode.Success) return true;
      warn(`store region ${record.region} failed: ${statusName(code)}! Retrying`);
      return null;
    }, this.#retry);
  }
}
