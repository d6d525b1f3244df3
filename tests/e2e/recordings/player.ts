/** Runs one executable of bin/ in a folder of its own and sends it calls as bytes. */

import assert from "node:assert/strict";
import { type Bytes, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { connectRaw, type RawClient, RpcFault } from "../../../shared/rpc/mod.ts";
import { executablePath } from "../executables.ts";
import { waitFor } from "../wait.ts";
import type { RecordedCall } from "./recordings.ts";

/** What came back: the bytes of a message, or a gRPC status. */
export type Answer =
  | { readonly hex: string }
  | { readonly code: number; readonly details: string };

/** How to run an executable. */
export interface PlayOptions {
  /** Name of the executable. */
  readonly role: string;
  /** An existing folder; the process works in it. */
  readonly folder: string;
  /** The text of `config.toml` in that folder. */
  readonly config: string;
  /** The port of that configuration on which the service will answer. */
  readonly port: number;
  /** Further options of `run`. */
  readonly args?: readonly string[];
  /** How long the first answer may take; 0 returns at once. */
  readonly readyTimeoutMs?: number;
}

const READY_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;
const HEALTH_CHECK = "/grpc.health.v1.Health/Check";

/** Runs `test` with a new folder that is removed afterwards. */
export async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "recordings-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The log4rs file of a role: everything goes to `<role>.log` in the working folder. */
export function logSettings(role: string): string {
  return `appenders:\n  file:\n    kind: file\n    path: ${role}.log\n` +
    "root:\n  level: info\n  appenders: [file]\n";
}

/** A running executable; disposal ends it, however it is. */
export class Player implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #client: RawClient;
  readonly #stderr: Promise<string>;
  readonly #ended = new AbortController();

  private constructor(readonly options: PlayOptions) {
    const { role, folder, port, args = [] } = options;
    this.#process = new Deno.Command(executablePath(role), {
      args: ["run", "-c", "config.toml", "-l", `${role}-log4rs.yaml`, ...args],
      cwd: folder,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#process.status.finally(() => this.#ended.abort());
    this.#stderr = new Response(this.#process.stderr).text();
    this.#client = connectRaw({ port });
  }

  /** Starts the executable and waits until it serves. */
  static async start(options: PlayOptions): Promise<Player> {
    const { role, folder, config, readyTimeoutMs = READY_TIMEOUT_MS } = options;
    await Deno.writeTextFile(`${folder}/config.toml`, config);
    await Deno.writeTextFile(`${folder}/${role}-log4rs.yaml`, logSettings(role));
    const player = new Player(options);
    if (readyTimeoutMs > 0) await player.whenReady(readyTimeoutMs);
    return player;
  }

  /** Waits until the service answers the health check; fails when the process ends before. */
  async whenReady(timeoutMs: number): Promise<void> {
    const { role } = this.options;
    const ended = this.#process.status.then(({ code }) => {
      throw new Error(`bin/${role} ended with code ${code} instead of serving`);
    });
    const ready = waitFor(() => this.#client.call(HEALTH_CHECK, new Uint8Array()), {
      what: `an answer of bin/${role}`,
      timeoutMs,
    });
    try {
      await Promise.race([ready, ended]);
    } catch (cause) {
      await this[Symbol.asyncDispose]();
      throw new Error(`bin/${role} does not serve:\n${await this.logs()}`, { cause });
    }
  }

  /** Sends the bytes of a request. */
  async call(method: string, request: Bytes, deadlineMs = 10_000): Promise<Answer> {
    try {
      return { hex: toHex(await this.#client.call(method, request, { deadlineMs })) };
    } catch (error) {
      if (!(error instanceof RpcFault)) throw error;
      return { code: error.code, details: error.details };
    }
  }

  /** Sends a recorded request; the answer must be the recorded one, byte for byte. */
  async expect(call: RecordedCall): Promise<void> {
    const answer = await this.call(call.method, fromHex(call.request_hex));
    const recorded = call.grpc_error ?? { hex: call.response_hex };
    assert.deepEqual(answer, recorded, describe(call));
  }

  /** The id of the process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Whether the process still runs. */
  get isRunning(): boolean {
    return !this.#ended.signal.aborted;
  }

  /** SIGTERM; gives the exit code, which must come within seconds. */
  async stop(): Promise<number> {
    this.#process.kill("SIGTERM");
    const code = await Promise.race([
      this.#process.status.then((status) => status.code),
      SYSTEM_CLOCK.sleep(STOP_TIMEOUT_MS, this.#ended.signal).then(() => null),
    ]);
    if (code === null) throw new Error(`bin/${this.options.role} does not stop on SIGTERM`);
    return code;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  /** The end of the log file and what went to the standard error stream of an ended process. */
  async logs(): Promise<string> {
    const { folder, role } = this.options;
    const log = await Deno.readTextFile(`${folder}/${role}.log`).catch(() => "");
    const stderr = this.isRunning ? "" : await this.#stderr;
    return `${log.split("\n").slice(-30).join("\n")}\n${stderr}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    if (this.isRunning) await this.kill();
    await this.#stderr;
  }
}

function describe({ label, method, request_hex: hex }: RecordedCall): string {
  const shortHex = hex.length > 200 ? `${hex.slice(0, 200)}... (${hex.length / 2} bytes)` : hex;
  return `${label ?? "call"}: ${method} ${shortHex}`;
}
