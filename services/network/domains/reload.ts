import { createHash } from "node:crypto";
import type { Clock, Timer } from "../../../shared/clock/mod.ts";
import { parseDocument, readTable } from "../../../shared/config/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import type { DomainTable } from "./config.ts";
import type { KnownPeer } from "./core/neighbours.ts";

/** What is watched, and who learns of changes. */
export interface ReloadOptions {
  /** The configuration file. */
  readonly path: string;
  readonly table: DomainTable;
  readonly intervalMs: number;
  /** Takes the peers of the changed file. */
  readonly onPeers: (peers: readonly KnownPeer[]) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A changed file is used when it is still the same after this time, or after the interval. */
const SETTLE_MS = 1_000;

/**
 * Looks now and then whether the configuration file changed and passes its peers on; nothing else
 * of it is reloaded (spec/network.md, section 4.10). A file that cannot be used is left alone until
 * it changes again. What is seen once only may be half written, and lack peers for that: so a
 * change counts when two looks see the same.
 */
export class ConfigWatch {
  readonly #options: ReloadOptions;
  /** Of the file whose peers are in use, or that cannot be used. */
  #digest: string | null = null;
  /** Of a change that the next look must confirm. */
  #changedDigest: string | null = null;
  #isMissing = false;
  #timer: Timer | null = null;

  /** To be made right after the file was read: later changes of it count. */
  constructor(options: ReloadOptions) {
    this.#options = options;
    const text = this.#read();
    if (text !== null) this.#digest = digestOf(text);
  }

  /** Begins to watch, unless the file is not there. */
  start(): void {
    const { log, path } = this.#options;
    if (this.#digest === null) {
      return log.warn("calculate config file md5 failed, hot update invalid", { path });
    }
    log.info(`monitoring config file: (${path})`);
    log.info(`config file initial md5: ${this.#digest}`);
    this.#setTimer(this.#options.intervalMs);
  }

  /** Stops to watch. */
  stop(): void {
    this.#timer?.cancel();
  }

  #setTimer(delayMs: number): void {
    const { clock, intervalMs } = this.#options;
    this.#timer = clock.setTimer(delayMs, () => {
      this.#look();
      const isSettled = this.#changedDigest === null;
      this.#setTimer(isSettled ? intervalMs : Math.min(SETTLE_MS, intervalMs));
    });
  }

  #look(): void {
    const text = this.#read();
    this.#noteMissing(text === null);
    const digest = text === null ? this.#digest : digestOf(text);
    const isConfirmed = digest === this.#changedDigest;
    this.#changedDigest = digest === this.#digest || isConfirmed ? null : digest;
    if (text === null || !isConfirmed) return;
    this.#digest = digest;
    this.#options.log.info(`config file new md5: ${digest}`);
    this.#load(text);
  }

  /** Says once that the file is gone. */
  #noteMissing(isMissing: boolean): void {
    const { log, path } = this.#options;
    if (isMissing && !this.#isMissing) {
      log.warn("calculate config file md5 failed, make sure it's not removed", { path });
    }
    this.#isMissing = isMissing;
  }

  #load(text: string): void {
    const { log, path, table, onPeers } = this.#options;
    try {
      onPeers(readTable(table, parseDocument(text, path)).peers);
    } catch (cause) {
      log.warn(`load config file: (${path}) failed, check format`, { cause });
    }
  }

  #read(): string | null {
    try {
      return Deno.readTextFileSync(this.#options.path);
    } catch {
      return null; // whatever the reason, the next look tries again
    }
  }
}

/** The reference logs the MD5, and operators compare it; nothing relies on its strength. */
function digestOf(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
